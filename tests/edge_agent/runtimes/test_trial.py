"""A model is tried before it is trusted: on which provider it runs, what is remembered, when a process is started."""

from __future__ import annotations

import logging
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge_agent import DeviceConfig
from edge_agent.releases import Release, load_release
from edge_agent.runtimes import CPU
from edge_agent.runtimes.trial import Outcome, Trials
from edge_agent.runtimes.trial.book import VerdictBook
from edge_agent.runtimes.trial.child import NoChild, try_in_child
from edge_agent.runtimes.trial.machine import describe
from edge_agent.runtimes.trial.verdict import Tried, Verdict
from tests.builders import providers
from tests.builders.agents import Home, golden_npz
from tests.builders.onnx_models import endless, softmax_mlp
from tests.builders.providers import (
    CRASHES,
    ENDLESS,
    FASTER,
    GREEDY,
    NAN,
    OTHERWISE,
    REFUSES,
    SHAPELESS,
    SLOWER,
    Machine,
)

HERE = {"trial": "never"}  # in this process


def load(
    folder: Path, *wanted: str, machine: Machine | None = None, state: Path | None = None, **device: Any
) -> Release:
    machine = machine or Machine()
    trials = Trials(
        state,
        open_runtime=machine.open,
        offered=machine.offered,
        command=providers.COMMAND,
        clock=machine.clock,
    )
    return load_release("tiny", folder, DeviceConfig(providers=list(wanted) or [CPU], **device), trials)


def provider_of(release: Release) -> str:
    assert release.runtime is not None, release.why_no_runtime
    return release.runtime.provider


@pytest.fixture
def golden(home: Home) -> Path:
    return home.release(golden=golden_npz())


# -- golden examples ---------------------------------------------------------------------------------------------------


def test_a_model_that_answers_as_its_golden_examples_is_used(golden: Path) -> None:
    release = load(golden, **HERE)
    assert (provider_of(release), release.fell_back, release.why_provider) == (CPU, False, "")


def test_a_release_without_golden_examples_is_loaded_and_not_run(home: Home) -> None:
    machine = Machine()
    load(home.release(), machine=machine)
    assert machine.opened == [CPU]
    assert machine.clock() == 1000.0, "no run has taken any time"


def test_a_model_is_opened_once_where_it_is_tried_in_this_process(golden: Path) -> None:
    machine = Machine()
    load(golden, machine=machine, **HERE)
    assert machine.opened == [CPU]


@pytest.mark.wide
def test_a_model_that_never_answers_its_examples_is_halted_in_this_process_too(home: Home) -> None:
    release = load(home.release(model=endless(), golden=golden_npz()), trial_s=0.2)
    assert release.runtime is None
    assert release.why_no_runtime == "small.onnx: its trial did not end within 0.2 s (device.trial_s)"


# -- providers ---------------------------------------------------------------------------------------------------------


def test_an_accelerator_that_answers_alike_and_faster_is_used(golden: Path, caplog: pytest.LogCaptureFixture) -> None:
    release = load(golden, FASTER, CPU, **HERE)
    assert (provider_of(release), release.fell_back) == (FASTER, False)
    assert release.why_provider == "2 ms a run, 10 on CPUExecutionProvider"
    assert caplog.text == ""


UNFIT = {
    OTHERWISE: "it answers otherwise than its golden examples: output 'probabilities' is off by ",
    NAN: "output 'probabilities' is not a number in 24 of 24 elements",
    SHAPELESS: "output 'probabilities' has shape [3], the golden one [1, 3]",
    SLOWER: "it is not clearly faster: 9.5 ms a run, 10 on CPUExecutionProvider",
    REFUSES: "the driver is too old",
}


@pytest.mark.parametrize(("wanted", "why"), UNFIT.items(), ids=UNFIT)
def test_E8_an_accelerator_that_does_not_pass_is_left_for_the_processor_with_the_reason(
    golden: Path, caplog: pytest.LogCaptureFixture, wanted: str, why: str
) -> None:
    release = load(golden, wanted, CPU, **HERE)
    assert (provider_of(release), release.fell_back) == (CPU, True)
    assert f"not on {wanted}: " in release.why_provider
    assert why in release.why_provider
    (warning,) = caplog.records
    assert warning.getMessage() == f"model tiny runs on {CPU}, {release.why_provider}"


