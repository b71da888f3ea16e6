"""`nearfar-cloud prepare` as a command: every flag changes something, and every refusal says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.cli import main
from cloud_service.cli.command import _parser
from cloud_service.cli.prepare import _device_class, _ends, _options, _write
from cloud_service.cli.prepare_flags import refuse_idle
from cloud_service.errors import SettingsError
from cloud_service.publish.ends import Pictures, Sentences
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.sandbox import Ports
from nearfar_wire.specs import TensorSpec
from tests.builders.questions import question
from tests.builders.tokenizers import word_tokenizer

ASKED = question("classification", count=800)
PORTS = Ports((TensorSpec("x", "FP32", (-1, 3, 8, 8)),), (TensorSpec("y", "FP32", (-1, 4)),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files to name, in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("full.onnx").write_bytes(ASKED.full)
    Path("small.onnx").write_bytes(ASKED.small)
    np.savez("data.npz", x=ASKED.inputs, y=ASKED.labels, who=np.arange(800) // 4, when=np.arange(800))
    Path("labels.txt").write_text("ape\nbee\ncat\ndog\n")
    Path("phone.toml").write_text('name = "phone"\nslower = 3\n')
    Path("tokenizer.json").write_bytes(word_tokenizer(["a"]))
    Path("other.json").write_bytes(word_tokenizer(["a", "b"]))
    Path("sentences.csv").write_text("text,y\na,0\nb,1\n")
    for name in ("ape/1.jpg", "bee/1.jpg"):
        Path("photos", name).parent.mkdir(parents=True)
        Path("photos", name).write_bytes(b"")
    return tmp_path


TENSORS = ("full.onnx", "--data", "data.npz", "--out", "release")
PHOTOS = ("full.onnx", "--data", "photos", "--recipe", "image", "--out", "release", "--device-model", "small.onnx")
TEXTS = ("full.onnx", "--data", "sentences.csv", "--recipe", "text", "--tokenizer", "tokenizer.json", "--out", "r")
TEXTS = (*TEXTS, "--device-model", "small.onnx")

# Each flag with a call that it is added to, and where in what comes of the call it is seen.
SEEN: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "--data": (TENSORS, ("--data", "data2.npz"), "examples"),
    "--out": (TENSORS, ("--out", "elsewhere"), "out"),
    "--name": (TENSORS, ("--name", "n"), "name"),
    "--version": (TENSORS, ("--version", "7"), "version"),
    "--labels": (TENSORS, ("--labels", "y"), "examples"),
    "--no-labels": (PHOTOS, ("--no-labels",), "examples"),
    "--groups": (TENSORS, ("--groups", "who"), "examples"),
    "--time": (TENSORS, ("--time", "when"), "examples"),
    "--device-model": (TENSORS, ("--device-model", "small.onnx"), "device_model"),
    "--recipe": (TENSORS, ("--recipe", "image"), "ends"),
    "--task": (TENSORS, ("--task", "regression"), "task"),
    "--tolerance": (TENSORS, ("--tolerance", "0.5"), "tolerance"),
    "--output": (TENSORS, ("--output", "y"), "output"),
    "--device-output": ((*TENSORS, "--device-model", "small.onnx"), ("--device-output", "y"), "device_output"),
    "--score": (TENSORS, ("--score", "energy"), "score"),
    "--score-output": (TENSORS, ("--score-output", "sure"), "score_output"),
    "--alpha": (TENSORS, ("--alpha", "0.03"), "alphas"),
    "--delta": (TENSORS, ("--delta", "0.2"), "delta"),
    "--labels-file": (TENSORS, ("--labels-file", "labels.txt"), "label_names"),
    "--normalise": (PHOTOS, ("--normalise", "unit"), "ends"),
    "--device-normalise": (PHOTOS, ("--device-normalise", "unit"), "ends"),
    "--size": (PHOTOS, ("--size", "8x9"), "ends"),
    "--device-size": (PHOTOS, ("--device-size", "8x9"), "ends"),
    "--pixels": ((*TENSORS, "--recipe", "image"), ("--pixels",), "ends"),
    "--no-fuse": (PHOTOS, ("--no-fuse",), "ends"),
    "--tokenizer": (TEXTS, ("--tokenizer", "other.json"), "ends"),
    "--device-tokenizer": (TEXTS, ("--device-tokenizer", "other.json"), "ends"),
    "--max-length": (TEXTS, ("--max-length", "9"), "ends"),
    "--drop-layers": (TENSORS, ("--drop-layers", "1"), "drop_layers"),
    "--ship": (TENSORS, ("--ship", "own"), "ship"),
    "--device-class": (TENSORS, ("--device-class", "phone.toml"), "device"),
    "--patience": (TENSORS, ("--patience", "9"), "patience_s"),
    "--repeats": (TENSORS, ("--repeats",), "repeats"),
    "--golden": (TENSORS, ("--golden", "2"), "golden"),
    "--seed": (TENSORS, ("--seed", "3"), "seed"),
    "--no-report": (TENSORS, ("--no-report",), "report"),
}


def parsed(*arguments: str) -> dict[str, Any]:
    given = vars(_parser().parse_args(["prepare", *arguments]))
    refuse_idle(given)
    return given


def seen(*arguments: str) -> dict[str, str]:
    """Return what the flags come to, each part in words; what a recipe was told is looked into."""
    given = parsed(*arguments)
    options = _options(given)
    found = {field.name: repr(getattr(options, field.name)) for field in fields(PrepareOptions)}
    ends = _ends(given, PORTS)
    inside = [ends._tokenizers] if isinstance(ends, Sentences) else [ends.__dict__.get("_recipe")]
    if isinstance(ends, Pictures):
        inside += [ends._declared, ends._size]
    found["ends"] = repr((type(ends), inside))
    return found


@pytest.mark.wide
@pytest.mark.parametrize("flag", SEEN)
def test_every_flag_changes_what_the_release_is_made_from(folder: Path, flag: str) -> None:
    base, added, where = SEEN[flag]
    np.savez("data2.npz", x=ASKED.inputs[::-1])
    changed = {name for name, told in seen(*base, *added).items() if told != seen(*base)[name]}
    assert where in changed
    assert changed <= {where, "examples", "label_names", "ends"}


def test_no_flag_is_without_a_test_that_changes_it() -> None:
    parser: Any = _parser()
    prepare = parser._subparsers._group_actions[0].choices["prepare"]
    flags = {action.option_strings[-1] for action in prepare._actions if action.option_strings}
    assert flags - {"--help", "--json"} == set(SEEN)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*TENSORS, "--normalise", "unit"), "--normalise: is for --recipe image"),
        ((*TENSORS, "--pixels"), "--pixels: is for --recipe image"),
        ((*TENSORS, "--tokenizer", "tokenizer.json"), "--tokenizer: is for --recipe text"),
        ((*TENSORS, "--max-length", "9"), "--max-length: is for --recipe text"),
        ((*TENSORS, "--device-output", "y"), "--device-output: is of --device-model, and none is given"),
        ((*TENSORS, "--no-labels"), "--no-labels: leaves out the column of a file that --labels names, and none"),
    ],
    ids=lambda part: part[-1] if isinstance(part, tuple) else "",
)
def test_a_flag_that_would_do_nothing_is_refused(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(*arguments)
    assert told in str(refused.value)


@pytest.mark.parametrize("kind", ["npz", "csv", "jsonl"])
def test_a_column_of_labels_that_is_named_and_not_wanted_is_left_out(folder: Path, kind: str) -> None:
    """A refusal advised --no-labels, which said to leave --labels out; without it, the column was no known input."""
    Path("sentences.jsonl").write_text('{"text": "a", "y": "of"}\n{"text": "b", "y": "no task"}\n')
    base = TENSORS if kind == "npz" else ("full.onnx", "--data", f"sentences.{kind}", *TEXTS[3:])
    examples = _options(parsed(*base, "--labels", "y", "--no-labels")).examples
    assert examples.labels is None and examples.label_names is None
    assert "y" not in examples.inputs and len(examples) == (800 if kind == "npz" else 2)
    with pytest.raises(PublishError, match="'z'"):
        _options(parsed(*base, "--labels", "z", "--no-labels"))


def run(*arguments: str) -> int:
    return main(["prepare", *arguments])


@pytest.mark.wide
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("none.onnx", *TENSORS[1:]), 2, "none.onnx cannot be read: No such file"),
        ((*TENSORS, "--json", "none/figures.json"), 2, "--json: none/figures.json cannot be written"),
        ((*TENSORS, "--json", "full.onnx"), 2, "--json: full.onnx is what is read, or in it"),
        ((*TENSORS, "--json", "data.npz"), 2, "--json: data.npz is what is read"),
        ((*PHOTOS, "--json", "photos/figures.json"), 2, "--json: photos/figures.json is what is read, or in it"),
        ((*TENSORS, "--device-class", "labels.txt"), 2, "labels.txt: line 1: not TOML"),
        ((*TENSORS, "--recipe", "text"), 2, "--tokenizer: is wanted with --recipe text"),
        (("full.onnx", "--data", "photos", "--out", "r"), 2, "tensors are in an .npz"),
        ((*PHOTOS, "--labels", "y"), 2, "a folder of pictures has none"),
        ((*PHOTOS, "--pixels"), 2, "--pixels: wants an .npz"),
        ((*PHOTOS, "--task", "regression"), 2, "give --no-labels, or an .npz"),
        ((*TENSORS, "--labels", "z"), 1, "no column 'z' for labels; there is x, y, who, when"),
        (("full.onnx", "--data", "none.npz", "--out", "r"), 1, "none.npz cannot be read"),
        (("labels.txt", *TENSORS[1:], "--labels", "y"), 1, "it is no ONNX model"),
        ((*TENSORS, "--name", "a b"), 1, "'a b' is no name for a model"),
        ((*TENSORS, "--labels", "y", "--alpha", "0.001"), 1, "needs 2"),
        ((*TENSORS, "--labels", "y", "--labels-file", "labels.txt", "--task", "regression"), 1, "needs a tolerance"),
    ],
    ids=lambda part: "",
)
def test_a_refusal_is_one_line_with_what_to_do_and_its_exit_code(
    folder: Path, arguments: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in folder.rglob("*"))
    assert run(*arguments) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.startswith("nearfar-cloud: ") and captured.err.count("\n") == 1
    assert captured.out == ""
    assert sorted(path.name for path in folder.rglob("*")) == before


@pytest.mark.parametrize(
    "wrong",
    [
        ("--alpha", "0"),
        ("--alpha", "nan"),
        ("--delta", "1"),
        ("--version", "0"),
        ("--max-length", "0"),
        ("--patience", "0"),
        ("--golden", "-1"),
        ("--size", "8"),
        ("--size", "0x9"),
        ("--task", "ranking"),
        ("--score", "luck"),
    ],
    ids="-".join,
)
def test_a_value_that_no_flag_can_have_is_exit_code_2(
    folder: Path, wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*TENSORS, *wrong)
    assert caught.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_figures_go_where_they_were_told_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("figures.json", "-"):
        _write(Path(path), "{}\n")
    assert (folder / "figures.json").read_text() == capsys.readouterr().out == "{}\n"


@pytest.mark.wide
@pytest.mark.timeout(600)
def test_a_release_is_made_told_and_its_figures_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--labels", "y", "--groups", "who", "--time", "when", "--labels-file", "labels.txt")
    flags += ("--device-model", "small.onnx", "--ship", "own")
    assert run(*TENSORS, *flags, "--alpha", "0.0005", "--alpha", "0.05", "--json", "-") == 0
    captured = capsys.readouterr()
    told: list[Callable[[], bool]] = [
        lambda: "own" in captured.err and "ships" in captured.err,
        lambda: "right on the evaluation set: the device alone" in captured.err,
        lambda: "costs at most so much accuracy" in captured.err and "5.00%" in captured.err,
        lambda: "not promised: alpha 0.0005" in captured.err and "needs" in captured.err,
        lambda: "not covered:" in captured.err and "any sub-group by itself" in captured.err,
        lambda: "360 examples calibrated on are of 90 groups, and each was counted as if" in captured.err,
        lambda: "golden inputs: example" in captured.err,
        lambda: "written to release\n" in captured.err,
        lambda: "certify: 1" in captured.err and "write: 1" in captured.err,
    ]
    assert [place for place, check in enumerate(told) if not check()] == []
    figures = json.loads(captured.out)
    assert not Path("-").exists()
    assert figures["model"] == "full" and len(figures["promises"]) == 1 and len(figures["refused"]) == 1
    assert (folder / "release/labels.txt").read_text() == "ape\nbee\ncat\ndog\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = " + b"[" * 20_000, "line 1: nested too deeply"),
        (b".".join([b"a"] * 30_000) + b" = 1", "line 1: a name of more than 64 parts"),
        (b"\xff", "line 1: not UTF-8 at byte 0"),
        (b'name = "p"\nthreads = 1\nthreads = 2\n', 'line 3: duplicate key "threads"'),
        (b'nam = "p"\n', "unknown key 'nam'; did you mean \"name\"?"),
        (b'name = "p"\nslower = true\n', "slower: not True"),
        (b'name = "p"\nslower = nan\n', "slower 0.01 to 1000"),
        (b"#" * (1 << 20), "longer than 65536 bytes"),
    ],
)
def test_F4_a_device_class_that_is_none_is_refused_as_any_document_is(
    tmp_path: Path, content: bytes, told: str
) -> None:
    """One that was nested deeply ended the command in a traceback, and a name of many parts kept it busy for hours."""
    path = tmp_path / "class.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        _device_class(path)
    assert told in str(caught.value)
