"""From the app's tensors to a model's and back, exactly as the module says."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import TensorError
from nearfar_wire.manifest import Feed, InputSpec, Step
from nearfar_wire.prepare import prepare, restore

Array = np.ndarray[Any, Any]


def fed(array: Array, datatype: str, steps: Sequence[Step] = ()) -> Array:
    """What one feed makes of the app's input `pixels`."""
    source = InputSpec(name="pixels", datatype="FP32", shape=[-1])
    feed = Feed(source="pixels", datatype=datatype, steps=list(steps))
    return prepare({"pixels": array}, [source], {"x": feed})["x"]


def test_without_feeds_the_tensors_are_the_app_s_own() -> None:
    array = np.zeros(3)
    prepared = prepare({"pixels": array}, [], {})
    assert list(prepared) == ["pixels"]
    assert prepared["pixels"] is array


def test_a_feed_has_the_model_s_name_and_many_may_share_a_source() -> None:
    feeds = {
        "a": Feed(source="pixels", datatype="UINT8"),
        "b": Feed(source="pixels", datatype="FP32", steps=[Step(scale=0.5)]),
    }
    prepared = prepare({"pixels": np.array([2, 4], np.uint8)}, [], feeds)
    assert {name: array.tolist() for name, array in prepared.items()} == {"a": [2, 4], "b": [1.0, 2.0]}


STEPS = [
    pytest.param([Step(reshape=[-1, 2])], [[0, 1], [2, 3], [4, 5]], id="reshape"),
    pytest.param([Step(transpose=[1, 0])], [[0, 3], [1, 4], [2, 5]], id="transpose"),
    pytest.param([Step(scale=0.5)], [[0, 0.5, 1], [1.5, 2, 2.5]], id="scale"),
    pytest.param([Step(subtract=[1])], [[-1, 0, 1], [2, 3, 4]], id="subtract one number"),
    pytest.param([Step(subtract=[0, 1, 2])], [[0, 0, 0], [3, 3, 3]], id="subtract one a channel"),
    pytest.param([Step(divide=[2])], [[0, 0.5, 1], [1.5, 2, 2.5]], id="divide by one number"),
    pytest.param([Step(divide=[1, 2, 4])], [[0, 0.5, 0.5], [3, 2, 1.25]], id="divide by one a channel"),
    pytest.param([Step(scale=2), Step(subtract=[1])], [[-1, 1, 3], [5, 7, 9]], id="in their order"),
    pytest.param([Step(subtract=[1]), Step(scale=2)], [[-2, 0, 2], [4, 6, 8]], id="in the other order"),
]


@pytest.mark.parametrize(("steps", "wanted"), STEPS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_steps_do_what_they_say(steps: list[Step], wanted: list[list[float]], dtype: type) -> None:
    array: Array = np.arange(6, dtype=dtype).reshape(2, 3)
    made = fed(array, "FP32", steps)
    assert made.tolist() == wanted
    assert made.dtype == np.float32
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]], "the app's tensor was written to"


def test_grey_is_the_luma_that_decoders_compute_and_keeps_what_is_grey() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [17, 17, 17], [255, 255, 255], [0, 0, 0]]], np.uint8)
    made = fed(rgb, "UINT8", [Step(grey=True)])
    assert made.dtype == np.uint8
    assert made.tolist() == [[[76], [150], [29], [17], [255], [0]]]


@pytest.mark.parametrize(
    "array", [np.zeros((2, 4), np.uint8), np.zeros((2, 3), np.float32), np.zeros((), np.uint8)],
    ids=["four channels", "floats", "a scalar"],
)  # fmt: skip
def test_grey_is_made_of_three_channels_of_bytes_alone(array: Array) -> None:
    with pytest.raises(TensorError, match=r"steps\[0\].grey, on shape .* takes UINT8 pixels"):
        fed(array, "UINT8", [Step(grey=True)])


@given(
    array=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0)),
    datatype=st.sampled_from(sorted(set(DATATYPES) - {BYTES, "INT8", "FP16"})),
    steps=st.lists(st.sampled_from([Step(transpose=[1, 0]), Step(scale=0.25), Step(subtract=[0.0])]), max_size=3),
)
def test_the_result_is_contiguous_and_of_the_feed_s_datatype(array: Array, datatype: str, steps: list[Step]) -> None:
    made = fed(array, datatype, steps)
    assert made.flags.c_contiguous
    assert made.dtype == DATATYPES[datatype]


def test_a_scalar_stays_one() -> None:
    assert fed(np.array(3, np.int64), "FP32", [Step(scale=2)]).shape == ()


def test_arithmetic_is_in_32_bits_unless_the_feed_has_64() -> None:
    array, step = np.array([1, 3], np.int64), Step(divide=[3])
    assert fed(array, "FP32", [step])[0] == np.float32(1) / np.float32(3)
    assert fed(array, "FP64", [step])[0] == 1 / 3
    assert fed(np.array([(1 << 53) + 1]), "FP64", [Step(reshape=[1])])[0] == 1 << 53


def test_without_arithmetic_large_integers_lose_nothing() -> None:
    largest = (1 << 63) - 1
    assert fed(np.array([[largest]]), "INT64", [Step(reshape=[1])]).tolist() == [largest]


def test_integers_are_rounded_halves_to_even() -> None:
    assert fed(np.array([0.5, 1.5, -2.5, 2.6], np.float32), "INT8").tolist() == [0, 2, -2, 3]