@pytest.mark.parametrize("wanted", UNFIT)
def test_E8_no_processor_takes_the_place_of_an_accelerator_that_is_required(golden: Path, wanted: str) -> None:
    release = load(golden, wanted, CPU, require_accelerator=True, **HERE)
    assert release.runtime is None
    assert release.why_no_runtime.startswith(f"small.onnx: provider {wanted} is required: ")
    assert UNFIT[wanted] in release.why_no_runtime


def test_an_accelerator_that_passes_is_used_where_it_is_required(golden: Path) -> None:
    assert provider_of(load(golden, FASTER, require_accelerator=True, **HERE)) == FASTER


def test_a_required_accelerator_that_nobody_named_is_no_processor(golden: Path) -> None:
    release = load(golden, CPU, require_accelerator=True, **HERE)
    assert release.why_no_runtime == "small.onnx: device.providers names no accelerator, and one is required"


def test_providers_are_tried_in_order_of_preference(golden: Path) -> None:
    machine = Machine()
    release = load(golden, OTHERWISE, FASTER, CPU, machine=machine, **HERE)
    assert (provider_of(release), release.fell_back) == (FASTER, True)
    assert "not on OtherwiseExecutionProvider" in release.why_provider
    assert machine.opened == [CPU, OTHERWISE, CPU, FASTER]


def test_a_provider_after_the_processor_is_not_tried(golden: Path) -> None:
    machine = Machine()
    assert provider_of(load(golden, CPU, FASTER, machine=machine, **HERE)) == CPU
    assert machine.opened == [CPU]


def test_an_accelerator_takes_no_blame_for_the_model(home: Home) -> None:
    """The model answers otherwise on the processor: the accelerator is not even opened."""
    machine = Machine()
    folder = home.release(model=softmax_mlp(seed=3), golden=golden_npz())
    release = load(folder, FASTER, CPU, machine=machine, **HERE)
    assert release.runtime is None
    assert FASTER not in machine.opened


def test_E8_without_golden_examples_an_accelerator_is_used_and_said_not_to_be_compared(home: Home) -> None:
    release = load(home.release(), OTHERWISE, CPU, **HERE)
    assert provider_of(release) == OTHERWISE
    assert release.why_provider == "not compared: the release has no golden examples"


def test_E8_a_provider_that_vanished_after_it_had_passed_is_made_up_for(golden: Path, tmp_path: Path) -> None:
    """A driver was updated, and the library no longer has it; the verdict of before says nothing about that."""
    state = tmp_path / "state"
    assert provider_of(load(golden, FASTER, CPU, state=state, **HERE)) == FASTER
    release = load(golden, FASTER, CPU, state=state, machine=Machine(without=[FASTER]), **HERE)
    assert (provider_of(release), release.fell_back) == (CPU, True)
    assert "not on FasterExecutionProvider: this machine offers " in release.why_provider


def test_E8_a_provider_that_passed_and_no_longer_opens_is_made_up_for(golden: Path, tmp_path: Path) -> None:
    state, tried = tmp_path / "state", {}
    machine = Machine()
    load(golden, REFUSES, CPU, state=state, machine=machine, **HERE)
    book = VerdictBook(state / "trials.json")
    for kept in book._read().verdicts:
        tried[kept.tried.providers[0]] = kept.tried
    book.add(tried[REFUSES], Verdict(Outcome.GOOD))
    release = load(golden, REFUSES, CPU, state=state, machine=machine, **HERE)
    assert (provider_of(release), release.why_provider) == (CPU, f"not on {REFUSES}: the driver is too old")


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_a_model_that_passed_is_not_tried_again(golden: Path, tmp_path: Path) -> None:
    load(golden, FASTER, CPU, state=tmp_path / "state", **HERE)
    machine = Machine()
    release = load(golden, FASTER, CPU, state=tmp_path / "state", machine=machine, **HERE)
    assert provider_of(release) == FASTER
    assert (machine.opened, machine.clock()) == ([FASTER], 1000.0)
    assert release.why_provider == "2 ms a run, 10 on CPUExecutionProvider"


