"""The release manifest: what can be read can be used, and what cannot is refused at its exact place."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import MAX_MANIFEST_BYTES, Manifest, Step, parse_manifest, read_manifest
from nearfar_wire.specs import TensorSpec

DIGEST = "sha256:" + "0" * 64

DIGITS = f"""
schema = 1
name = "digits"
version = 3

[[inputs]]
name = "pixels"
datatype = "UINT8"
shape = [-1, 8, 8]

[[inputs]]
name = "photo"
datatype = "BYTES"
shape = [-1]
encoding = "image"

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 10]

[device]
file = "digits-int8.onnx"
digest = "{DIGEST}"
fetches = {{ probabilities = "p" }}

[device.feeds.x]
source = "pixels"
datatype = "FP32"
steps = [{{ reshape = [-1, 64] }}, {{ scale = 0.0625 }}]

[remote]
model = "digits"
digest = "{DIGEST}"

[score]
output = "probabilities"

[evaluation]
n = 500
device_wrong = 0.05
remote_wrong = 0.02
"""


def read(text: str) -> Manifest:
    return parse_manifest(text.encode(), "manifest.toml")


def test_a_manifest_says_what_the_model_takes_and_gives() -> None:
    manifest = read(DIGITS)
    assert manifest.device is not None
    assert manifest.device.feeds["x"].steps == [Step(reshape=[-1, 64]), Step(scale=0.0625)]
    assert manifest.inputs[0].spec() == TensorSpec("pixels", "UINT8", (-1, 8, 8), allow_nan=False)
    assert manifest.outputs[0].spec() == TensorSpec("probabilities", "FP32", (-1, 10))


def test_whole_numbers_may_stand_for_fractions() -> None:
    manifest = read(DIGITS.replace("scale = 0.0625", "scale = 2"))
    assert manifest.device is not None
    assert manifest.device.feeds["x"].steps[1].scale == 2.0


@pytest.mark.parametrize("key", ["scale", "subtract", "divide", "reshape", "transpose", "resize"])
def test_every_step_has_a_kind(key: str) -> None:
    value = {"scale": 1.0, "subtract": [1.0], "divide": [1.0], "reshape": [1], "transpose": [0], "resize": [1, 1]}[key]
    assert Step.model_validate({key: value}).kind == key


STEPS = "[{ reshape = [-1, 64] }, { scale = 0.0625 }]"
X = "device.feeds.x"
BAD = [
    pytest.param("schema = 1", "schema = 2", "schema", "reads schema 1", id="schema"),
    pytest.param("schema = 1", "schema = true", "schema", "valid integer", id="schema of another type"),
    pytest.param("version = 3", "version = 0", "version", "greater than or equal to 1", id="version"),
    pytest.param("version = 3", 'version = "3"', "version", "valid integer", id="version as text"),
    pytest.param('name = "digits"', 'name = "../digits"', "name", "match pattern", id="name that is a path"),
    pytest.param(
        'file = "digits-int8.onnx"', 'file = "/etc/x"', "device.file", "match pattern", id="file that is a path"
    ),
    pytest.param("[score]", "[score]\nkid = 1", "score.kid", "unknown key; did you mean 'kind'?", id="unknown key"),
    pytest.param(
        "[score]", "[score]\nx = 1", "score.x", "unknown key; known here: output, kind, values", id="no such key"
    ),
    pytest.param("[score]", "[scor]\nx = 1\n[score]", "scor", "did you mean 'score'?", id="unknown table"),
    pytest.param('datatype = "UINT8"', 'datatype = "BF16"', "inputs[0].datatype", "not one of BOOL", id="datatype"),
    pytest.param("shape = [-1, 8, 8]", "shape = [-2]", "inputs[0].shape[0]", "greater than", id="dimension"),
    pytest.param('name = "photo"', 'name = "pixels"', "inputs[1].name", "described twice", id="input twice"),
    pytest.param('datatype = "BYTES"', 'datatype = "UINT8"', "inputs[1]", "encoded input", id="encoded numbers"),
    pytest.param(
        'source = "pixels"', 'source = "pixel"', f"{X}.source", "no input 'pixel'; there are pixels", id="source"
    ),
    pytest.param(
        'source = "pixels"\ndatatype = "FP32"',
        'source = "pixels"\ndatatype = "BYTES"',
        f"{X}.steps[1].scale",
        "can only be reshaped",
        id="arithmetic on BYTES",
    ),
    pytest.param(
        f'source = "pixels"\ndatatype = "FP32"\nsteps = {STEPS}',
        'source = "pixels"\ndatatype = "BYTES"',
        f"{X}.datatype",
        "BYTES cannot be made from UINT8",
        id="BYTES from numbers",
    ),
    pytest.param(STEPS, "[{ resize = [8, 8] }]", f"{X}.steps[0].resize", "no encoding", id="resize numbers"),
    pytest.param(
        STEPS, "[{ scale = 1 }, { resize = [8, 8] }]", f"{X}.steps[1].resize", "only the first", id="resize later"
    ),
    pytest.param(STEPS, "[{}]", f"{X}.steps[0]", "exactly one of", id="empty step"),
    pytest.param(STEPS, "[{ scale = 1, divide = [1] }]", f"{X}.steps[0]", "exactly one of", id="two in one step"),
    pytest.param(STEPS, "[{ divide = [0] }]", f"{X}.steps[0]", "divide: by zero", id="divide by zero"),
    pytest.param(STEPS, "[{ divide = [1e-50] }]", f"{X}.steps[0]", "divide: by zero", id="zero in 32 bits"),
    pytest.param(STEPS, "[{ scale = 1e39 }]", f"{X}.steps[0].scale", "less than", id="infinite in 32 bits"),
    pytest.param(STEPS, "[{ scale = nan }]", f"{X}.steps[0].scale", "", id="NaN"),
    pytest.param(STEPS, "[{ subtract = [inf] }]", f"{X}.steps[0].subtract[0]", "", id="infinity"),
    pytest.param(STEPS, "[{ subtract = [] }]", f"{X}.steps[0].subtract", "at least 1", id="no numbers"),
    pytest.param(STEPS, "[{ reshape = [-1, -1] }]", f"{X}.steps[0]", "only one dimension", id="reshape"),
    pytest.param(STEPS, "[{ transpose = [0, 2] }]", f"{X}.steps[0]", "axes 0 to 1 once", id="transpose"),
    pytest.param('probabilities = "p"', 'label = "p"', "device.fetches.label", "no output 'label'", id="fetch"),
    pytest.param('output = "probabilities"', 'output = "logits"', "score.output", "no output 'logits'", id="score"),
    pytest.param("shape = [-1, 10]", "shape = [-1, 1]", "score.output", "at least two a row", id="score of one class"),
    pytest.param(
        'datatype = "FP32"\nshape = [-1, 10]',
        'datatype = "INT64"\nshape = [-1, 10]',
        "score.output",
        "with a point",
        id="score of integers",
    ),
    pytest.param("device_wrong = 0.05", "device_wrong = nan", "evaluation.device_wrong", "", id="NaN share"),
    pytest.param("version = 3", "version = 3\nversion = 3", "", "not TOML", id="duplicate key"),
]


@pytest.mark.parametrize(("good", "bad", "path", "problem"), BAD)
def test_a_fault_is_reported_at_its_exact_place(good: str, bad: str, path: str, problem: str) -> None:
    assert good in DIGITS
    with pytest.raises(ManifestError) as refused:
        read(DIGITS.replace(good, bad, 1))
    assert (refused.value.source, refused.value.path) == ("manifest.toml", path)
    assert problem in refused.value.problem
    assert "Value error" not in str(refused.value)


def test_a_manifest_that_nothing_could_answer_is_refused() -> None:
    head, _, _ = DIGITS.partition("[device]")
    with pytest.raises(ManifestError, match="neither `device` nor `remote`"):
        read(head)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"= 1", id="not TOML"),
        pytest.param(b"a = " + b"[" * 100_000, id="deep"),
        pytest.param(b"version = " + b"9" * 5000, id="more digits than Python reads"),
    ],
)
def test_what_is_not_TOML_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestError, match="not TOML"):
        parse_manifest(content, "manifest.toml")


def test_an_endless_manifest_is_refused_unread() -> None:
    with pytest.raises(ManifestError, match="longer than"):
        parse_manifest(b"#" * (MAX_MANIFEST_BYTES + 1), "manifest.toml")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("part", ["a", '"="', '"\\""', "'.'", '""'])
@pytest.mark.parametrize(("before", "after"), [("", " = 1"), ("[", "]"), ("x = {", " = 1}")])
def test_an_endless_name_is_refused_and_not_worked_on(part: str, before: str, after: str) -> None:
    """The parser's work grew with the square of the parts: 20,000 of them took seconds, half a million hours."""
    content = f"schema = 1\n{before}{' . '.join([part] * 200_000)}{after}"
    with pytest.raises(ManifestError, match="line 2: a name of more than 64 parts"):
        parse_manifest(content.encode()[:MAX_MANIFEST_BYTES], "manifest.toml")


