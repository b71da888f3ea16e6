"""What an app, or a release on disk, can get wrong: one typed error that says what to do, and the agent serves on."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent import (
    Agent,
    AgentError,
    AllTargetsFailed,
    DeadlineExceeded,
    DeviceConfig,
    InputError,
    NoFeasibleTarget,
    ReleaseError,
    RequestError,
    UnknownLabel,
    UnknownModel,
)
from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from nearfar_wire.status import Code
from tests.builders.agents import FULL, PIXELS, SMALL, Home
from tests.builders.onnx_models import identity, softmax_mlp, squeezed
from tests.builders.scenes import answering
from tests.builders.watched import Watched

GOOD: Mapping[str, Any] = {"pixels": PIXELS}
HUGE = "x" * 100_000


@dataclass(frozen=True)
class Bad:
    """A request, and what its error must be and say. Each is told before anything runs."""

    kind: type[AgentError]
    code: Code
    says: tuple[str, ...]
    model: Any = "tiny"
    inputs: Any = None
    deadline_ms: Any = 1000.0
    privacy: Any = "public"
    source: str = "request"
    retryable: bool = False


def _input(*says: str, **inputs: Any) -> Bad:  # Any: also what is no array
    return Bad(InputError, Code.INVALID_INPUT, says, inputs=inputs)


def _inputs(inputs: object, *says: str) -> Bad:
    return Bad(InputError, Code.INVALID_INPUT, says, inputs=inputs)


def _model(model: object, *says: str) -> Bad:
    return Bad(UnknownModel, Code.MODEL_NOT_FOUND, says, model=model)


def _label(privacy: object, *says: str) -> Bad:
    return Bad(UnknownLabel, Code.INVALID_INPUT, says, privacy=privacy)


def _deadline(deadline_ms: object, *says: str) -> Bad:
    return Bad(RequestError, Code.INVALID_INPUT, ("deadline_ms", *says), deadline_ms=deadline_ms)


def _past(deadline_ms: float) -> Bad:
    says = ("the deadline has already passed",)
    return Bad(
        DeadlineExceeded, Code.DEADLINE_EXCEEDED, says, deadline_ms=deadline_ms, source="attempt", retryable=True
    )


REQUESTS = {
    "unknown_model": _model("tinny", "'tinny'", 'did you mean "tiny"?'),
    "far_off_model": _model("digits", "'digits'", "known here: tiny"),
    "model_is_no_name": _model(["tiny"], "named by a list"),
    "endless_model": _model(HUGE, "'xxxx", "known here: tiny"),
    "unknown_label": _label("secert", "'secert'", 'did you mean "secret"?', "nothing ran or left"),
    "label_is_no_name": _label(["public"], "named by a list"),
    "no_mapping": _inputs(PIXELS, "a mapping", "not an ndarray"),
    "missing_input": _input("'pixels'", "is missing", "the model takes 'pixels' UINT8 [-1, 4]", "given: nothing"),
    "extra_input": _input("'mask'", "is not wanted", pixels=PIXELS, mask=PIXELS),
    "name_is_no_text": _inputs({"pixels": PIXELS, 5: PIXELS}, "name is text, not an int"),
    "endless_name": _inputs({"pixels": PIXELS, HUGE: PIXELS}, "is not wanted"),
    "wrong_rank": _input("'pixels'", "shape [4]", "[-1, 4]", "-1 may be any size", pixels=PIXELS[0]),
    "wrong_shape": _input("shape [1, 5]", "[-1, 4]", pixels=np.zeros((1, 5), np.uint8)),
    "wrong_type": _input("is FP32", "UINT8", "astype(numpy.uint8)", pixels=PIXELS.astype(np.float32)),
    "complex_numbers": _input("complex64", "no datatype", pixels=PIXELS.astype(np.complex64)),
    "text_for_numbers": _input("is BYTES", "UINT8", pixels=np.array([["a", "b", "c", "d"]])),
    "list_of_fractions": _input("a list that is no UINT8 array", pixels=[[0.1, 0.2, 0.3, 0.4]]),
    "list_beyond_the_type": _input("a list that is no UINT8 array", pixels=[[1, 2, 3, 256]]),
    "ragged_list": _input("a list that is no UINT8 array", pixels=[[1, 2], [3]]),
    "list_of_text": _input("a list that is no UINT8 array", pixels=[["1", "2", "3", "4"]]),
    "list_of_flags": _input("a list that is no UINT8 array", pixels=[[True, False, True, False]]),
    "nothing_for_an_array": _input("None that is no UINT8 array", pixels=None),
    "deadline_is_nan": _deadline(math.nan, "milliseconds from now", "NaN"),
    "deadline_is_a_flag": _deadline(True, "not a bool"),
    "deadline_is_text": _deadline("50", "not a str"),
    "C14_deadline_is_now": _past(0),
    "C14_deadline_is_past_any_float": _past(-(10**400)),
    "C14_deadline_is_past": _past(-1.0),
    "C14_deadline_is_long_past": _past(-math.inf),
}


@pytest.fixture
def serving(home: Home) -> Any:  # Any: a generator's fixture
    """An agent with the model "tiny", on the device alone."""
    watched = Watched(Agent(home.config(), sources=[]))
    with watched.agent:
        yield watched
        # Whatever was asked before, it still answers, and counted everything once.
        assert watched.infer("tiny", GOOD).target == "device"
        watched.check()


@pytest.mark.parametrize("bad", REQUESTS.values(), ids=REQUESTS)
def test_C11_C14_a_request_that_is_wrong_is_one_typed_error_that_says_what_to_do(serving: Watched, bad: Bad) -> None:
    with pytest.raises(AgentError) as caught:
        serving.infer(
            bad.model,
            GOOD if bad.inputs is None else bad.inputs,
            deadline_ms=bad.deadline_ms,
            privacy=bad.privacy,
        )
    error = caught.value
    assert type(error) is bad.kind
    assert (error.code, error.retryable, error.source) == (bad.code, bad.retryable, bad.source)
    assert [words for words in bad.says if words not in str(error)] == []
    assert len(str(error)) < 1000
    refused = serving.agent.core.metrics.totals()["outcomes"]
    assert isinstance(refused, dict)
    assert refused["refused"] == 1


def test_an_absent_deadline_is_the_default_and_a_huge_one_is_cut(home: Home) -> None:
    config = home.config(default_deadline_ms=500.0, max_deadline_ms=2000.0)
    with Agent(config, sources=[]) as agent:
        for deadline_ms, left_ms in ((None, 500), (1e300, 2000), (math.inf, 2000), (2001, 2000), (1999, 1999)):
            situation = agent.infer("tiny", GOOD, deadline_ms=deadline_ms).decision.situation
            assert (situation.request.deadline - situation.now) * 1000 == pytest.approx(left_ms)


@pytest.mark.parametrize("given", [[[1, 2, 3, 4]], ((1, 2, 3, 4),), np.array([[1, 2, 3, 4]], np.uint8), [PIXELS[0]]])
def test_lists_of_whole_numbers_are_as_good_as_an_array(serving: Watched, given: Any) -> None:
    wanted = serving.infer("tiny", GOOD).outputs["probabilities"]
    np.testing.assert_array_equal(serving.infer("tiny", {"pixels": given}).outputs["probabilities"], wanted)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_C8_a_number_that_is_none_is_refused_where_the_contract_forbids_it(home: Home, value: float) -> None:
    folder = home.release("floats", model=softmax_mlp(pixels="FP32"), pixels="FP32")
    spoiled = np.ones((2, 4), np.float32)
    spoiled[1, 3] = value
    with Agent(home.config(folder), sources=[]) as agent:
        with pytest.raises(InputError, match=r"'pixels': holds NaN or infinity.*allow_nan") as caught:
            agent.infer("floats", {"pixels": spoiled})
        assert caught.value.tensor == "pixels"
        with pytest.raises(InputError, match="a list that is no FP32 array"):  # told as an infinity, and numpy warned
            agent.infer("floats", {"pixels": [[1.0, 2.0, 3.0, 1e300]]})
        tiny = np.full((1, 4), 1e-45, np.float32)  # subnormal, and as good as any number
        assert agent.infer("floats", {"pixels": tiny}).target == "device"
        assert agent.infer("floats", {"pixels": np.full((1, 4), -0.0, np.float32)}).target == "device"


def test_C13_an_empty_batch_is_answered_with_an_empty_batch(serving: Watched) -> None:
    result = serving.infer("tiny", {"pixels": np.zeros((0, 4), np.uint8)})
    assert result.outputs["probabilities"].shape == (0, 3)


# -- releases on disk --------------------------------------------------------------------------------------------------


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


UNUSABLE: dict[str, tuple[Callable[[Home], Path], str]] = {
    "D1_one_bit_of_the_first_byte": (
        lambda home: home.release(model=_flip(SMALL, 0), promised=digest_of(SMALL)), "install the release again",
    ),
    "D1_one_bit_of_the_last_byte": (
        lambda home: home.release(model=_flip(SMALL, -1 % len(SMALL)), promised=digest_of(SMALL)), "was promised",
    ),
    "truncated": (lambda home: home.release(model=SMALL[:-1], promised=digest_of(SMALL)), "was promised"),
    "empty": (lambda home: home.release(model=b""), "small.onnx: it has no graph, so it is no ONNX model"),
    "broken_with_the_right_digest": (lambda home: home.release(model=SMALL[:200]), "no ONNX model, or cut off"),
    "text": (lambda home: home.release(model=b"not a model"), "no ONNX model, or cut off or damaged; export it"),
    "other_inputs": (lambda home: home.release(model=identity()), "it takes ['x'], the manifest feeds ['pixels']"),
    "inputs_of_another_type": (
        lambda home: home.release(model=softmax_mlp(pixels="FP32")),
        "it takes 'pixels' FP32 [-1, 4], the manifest feeds it 'pixels' UINT8 [-1, 4]; correct the manifest, or",
    ),
    "inputs_of_another_size": (
        lambda home: home.release(model=softmax_mlp(features=5)),
        "it takes 'pixels' UINT8 [-1, 5], the manifest feeds it 'pixels' UINT8 [-1, 4]",
    ),
    "other_outputs": (
        lambda home: home.release(model=softmax_mlp(classes=5)),
        "it gives 'probabilities' FP32 [-1, 5], the manifest promises",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_D1_a_device_model_that_is_not_what_was_promised_does_not_run_and_the_agent_says_why(
    home: Home, make: Callable[[Home], Path], why: str
) -> None:
    with Agent(home.config(make(home)), sources=[]) as agent:
        watched = Watched(agent)
        with pytest.raises(NoFeasibleTarget) as caught:
            watched.infer("tiny", GOOD)
        assert why in str(caught.value)
        assert (caught.value.code, caught.value.retryable, caught.value.source) == (Code.UNAVAILABLE, False, "router")
        watched.check()


def test_a_model_whose_file_leaves_the_rank_of_an_output_open_is_held_to_it_answer_by_answer(home: Home) -> None:
    """onnxruntime tells such a rank as that of a scalar, and the device refused to run the model at all."""
    with Agent(home.config(home.release(model=squeezed())), sources=[]) as agent:
        two = np.repeat(PIXELS[:1], 2, axis=0)
        assert agent.infer("tiny", {"pixels": two}).outputs["probabilities"].shape == (2, 3)
        with pytest.raises(AllTargetsFailed, match=r"device: INTERNAL \('probabilities': has shape \[3\], the model"):
            agent.infer("tiny", {"pixels": two[:1]})
        assert agent.infer("tiny", {"pixels": two}).target == "device"


@pytest.mark.wide
@pytest.mark.parametrize("make", [make for make, _ in UNUSABLE.values()], ids=UNUSABLE)
def test_a_device_model_that_cannot_run_is_made_up_for_by_the_cloud_where_the_label_allows(
    home: Home, make: Callable[[Home], Path]
) -> None:
    folder = make(home)
    cloud_model = CloudModel(answering(0.1, 0.2, 0.7), digest=digest_of(FULL))
    with (
        FakeCloud({"tiny": cloud_model}) as cloud,
        Agent(home.config(folder, cloud=cloud.address), sources=[]) as agent,
    ):
        assert agent.infer("tiny", GOOD, privacy="public").target == "cloud"
        with pytest.raises(NoFeasibleTarget, match=r"device: not_served .*; cloud: label"):
            agent.infer("tiny", GOOD, privacy="secret")


_SEEN = """
import sys
from pathlib import Path
from edge_agent import Agent, AgentConfig, ModelConfig