def test_D12_a_model_that_failed_is_not_opened_again_and_the_reason_is_told_once_a_start(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = home.release(model=softmax_mlp(seed=3), golden=golden_npz())
    first = load(folder, state=tmp_path / "state", **HERE)
    machine = Machine()
    caplog.clear()
    again = load(folder, state=tmp_path / "state", machine=machine, **HERE)
    assert machine.opened == []
    assert again.why_no_runtime == first.why_no_runtime
    assert "it answers otherwise than its golden examples" in again.why_no_runtime
    assert f"or {tmp_path / 'state' / 'trials.json'} is deleted" in again.why_no_runtime
    assert len(caplog.records) == 1


def test_without_a_state_folder_each_start_tries_again(golden: Path) -> None:
    machine = Machine()
    for _ in range(2):
        load(golden, FASTER, CPU, machine=machine, **HERE)
    assert machine.opened == [CPU, FASTER] * 2


CHANGES: dict[str, Any] = {
    "the_model": lambda home: home.release(model=softmax_mlp(seed=1), golden=golden_npz(softmax_mlp(seed=1))),
    "the_examples": lambda home: home.release(golden=golden_npz(logits=1.001)),
    "how_inputs_are_prepared": lambda home: _prepared_otherwise(home.release(golden=golden_npz())),
    "threads": {"threads": 2},
    "the_time_it_may_take": {"trial_s": 50.0},
    "the_memory_it_may_have": {"trial_memory_mb": 1024},
}


def _prepared_otherwise(folder: Path) -> Path:
    feed = '\n[device.feeds.pixels]\nsource = "pixels"\ndatatype = "UINT8"\n'
    with (folder / "manifest.toml").open("a", encoding="utf-8") as file:
        file.write(feed)
    return folder


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_verdict_holds_for_exactly_what_was_tried(home: Home, golden: Path, tmp_path: Path, change: Any) -> None:
    load(golden, state=tmp_path / "state", **HERE)
    machine = Machine()
    if callable(change):
        load(change(home), state=tmp_path / "state", machine=machine, **HERE)
    else:
        load(golden, state=tmp_path / "state", machine=machine, **HERE, **change)
    assert machine.clock() > 1000.0, "it was run"


def test_what_is_kept_says_of_what_it_is(golden: Path, tmp_path: Path) -> None:
    import onnxruntime

    from edge_agent.device.fitness import installed

    load(golden, FASTER, CPU, state=tmp_path, **HERE)
    (kept,) = VerdictBook(tmp_path / "trials.json")._read().verdicts
    tried = kept.tried
    assert tried.providers == (FASTER, CPU)
    assert (tried.library, tried.nearfar) == (f"onnxruntime {onnxruntime.__version__}", installed())
    assert platform.release() in tried.machine
    assert tried.model.startswith("sha256:") and tried.golden.startswith("sha256:")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"trials": 2, "verdicts": []}', b"\xff" * 9, b"[" * (1 << 21)])
