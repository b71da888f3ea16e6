"""The recipe for tensors: what the full model takes is the app's, and a device model's inputs are found in it."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_service.publish.ends import File, Plain
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.plain import join_plain, own_feeds
from nearfar_wire.specs import TensorSpec

FAR = [TensorSpec("x", "FP32", (-1, 4))]
TWO = [TensorSpec("a", "FP32", (-1, 4)), TensorSpec("b", "INT64", (-1,))]


def test_a_model_that_takes_the_same_needs_no_feeds() -> None:
    assert own_feeds(FAR, FAR) == {}
    assert own_feeds(TWO, TWO) == {}


def test_the_one_input_is_the_one_input_whatever_its_name_and_type() -> None:
    feeds = own_feeds([TensorSpec("features", "FP16", (1, 4))], FAR)
    assert (feeds["features"].source, feeds["features"].datatype) == ("x", "FP16")


def test_a_device_model_may_take_less_than_the_full_one() -> None:
    assert set(own_feeds(TWO[:1], TWO)) == {"a"}


REFUSED = [
    pytest.param([TensorSpec("c", "FP32", (-1, 4))], TWO, "input 'c' is none of a, b", id="unknown"),
    pytest.param([TensorSpec("x", "FP32", (-1, 5))], FAR, r"is \[-1, 5\], the full model's \[-1, 4\]", id="other size"),
    pytest.param([TensorSpec("x", "FP32", (-1, 2, 2))], FAR, "use --recipe image", id="other rank"),
]


@pytest.mark.parametrize(("near", "far", "why"), REFUSED)
def test_what_does_not_fit_is_refused_by_name(near: list[TensorSpec], far: list[TensorSpec], why: str) -> None:
    with pytest.raises(PublishError, match=why):
        own_feeds(near, far)


def test_the_app_hands_over_any_number_of_rows_also_where_a_model_takes_one() -> None:
    fixed = [TensorSpec("x", "FP32", (1, 4))]
    joined = join_plain((b"near", fixed), (b"far", fixed))
    assert [spec.shape for spec in joined.inputs] == [[-1, 4]]
    assert (joined.send, joined.device.content, joined.remote.content) == ("app", b"near", b"far")


def test_examples_become_what_a_device_model_takes() -> None:
    file = File("it", "own", b"", [TensorSpec("features", "FP16", (-1, 4))], "y")
    made = Plain(FAR).tensors(file, {"x": np.ones((3, 4), np.float32)}, None)
    assert made["features"].dtype == np.float16