with Agent(AgentConfig(models={"tiny": ModelConfig(release=Path(sys.argv[1]))})) as agent:
    assert agent.core.release("tiny").runtime is None
assert "onnxruntime" not in sys.modules
"""


@pytest.mark.wide
def test_D1_bytes_with_another_digest_never_reach_onnxruntime(home: Home) -> None:
    folder = home.release(model=_flip(SMALL, len(SMALL) // 2), promised=digest_of(SMALL))
    done = subprocess.run([sys.executable, "-c", _SEEN, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_model_that_cannot_be_read_is_told_by_its_name(home: Home) -> None:
    folder = home.release()
    (folder / "small.onnx").unlink()
    with (
        Agent(home.config(folder), sources=[]) as agent,
        pytest.raises(NoFeasibleTarget, match=r"small\.onnx cannot be read: No such file"),
    ):
        agent.infer("tiny", GOOD)


def _no_folder(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


MANIFESTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no_folder": (_no_folder, "manifest.toml cannot be read: No such file"),
    "no_manifest": (lambda folder: (folder / "manifest.toml").unlink(), "manifest.toml cannot be read: No such file"),
    "no_toml": (lambda folder: (folder / "manifest.toml").write_text("schema = = 1"), "manifest.toml: not TOML"),
    "duplicate_key": (lambda folder: (folder / "manifest.toml").write_text("schema = 1\nschema = 1"), "not TOML"),
    "unknown_key": (
        lambda folder: (folder / "manifest.toml").write_text("speed = 3\n" + (folder / "manifest.toml").read_text()),
        "speed: unknown key",
    ),
    "nobody_answers": (
        lambda folder: (folder / "manifest.toml").write_text(
            (folder / "manifest.toml").read_text().partition("[device]")[0]
        ),
        "nothing could answer",
    ),
}


@pytest.mark.parametrize(("spoil", "says"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_release_without_a_manifest_that_can_be_read_stops_the_agent_from_starting(
    home: Home, spoil: Callable[[Path], object], says: str
) -> None:
    folder = home.release()
    config = home.config(folder)
    spoil(folder)
    with pytest.raises(ReleaseError) as caught:
        Agent(config, sources=[])
    assert says in str(caught.value)
    assert "model 'tiny'" in str(caught.value)
    assert (caught.value.code, caught.value.retryable, caught.value.source) == (Code.MODEL_NOT_READY, False, "release")


# -- accelerators ------------------------------------------------------------------------------------------------------


def test_E8_a_provider_that_is_missing_falls_back_to_the_processor_and_says_so(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    device = DeviceConfig(providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    with Agent(home.config(device=device), sources=[]) as agent:
        assert agent.infer("tiny", GOOD).target == "device"
        runtime = agent.core.release("tiny").runtime
        assert runtime is not None
        if runtime.provider == "CPUExecutionProvider":
            assert "runs on CPUExecutionProvider, not on CUDAExecutionProvider: this machine offers " in caplog.text


def test_E8_a_provider_that_is_required_and_missing_is_not_replaced(home: Home) -> None:
    device = DeviceConfig(providers=["NoSuchExecutionProvider"], require_accelerator=True)
    with (
        Agent(home.config(device=device), sources=[]) as agent,
        pytest.raises(NoFeasibleTarget, match=r"NoSuchExecutionProvider is required: this machine offers .*CPU"),
    ):
        agent.infer("tiny", GOOD)


def test_E8_a_provider_that_calls_out_by_itself_is_refused(home: Home) -> None:
    device = DeviceConfig(providers=["AzureExecutionProvider", "CPUExecutionProvider"])
    with (
        Agent(home.config(device=device), sources=[]) as agent,
        pytest.raises(NoFeasibleTarget, match="AzureExecutionProvider may call remote endpoints; take it off the list"),
    ):
        agent.infer("tiny", GOOD)
