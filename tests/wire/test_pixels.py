"""Pixels resized without a library for images: the same picture as the library makes of a file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfar_wire.errors import TensorError
from nearfar_wire.images import decode_images
from nearfar_wire.manifest import Feed, InputSpec, Step
from nearfar_wire.pixels import resize_pixels
from nearfar_wire.prepare import prepare


def png(pixels: np.ndarray) -> bytes:
    import PIL.Image

    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@settings(max_examples=60, deadline=None)
@pytest.mark.wide
@given(
    source=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 1000),
)
def test_pixels_become_what_a_file_of_them_becomes(source: tuple[int, int], size: tuple[int, int], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (*source, 3), dtype=np.uint8)
    of_file = decode_images("x", np.array([png(pixels)], dtype=object), size=size)[0]
    assert np.abs(resize_pixels("x", pixels, size).astype(int) - of_file).max() <= 1


def test_leading_axes_are_kept() -> None:
    assert resize_pixels("x", np.zeros((2, 5, 9, 7, 3), np.uint8), (4, 6)).shape == (2, 5, 4, 6, 3)
    assert resize_pixels("x", np.zeros((0, 9, 7, 3), np.uint8), (4, 6)).shape == (0, 4, 6, 3)


def test_a_picture_of_one_pixel_is_all_that_pixel() -> None:
    assert (resize_pixels("x", np.full((1, 1, 3), 77, np.uint8), (8, 8)) == 77).all()


@pytest.mark.parametrize(
    ("shape", "problem"),
    [((1, 0, 5, 3), "no pixels"), ((1, 50_000, 50_000, 3), "pixels together"), ((1 << 14, 1, 1, 3), "pixels together")],
)
def test_too_many_pixels_and_none_are_refused_before_anything_is_allocated(
    shape: tuple[int, ...], problem: str
) -> None:
    with pytest.raises(TensorError, match=problem):
        resize_pixels("x", np.broadcast_to(np.uint8(0), shape), (224, 224))


def test_a_manifest_resizes_pixels_of_any_size() -> None:
    given = InputSpec(name="image", datatype="UINT8", shape=[-1, -1, -1, 3], encoding="pixels")
    feed = Feed(source="image", datatype="FP32", steps=[Step(resize=[2, 2]), Step(scale=0.5)])
    made = prepare({"image": np.full((1, 10, 20, 3), 8, np.uint8)}, [given], {"x": feed})["x"]
    assert made.shape == (1, 2, 2, 3)
    assert (made == 4.0).all()