@pytest.mark.wide
@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ['\\"', '"', "'", "a", '"a".', '"" ', " "])
def test_what_looks_for_endless_names_is_not_kept_busy_itself(piece: str) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(('"' + piece * MAX_MANIFEST_BYTES)[:MAX_MANIFEST_BYTES].encode(), "manifest.toml")


@pytest.mark.parametrize("line", [f"# {'.' * 200}", f"# see {'a.b ' * 100}", f"a = [{'0.5, ' * 200}]"])
def test_many_dots_are_no_endless_name(line: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read(line)
    assert "parts" not in refused.value.problem


def test_a_manifest_file_is_read_no_further_than_a_manifest_may_go(tmp_path: Path) -> None:
    """A file of gigabytes was read whole before it was found too long."""
    good, endless = tmp_path / "good.toml", tmp_path / "endless.toml"
    good.write_text(DIGITS)
    assert read_manifest(good) == read(DIGITS)
    with endless.open("wb") as file:
        file.truncate(1 << 40)  # a hole, which takes no room
    with pytest.raises(ManifestError, match="longer than"):
        read_manifest(endless)


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    with pytest.raises(ManifestError, match="m: line 2: not TOML: not UTF-8 at byte 11"):
        parse_manifest(b"schema = 1\n\xff", "m")