def test_H3_a_damaged_book_is_begun_anew(golden: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trials.json").write_bytes(content)
    for expected in ([CPU], [CPU]):
        machine = Machine()
        assert provider_of(load(golden, machine=machine, state=tmp_path, **HERE)) == CPU
        assert machine.opened == expected
    assert machine.clock() == 1000.0, "the second start knew"


def test_D11_a_book_that_cannot_be_written_costs_a_trial_a_start(
    golden: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file, where a folder is wanted")
    for _ in range(2):
        machine = Machine()
        assert provider_of(load(golden, machine=machine, state=tmp_path / "state", **HERE)) == CPU
        assert machine.clock() > 1000.0
    assert "the next start tries again" in caplog.text


def test_a_book_keeps_no_more_than_64_verdicts_the_newest(tmp_path: Path) -> None:
    book = VerdictBook(tmp_path / "trials.json")
    tried = [Tried(str(n), "", "", (CPU,), 1, (1.0, 512), "", "", "") for n in range(70)]
    for one in tried:
        assert book.add(one, Verdict(Outcome.GOOD))
    assert [book.find(one) is not None for one in tried] == [False] * 6 + [True] * 64
    book.add(tried[-1], Verdict(Outcome.CRASHED, "it crashed"))
    assert book.find(tried[-1]) == Verdict(Outcome.CRASHED, "it crashed")


def test_nothing_is_left_beside_a_book_that_cannot_be_replaced(tmp_path: Path) -> None:
    """One more file was left each time: on Windows wherever another program had the book open."""
    (tmp_path / "trials.json").mkdir()
    book = VerdictBook(tmp_path / "trials.json")
    assert not book.add(Tried("m", "", "", (CPU,), 1, (1.0, 512), "", "", ""), Verdict(Outcome.GOOD))
    assert [file.name for file in tmp_path.iterdir()] == ["trials.json"]


def test_a_machine_is_told_by_its_system_and_its_processor(tmp_path: Path) -> None:
    """A state folder that was copied to another device said that the model had been tried there."""
    (tmp_path / "x86").write_text("processor : 0\nmodel name\t: Fast One\n\nprocessor : 1\nmodel name\t: Fast One\n")
    (tmp_path / "arm").write_text("CPU implementer\t: 0x41\nCPU part\t: 0xd03\n\nCPU part\t: 0xd09\n")
    begins = f"{platform.system()} {platform.release()} {platform.machine()} "
    assert describe(tmp_path / "x86") == begins + "Fast One"
    assert describe(tmp_path / "arm") == begins + "0x41, 0xd03, 0xd09"
    assert describe(tmp_path / "nowhere") == f"{begins}{platform.processor()}".strip()
    assert describe() == describe()


# -- the process of a trial --------------------------------------------------------------------------------------------


@pytest.mark.wide
def test_a_model_that_is_new_is_tried_in_a_process_of_its_own_where_that_can_be_remembered(
    golden: Path, tmp_path: Path
) -> None:
    machine = Machine()
    assert provider_of(load(golden, machine=machine, state=tmp_path / "state")) == CPU
    assert (machine.opened, machine.clock()) == ([CPU], 1000.0), "here it was opened, and not run"


@pytest.mark.wide
@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        pytest.param(CRASHES, "its trial's process crashed (signal 6)", id="crash"),
        pytest.param(ENDLESS, "its trial did not end within 1 s (device.trial_s)", id="endless"),
        pytest.param(
            GREEDY,
            "it wants more memory than it may have (1024 MB, device.trial_memory_mb)",
            id="greedy",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process' memory"),
        ),
        pytest.param(OTHERWISE, "it answers otherwise", id="otherwise"),
        pytest.param(REFUSES, "the driver is too old", id="refuses"),
    ],
)
def test_E8_an_accelerator_that_takes_its_process_along_leaves_the_app_and_the_processor(
    golden: Path, tmp_path: Path, wanted: str, why: str
) -> None:
    machine = Machine()
    limits = {"trial_s": 1.0 if wanted == ENDLESS else 60.0, "trial_memory_mb": 1024}
    release = load(golden, wanted, CPU, machine=machine, state=tmp_path / "state", **limits)
    assert (provider_of(release), release.fell_back) == (CPU, True)
    assert why in release.why_provider
    assert wanted not in machine.opened, "it never came near this process"
    again = load(golden, wanted, CPU, machine=Machine(), state=tmp_path / "state", **limits)
    assert again.why_provider == release.why_provider


@pytest.mark.wide
def test_an_accelerator_is_tried_in_a_process_of_its_own_also_where_nothing_is_remembered(golden: Path) -> None:
    machine = Machine()
    release = load(golden, FASTER, CPU, machine=machine)
    assert provider_of(release) == FASTER
    assert (machine.opened, machine.clock()) == ([FASTER], 1000.0)


