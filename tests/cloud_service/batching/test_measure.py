from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cloud_service.backend import Array, Backend, Traits
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.batching.measure import measure
from cloud_service.batching.profile import Profile
from cloud_service.errors import RunFailed
from cloud_service.repository.serving import Batching, Serving
from cloud_service.samples import sample
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend, RaisingBackend
from tests.builders.onnx_models import identity, slow, softmax_mlp

_PAIRS = (TensorSpec("x", "FP32", (-1, 4)),)
_PAIRS_OUT = (TensorSpec("y", "FP32", (-1, 4)),)


def _backend(compute: Callable[[Array], Array] = lambda x: x, traits: Traits = Traits()) -> EchoBackend:  # noqa: B008 - frozen
    return EchoBackend(_PAIRS, _PAIRS_OUT, compute, traits)


def _measured(backend: Backend, batching: Batching = Batching()) -> Profile:  # noqa: B008 - frozen
    return measure(backend, Serving(batching=batching), sample(backend.inputs))


def test_a_model_whose_rows_keep_to_themselves_runs_them_together() -> None:
    profile = _measured(OnnxBackend(softmax_mlp()))
    assert (profile.batches, profile.why_not) == (True, "")
    assert profile.max_batch > 1, "a row costs next to nothing, and a run some microseconds"
    assert min(profile.run_s_of) == 1


@pytest.mark.parametrize(
    ("backend", "why_not"),
    [
        pytest.param(_backend(lambda x: x - x.mean()), "'y' depends on the rows beside it", id="rows mix"),
        pytest.param(_backend(lambda x: x / np.abs(x).max()), "depends on the rows", id="scaled by the largest"),
        pytest.param(_backend(lambda x: x.T.copy()), "are not the rows of its output 'y'", id="another axis"),
        pytest.param(_backend(lambda x: x.sum()), "are not the rows of its output 'y'", id="one answer for all"),
        pytest.param(_backend(traits=Traits(scales_by_batch=True)), "quantized while it runs", id="dynamic int8"),
        pytest.param(OnnxBackend(identity(shape=(2, 2))), "first axis of 'x' is not free", id="fixed size"),
        pytest.param(OnnxBackend(slow()), "first axis of 'n' is not free", id="no rows"),
        pytest.param(RaisingBackend(RunFailed()), "failed when it was measured", id="fails"),
    ],
)
def test_a_model_that_cannot_be_batched_runs_alone_and_the_reason_is_told(backend: Backend, why_not: str) -> None:
    profile = _measured(backend)
    assert not profile.batches
    assert why_not in profile.why_not


def test_what_fails_on_a_batch_runs_alone() -> None:
    def compute(x: Array) -> Array:
        if len(x) > 1:
            raise RunFailed
        return x

    assert _measured(_backend(compute)).why_not == "it refuses or fails on a batch"


ORDERS: dict[str, Callable[[Array], Array]] = {
    "reversed": lambda x: x[::-1],
    "turned": lambda x: np.roll(x, 1, axis=0),
    "rising": lambda x: np.sort(x, axis=0),
    "falling": lambda x: np.sort(x, axis=0)[::-1],
    "least so far": lambda x: np.minimum.accumulate(x, axis=0),
}


@pytest.mark.parametrize("datatype", ["FP32", "INT64", "BYTES"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_model_that_gives_rows_in_another_order_runs_alone(order: str, datatype: str) -> None:
    """Rows of one number each were made of its own values, which are one: all alike, they showed no order."""
    if order == "least so far" and datatype == "BYTES":
        pytest.skip("numpy has no least of bytes")
    for axes in ((-1,), (-1, 1)):
        x, y = TensorSpec("x", datatype, axes), TensorSpec("y", datatype, axes)
        assert not _measured(EchoBackend((x,), (y,), ORDERS[order])).batches
        assert _measured(EchoBackend((x,), (y,))).batches


def test_a_model_that_answers_alike_whatever_it_is_asked_shows_nothing_and_runs_alone() -> None:
    assert "shows nothing" in _measured(_backend(lambda x: np.zeros_like(x))).why_not


def test_without_inputs_that_it_takes_nothing_is_measured() -> None:
    assert "golden.npz" in measure(_backend(), Serving(), None).why_not


@pytest.mark.parametrize(
    ("batching", "batches"),
    [(Batching(enabled=False), False), (Batching(enabled=True), True), (Batching(), False)],
    ids=["off", "on", "not said"],
)
def test_the_operator_has_the_last_word_on_a_model_that_is_quantized_while_it_runs(
    batching: Batching, batches: bool
) -> None:
    assert _measured(_backend(traits=Traits(scales_by_batch=True)), batching).batches is batches


def test_nobody_can_batch_what_has_no_rows() -> None:
    assert not _measured(_backend(lambda x: x.sum()), Batching(enabled=True)).batches


def test_the_operators_size_is_taken_and_timed() -> None:
    profile = _measured(_backend(), Batching(max_batch=5))
    assert (profile.max_batch, sorted(profile.run_s_of)) == (5, [1, 5])


def test_a_batch_grows_only_while_that_makes_a_row_cheaper() -> None:
    def compute(x: Array) -> Array:
        time.sleep(0.002 + 0.002 * max(0, len(x) - 4))
        return x

    assert _measured(_backend(compute)).max_batch == 4


def test_a_run_that_is_long_alone_is_not_made_longer() -> None:
    def compute(x: Array) -> Array:
        time.sleep(0.06)
        return x

    assert "others would wait" in _measured(_backend(compute)).why_not


@pytest.mark.parametrize(
    ("backend", "here"),
    [
        pytest.param(OnnxBackend(softmax_mlp()), True, id="quick"),
        pytest.param(_backend(traits=Traits(time_by_value=True)), False, id="may take longer for other values"),
        pytest.param(replace(_backend(), inputs=(TensorSpec("x", "FP32", (-1, -1)),)), False, id="or other shapes"),
        pytest.param(OnnxBackend(slow()), False, id="has a loop"),
    ],
)
def test_only_what_is_quick_whatever_it_is_sent_runs_in_the_event_loop(backend: Backend, here: bool) -> None:
    assert (_measured(backend).rows_here > 0) is here
