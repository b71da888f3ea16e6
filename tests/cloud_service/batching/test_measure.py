from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from cloud_service.backend import Array, Backend, Run, Traits
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.batching.measure import measure
from cloud_service.batching.profile import Profile
from cloud_service.batching.rows import Tensors
from cloud_service.errors import InvalidInput, RunFailed
from cloud_service.repository.serving import Batching, Serving
from cloud_service.samples import sample
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend, RaisingBackend
from tests.builders.onnx_models import identity, slow, softmax_mlp

_PAIRS = (TensorSpec("x", "FP32", (-1, 4)),)
_PAIRS_OUT = (TensorSpec("y", "FP32", (-1, 4)),)


def _backend(compute: Callable[[Array], Array] = lambda x: x, traits: Traits = Traits()) -> EchoBackend:  # noqa: B008 - frozen
    return EchoBackend(_PAIRS, _PAIRS_OUT, compute, traits)


class _SeveralInputs(EchoBackend):
    """y is computed from all inputs."""

    def __init__(
        self, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], of_all: Callable[[Tensors], Array]
    ) -> None:
        super().__init__(inputs, outputs)
        self._of_all = of_all

    def new_run(self) -> Run:
        return _RunOfAll(self._of_all)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        pass


class _RunOfAll:
    def __init__(self, of_all: Callable[[Tensors], Array]) -> None:
        self._of_all = of_all

    def execute(self, tensors: Tensors, outputs: Sequence[str]) -> dict[str, Array]:
        return {name: self._of_all(tensors) for name in outputs}

    def stop(self) -> None:
        pass


def _measured(backend: Backend, batching: Batching = Batching()) -> Profile:  # noqa: B008 - frozen
    return measure(backend, Serving(batching=batching), sample(backend.inputs))


def test_a_model_whose_rows_keep_to_themselves_runs_them_together() -> None:
    profile = _measured(OnnxBackend(softmax_mlp()))
    assert (profile.batches, profile.why_not) == (True, "")
    assert profile.told == f"rows that may run together: {profile.max_batch}"
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
    for axes in ((-1,), (-1, 1)):
        x, y = TensorSpec("x", datatype, axes), TensorSpec("y", datatype, axes)
        assert not _measured(EchoBackend((x,), (y,), ORDERS[order])).batches
        assert _measured(EchoBackend((x,), (y,))).batches


BY_THE_LARGEST: dict[str, Callable[[Array], Array]] = {
    "divided, unless it is small": lambda x: x / np.maximum(1, np.abs(x).max()),
    "moved by the least, unless that is positive": lambda x: x - np.minimum(0, x.astype(np.float64).min()),
    "moved by the largest": lambda x: x.astype(np.float64) - x.max(),
    "cut to the longest": lambda x: x[:, : int(x.max())],
}


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64", "INT32", "UINT8", "INT8"])
@pytest.mark.parametrize("by", BY_THE_LARGEST)
def test_a_model_whose_rows_meet_only_where_they_are_far_apart_runs_alone(by: str, datatype: str) -> None:
    """Numbers were made up as 0, 1 and what lies between: a model that scales a batch by its largest number, if that
    is above one, was found to keep its rows apart, and gave callers what depended on each other's."""
    if by.startswith("moved by the least") and datatype in ("INT64", "INT32", "UINT8", "INT8"):
        pytest.skip("integers are made up from 0 on")
    specs = (TensorSpec("x", datatype, (-1, 99)),), (TensorSpec("y", "FP64", (-1, -1)),)
    assert not _measured(EchoBackend(*specs, BY_THE_LARGEST[by])).batches
    assert _measured(EchoBackend(*specs)).batches


def test_an_input_is_moved_apart_also_where_another_cannot_be() -> None:
    """A model that looks rows up refuses what its table does not have, and was taken at its word for all its inputs."""

    def cut(inputs: Tensors) -> Array:
        if inputs["kind"].max() > 1:
            raise InvalidInput("no such row")
        return inputs["text"][:, : int(inputs["length"].max())]

    kind, text, length = (
        TensorSpec(name, "INT64", (-1, *rest)) for name, *rest in (("kind",), ("text", 9), ("length",))
    )
    profile = _measured(_SeveralInputs((kind, text, length), _PAIRS_OUT, cut))
    assert "not the rows of its output 'y'" in profile.why_not


def test_a_model_whose_rows_meet_in_a_large_batch_only_runs_alone() -> None:
    """Three rows were compared with what they are alone, and as many as thirty-two were run together."""

    def five_at_most(x: Array) -> Array:
        return np.concatenate([x[:5], np.zeros_like(x[5:])])

    assert "depends on the rows beside it, in a batch of 8" in _measured(_backend(five_at_most)).why_not


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
    assert (profile.max_batch, sorted(profile.run_s_of)) == (5, [1, 3, 5])


class _Clock:
    """A clock that only runs move on: by `takes` of their rows."""

    def __init__(self, takes: Callable[[int], float]) -> None:
        self._takes = takes
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def run(self, x: Array) -> Array:
        self._now += self._takes(len(x))
        return x


def _timed(takes: Callable[[int], float]) -> Profile:
    """Measure a model whose runs take so many seconds, by their rows."""
    clock = _Clock(takes)
    backend = _backend(clock.run)
    return measure(backend, Serving(), sample(backend.inputs), clock=clock)


def test_a_batch_grows_only_while_that_makes_a_row_cheaper() -> None:
    assert _timed(lambda rows: 0.002 + 0.002 * max(0, rows - 4)).max_batch == 4


def test_a_model_that_gains_nothing_from_a_batch_is_measured_to_its_end_and_runs_alone() -> None:
    """Three quarters of a best batch of one row are no row, and whoever timed that failed to load."""
    profile = _timed(lambda rows: 0.004 * rows)
    assert (profile.batches, profile.max_batch, profile.why_not) == (True, 1, "")


def test_of_two_sizes_that_cost_a_row_the_same_the_shorter_run_is_taken() -> None:
    assert _timed(lambda rows: max(0.003 * rows, 0.018)).max_batch == 6


def test_beside_urgent_calls_a_row_may_cost_a_little_more() -> None:
    profile = _timed(lambda rows: rows * (0.012 if rows < 4 else 0.0065 if rows < 8 else 0.006))
    assert (profile.max_batch, profile.max_beside_urgent) == (8, 4)
    assert "8, 4 beside urgent calls" in profile.told


def test_a_size_that_was_timed_while_the_machine_stood_still_is_timed_once_more() -> None:
    """Each size had one chance, some runs after each other; whatever stopped the machine just then chose the size."""
    runs_of_eight = 0

    def takes(rows: int) -> float:
        nonlocal runs_of_eight
        runs_of_eight += rows == 8
        return 0.005 + 0.001 * rows + (0.06 if rows == 8 and runs_of_eight <= 4 else 0)

    assert _timed(takes).max_batch >= 8


def test_a_run_that_is_long_alone_is_not_made_longer() -> None:
    assert "others would wait" in _timed(lambda rows: 0.06).why_not


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