def test_without_a_process_to_start_a_model_is_tried_here(
    golden: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    trials = Trials(
        tmp_path,
        open_runtime=machine.open,
        offered=machine.offered,
        command=[str(tmp_path / "no-such-python")],
        clock=machine.clock,
    )
    release = load_release("tiny", golden, DeviceConfig(), trials)
    assert provider_of(release) == CPU
    assert machine.clock() > 1000.0
    assert "is tried in this process: no process could be started: No such file" in caplog.text


@pytest.mark.wide
@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("raise SystemExit(3)", "the process for its trial ended with code 3", id="ends"),
        pytest.param("import threading; threading.Event().wait()", "did not begin within 0.5 s", id="hangs"),
    ],
)
def test_a_process_that_does_not_get_as_far_as_the_model_says_nothing_about_it(
    golden: Path, code: str, says: str
) -> None:
    with pytest.raises(NoChild, match=says):
        try_in_child(subject_of(golden, trial_s=0.5), [sys.executable, "-c", code], starting_s=0.5)


def subject_of(folder: Path, **device: Any) -> Any:  # Any: a Subject
    from edge_agent.runtimes.trial.canary import Subject
    from nearfar_wire.manifest import read_manifest

    return Subject(
        read_manifest(folder / "manifest.toml"),
        folder,
        (folder / "small.onnx").read_bytes(),
        None,
        DeviceConfig(**device),
    )


def test_D11_without_room_for_a_job_no_process_is_started(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    with pytest.raises(NoChild, match="no process could be started: No such file or directory"):
        try_in_child(subject_of(golden))


@pytest.mark.parametrize("program", ["", "/usr/bin/uwsgi", "/opt/app/photos.exe"])
def test_a_program_with_python_inside_is_not_started_again(
    golden: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Its `sys.executable` is the program itself."""
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(NoChild, match="this program has no Python to start"):
        try_in_child(subject_of(golden))


@pytest.mark.wide
def test_a_trial_looks_for_no_module_in_the_folder_where_the_app_was_started(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m` puts that folder first: an app's own router.py, or anybody's json.py, would run instead of ours."""
    for name in ("router.py", "json.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit(9)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert try_in_child(subject_of(golden)) == Verdict(Outcome.GOOD)


def test_a_model_that_was_only_opened_here_was_not_tried(home: Home, tmp_path: Path) -> None:
    load(home.release(), state=tmp_path, **HERE)
    assert not (tmp_path / "trials.json").exists()


def test_golden_examples_that_were_damaged_are_found_also_where_the_verdict_is_known(
    golden: Path, tmp_path: Path
) -> None:
    load(golden, state=tmp_path, **HERE)
    (golden / "golden.npz").write_bytes(b"damaged")
    release = load(golden, state=tmp_path, **HERE)
    assert release.runtime is None
    assert "golden.npz: its digest is" in release.why_no_runtime


def test_golden_examples_that_are_none_are_told_as_that_and_not_as_a_model_that_fails(
    home: Home, tmp_path: Path
) -> None:
    release = load(home.release(golden=b"not an archive"), state=tmp_path, **HERE)
    assert release.runtime is None
    wanted = (
        "small.onnx: golden.npz: not an .npz of plain arrays (BadZipFile), 268435456 bytes unpacked at most; make the"
    )
    assert wanted in release.why_no_runtime


def test_no_process_is_started_for_a_model_with_another_digest(home: Home, tmp_path: Path) -> None:
    folder = home.release(golden=golden_npz())
    (folder / "small.onnx").write_bytes(b"something else")
    trials = Trials(tmp_path, command=[str(tmp_path / "must-not-be-started")])
    release = load_release("tiny", folder, DeviceConfig(), trials)
    assert "small.onnx: its digest is" in release.why_no_runtime
    assert not (tmp_path / "trials.json").exists()


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="nearfar.agent")