def test_to_BOOL_everything_but_zero_is_true() -> None:
    assert fed(np.array([0, 1, 7, 256]), "BOOL").tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        pytest.param(np.array([256]), "UINT8", id="above"),
        pytest.param(np.array([-1]), "UINT8", id="below"),
        pytest.param(np.array([127.5]), "INT8", id="rounded over the end"),
        pytest.param(np.array([2.0**63]), "INT64", id="2^63 as a float"),
        pytest.param(np.array([(1 << 64) - 1], np.uint64), "INT64", id="unsigned"),
        pytest.param(np.array([np.nan]), "INT32", id="NaN"),
        pytest.param(np.array([np.inf]), "INT32", id="infinity"),
        pytest.param(np.array([1e39]), "FP32", id="too large for FP32"),
        pytest.param(np.array([70_000]), "FP16", id="too large for FP16"),
        pytest.param(np.array([1e39, np.inf]), "FP32", id="too large beside an infinity"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_not_wrapped(array: Array, datatype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TensorError, match=datatype) as refused:
            fed(array, datatype)
    assert refused.value.tensor == "pixels"


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_NaN_and_infinity_that_the_contract_let_pass_stay_what_they_are(datatype: str) -> None:
    np.testing.assert_array_equal(fed(np.array([np.nan, np.inf, -np.inf]), datatype), [np.nan, np.inf, -np.inf])


@pytest.mark.parametrize(
    ("shape", "step", "says"),
    [
        pytest.param(
            (2, 3),
            Step(reshape=[4]),
            r"steps\[0\].reshape, on shape \[2, 3\]: its elements do not fill \[4\]",
            id="reshape",
        ),
        pytest.param(
            (2, 3),
            Step(transpose=[0, 2, 1]),
            r"steps\[0\].transpose, on shape \[2, 3\]: takes a tensor of 3 axes",
            id="transpose",
        ),
        pytest.param((2, 3), Step(subtract=[1, 2]), "2 numbers, so the last axis has to have 2", id="subtract"),
        pytest.param((2, 1), Step(divide=[1, 2]), "2 numbers, so the last axis", id="divide, where numpy would grow"),
        pytest.param((), Step(divide=[1, 2]), "2 numbers, so the last axis", id="divide a scalar"),
        pytest.param((2, 3), Step(resize=[2, 2]), "only an encoded image is resized", id="resize"),
    ],
)
def test_a_step_that_does_not_fit_is_named(shape: tuple[int, ...], step: Step, says: str) -> None:
    with pytest.raises(TensorError, match=says) as refused:
        fed(np.zeros(shape, np.float32), "FP32", [step])
    assert refused.value.tensor == "pixels"
    assert refused.value.__suppress_context__, "numpy's words stay where they are"


@pytest.mark.parametrize(
    ("array", "step"),
    [
        pytest.param(np.array([1e39]), Step(scale=0.5), id="in the cast before the arithmetic"),
        pytest.param(np.array([2], np.uint8), Step(scale=3e38), id="scale"),
        pytest.param(np.array([1e38], np.float32), Step(divide=[1e-3]), id="divide"),
        pytest.param(np.array([3e38], np.float32), Step(subtract=[-3e38]), id="subtract"),
        pytest.param(np.full(100_000, 3e38, np.float32), Step(scale=2.0), id="in a long tensor"),
    ],
)
def test_a_number_that_becomes_infinite_on_the_way_is_refused(array: Array, step: Step) -> None:
    with pytest.raises(TensorError, match=rf"steps\[0\].{step.kind}: a value becomes too large"):
        fed(array, "FP32", [step])


@pytest.mark.parametrize("step", [Step(scale=2.0), Step(scale=0.0), Step(subtract=[1.0]), Step(divide=[2.0])])
def test_arithmetic_on_the_app_s_own_infinities_is_quiet(step: Step) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(fed(np.array([np.inf, -np.inf, np.nan]), "FP32", [step])).any()


def test_BYTES_may_be_reshaped() -> None:
    assert fed(np.array([b"a", b"b"], dtype=object), BYTES, [Step(reshape=[2, 1])]).tolist() == [[b"a"], [b"b"]]


@pytest.mark.parametrize(
    ("array", "datatype"), [(np.array([b"a"], dtype=object), "FP32"), (np.zeros(1), BYTES), (np.array(["a"]), "INT8")]
)
def test_text_does_not_become_numbers_nor_the_other_way(array: Array, datatype: str) -> None:
    with pytest.raises(TensorError, match=f"cannot become {datatype}"):
        fed(array, datatype)


def test_a_missing_source_is_named() -> None:
    with pytest.raises(TensorError, match="'pixels': is missing"):
        prepare({}, [], {"x": Feed(source="pixels", datatype="FP32")})


def test_outputs_get_the_names_that_the_app_knows() -> None:
    outputs = {"p": np.zeros(1), "same": np.ones(1), "unused": np.ones(1)}
    restored = restore(outputs, {"probabilities": "p"}, ["probabilities", "same"])
    assert list(restored) == ["probabilities", "same"]
    assert restored["probabilities"] is outputs["p"]


def test_an_output_that_the_model_did_not_give_is_named() -> None:
    with pytest.raises(TensorError, match="'probabilities': the model gave no output 'p'; given: 'q'"):
        restore({"q": np.zeros(1)}, {"probabilities": "p"}, ["probabilities"])
