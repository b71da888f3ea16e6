"""Models that are wrong, hostile or unfit for this device: none of them answers, and none takes the app along."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent import Agent, DeviceConfig, NoFeasibleTarget
from edge_agent.runtimes.onnx import OnnxRuntime
from edge_agent.runtimes.trial import Outcome
from edge_agent.runtimes.trial.book import VerdictBook
from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from tests.builders.agents import FULL, GOLDEN, PIXELS, SMALL, Home, golden_npz
from tests.builders.onnx_models import bomb, endless, softmax_mlp
from tests.builders.scenes import answering
from tests.builders.tokenizers import word_tokenizer
from tests.builders.watched import Watched

pytestmark = pytest.mark.wide

GOOD: Mapping[str, Any] = {"pixels": PIXELS}
CLOUD = CloudModel(answering(0.1, 0.2, 0.7), digest=digest_of(FULL))


@contextmanager
def agent_of(home: Home, folder: Path, *, device: DeviceConfig | None = None, kept: bool = False, **more: Any) -> Any:
    """An agent with a cloud, and how its requests are accounted for watched."""
    with ExitStack() as stack:
        cloud = stack.enter_context(FakeCloud({"tiny": CLOUD}))
        state = home.root / "state" if kept else None
        config = home.config(folder, cloud=cloud.address, device=device, state=state)
        agent = stack.enter_context(Agent(config, sources=[], **more))
        watched = Watched(agent)
        yield watched
        watched.check()


def why(agent: Agent) -> str:
    return agent.core.release("tiny").why_no_runtime


def _answers_from_the_cloud(watched: Watched) -> None:
    assert watched.infer("tiny", GOOD, privacy="public").target == "cloud"
    with pytest.raises(NoFeasibleTarget, match=r"device: not_served .*; cloud: label"):
        watched.infer("tiny", GOOD, privacy="secret")


# -- D8: not for this device -------------------------------------------------------------------------------------------


def _requiring(what: str) -> Callable[[Home], Path]:
    def make(home: Home) -> Path:
        folder = home.release()
        with (folder / "manifest.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[requires]\n{what}\n")
        return folder

    return make


def _another_tokenizer(home: Home) -> Path:
    folder = home.release()
    text = (folder / "manifest.toml").read_text(encoding="utf-8")
    text = text.replace('datatype = "UINT8"\nshape = [-1, 4]', 'datatype = "BYTES"\nshape = [-1]\nencoding = "text"')
    digest = digest_of(word_tokenizer(["one"]))
    step = f'tokenize = {{ file = "t.json", digest = "{digest}", max_length = 4, gives = "ids" }}'
    feed = f'[device.feeds.pixels]\nsource = "pixels"\ndatatype = "INT64"\nsteps = [{{ {step} }}]\n'
    (folder / "manifest.toml").write_text(f"{text}\n{feed}", encoding="utf-8")
    (folder / "t.json").write_bytes(word_tokenizer(["another"]))
    return folder


def _newer_opset(home: Home) -> Path:
    import onnx

    model = onnx.load_from_string(SMALL)
    model.opset_import[0].version = 999
    return home.release(model=model.SerializeToString())


UNFIT: dict[str, tuple[Callable[[Home], Path], str]] = {
    "another_processor": (_requiring('machines = ["mos6502"]'), "incompatible_model: it is made for mos6502, and this"),
    "a_newer_nearfar": (_requiring('nearfar = "99.1"'), "incompatible_model: it wants nearfar 99.1 or newer; this is"),
    "another_tokenizer": (_another_tokenizer, "t.json: its digest is"),
    "a_newer_opset": (_newer_opset, "small.onnx: onnxruntime cannot load it"),
}


@pytest.mark.parametrize(("make", "says"), UNFIT.values(), ids=UNFIT)
def test_D8_a_model_that_is_not_for_this_device_is_never_used(
    home: Home, make: Callable[[Home], Path], says: str
) -> None:
    with Agent(home.config(make(home)), sources=[]) as agent:
        assert says in why(agent)
        assert agent.core.release("tiny").runtime is None


# -- D12: it answers otherwise than when it was published --------------------------------------------------------------


def _nan_model() -> bytes:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(SMALL)
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0, 0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    return bytes(model.SerializeToString())


WRONG: dict[str, tuple[bytes, bytes, str]] = {
    "another_model": (softmax_mlp(seed=3), golden_npz(), "is off by"),
    "nan": (_nan_model(), golden_npz(), "is not a number in 24 of 24 elements"),
}


@pytest.mark.parametrize("kept", [False, True], ids=["in_this_process", "in_its_own"])
@pytest.mark.parametrize(("model", "golden", "says"), WRONG.values(), ids=WRONG)
def test_D12_a_model_that_answers_otherwise_than_its_golden_examples_is_not_used(
    home: Home, caplog: pytest.LogCaptureFixture, model: bytes, golden: bytes, says: str, kept: bool
) -> None:
    folder = home.release(model=model, golden=golden)
    with caplog.at_level(logging.WARNING, "nearfar.agent"), agent_of(home, folder, kept=kept) as watched:
        assert "it answers otherwise than its golden examples: " in why(watched.agent)
        assert says in why(watched.agent)
        _answers_from_the_cloud(watched)
    told = [record for record in caplog.records if "cannot run on the device" in record.getMessage()]
    assert len(told) == 1


def test_D12_a_model_that_failed_is_quarantined_until_something_changes(home: Home) -> None:
    folder = home.release(model=softmax_mlp(seed=3), golden=golden_npz())
    for _ in range(2):
        with agent_of(home, folder, kept=True) as watched:
            assert "not tried again until it, its provider or a version changes" in why(watched.agent)
    repaired = home.release(golden=golden_npz())
    with agent_of(home, repaired, kept=True) as watched:
        assert watched.infer("tiny", GOOD, privacy="secret").target == "device"


@pytest.mark.parametrize("at", range(0, len(SMALL), 23))
def test_D12_a_model_that_was_damaged_before_it_was_signed_answers_rightly_or_not_at_all(home: Home, at: int) -> None:
    """Half of what is damaged loads and runs; only its answers tell."""
    damaged = SMALL[:at] + bytes([SMALL[at] ^ 0x41]) + SMALL[at + 1 :]
    right = OnnxRuntime("small.onnx", SMALL, digest_of(SMALL))
    config = home.config(home.release(model=damaged, golden=golden_npz()), device=DeviceConfig(trial_s=10.0))
    with Agent(config, sources=[]) as agent:
        runtime = agent.core.release("tiny").runtime
        if runtime is not None:
            for row in GOLDEN:
                answers = [one.run({"pixels": row[None]})["probabilities"] for one in (runtime, right)]
                assert np.abs(answers[0] - answers[1]).max() < 0.2


# -- D15, D16: it takes everything, or for ever ------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process' memory")
@pytest.mark.parametrize("golden", [golden_npz(), None], ids=["golden", "blank"])
def test_D15_a_model_that_asks_for_32_gib_fails_in_its_trial_and_the_app_lives(
    home: Home, golden: bytes | None
) -> None:
    model = bomb()
    assert len(model) < 1000
    with agent_of(home, home.release(model=model, golden=golden), kept=True) as watched:
        wanted = "small.onnx: it wants more memory than it may have (4096 MB, device.trial_memory_mb)"
        assert why(watched.agent).startswith(wanted)
        _answers_from_the_cloud(watched)
    (kept,) = VerdictBook(home.root / "state" / "trials.json")._read().verdicts
    assert kept.verdict.outcome is Outcome.OUT_OF_MEMORY


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process' memory")
def test_D15_what_a_trial_may_have_is_as_configured(home: Home) -> None:
    folder = home.release(model=bomb(floats=300 << 20), golden=golden_npz())
    outcomes = []
    for limit_mb in (1024, 3072):
        with agent_of(home, folder, kept=True, device=DeviceConfig(trial_memory_mb=limit_mb)) as watched:
            outcomes.append(watched.agent.core.release("tiny").runtime is not None)
    assert outcomes == [False, True]


@pytest.mark.parametrize("golden", [golden_npz(), None], ids=["golden", "blank"])
def test_D16_a_model_that_never_ends_fails_in_its_trial_and_the_app_starts(home: Home, golden: bytes | None) -> None:
    folder = home.release(model=endless(), golden=golden)
    with agent_of(home, folder, kept=True, device=DeviceConfig(trial_s=2.0)) as watched:
        assert why(watched.agent).startswith("small.onnx: its trial did not end within 2 s (device.trial_s)")
        _answers_from_the_cloud(watched)


# -- D20: it changes under the agent -----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"changed"), lambda path: path.unlink()])
def test_D20_a_model_that_changes_on_disk_serves_on_and_is_found_out_at_the_next_load(
    home: Home, change: Callable[[Path], object]
) -> None:
    folder = home.release(golden=golden_npz())
    with agent_of(home, folder, kept=True) as watched:
        before = watched.infer("tiny", GOOD, privacy="secret")
        change(folder / "small.onnx")
        after = watched.infer("tiny", GOOD, privacy="secret")
        assert np.array_equal(before.outputs["probabilities"], after.outputs["probabilities"])
    with agent_of(home, folder, kept=True) as watched:
        assert "small.onnx" in why(watched.agent)
        assert "install the release again" in why(watched.agent)
        _answers_from_the_cloud(watched)


# -- E8: the accelerator is not there ----------------------------------------------------------------------------------


def test_E8_a_fallback_is_counted_and_shown(home: Home) -> None:
    registry = CollectorRegistry()
    device = DeviceConfig(providers=["NoSuchExecutionProvider", "CPUExecutionProvider"])
    with agent_of(home, home.release(), device=device, registry=registry) as watched:
        release = watched.agent.core.release("tiny")
        assert release.why_provider.startswith("not on NoSuchExecutionProvider: this machine offers CPUExecution")
        assert registry.get_sample_value("nearfar_ep_fallbacks_total", {"model": "tiny"}) == 1
        assert watched.agent.core.metrics.totals()["ep_fallbacks"] == 1


def test_E8_what_runs_where_it_is_wanted_is_no_fallback(home: Home) -> None:
    registry = CollectorRegistry()
    with agent_of(home, home.release(), registry=registry) as watched:
        assert registry.get_sample_value("nearfar_ep_fallbacks_total", {"model": "tiny"}) is None
        assert watched.agent.core.release("tiny").fell_back is False
