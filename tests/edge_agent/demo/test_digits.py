from __future__ import annotations

import numpy as np

from edge_agent.demo.digits import load_digits


def test_the_split_is_the_same_every_time() -> None:
    first, second = load_digits(), load_digits()
    assert np.array_equal(first.held_out.pixels, second.held_out.pixels)
    assert np.array_equal(first.held_out.labels, second.held_out.labels)


def test_every_image_of_the_data_set_is_in_one_part() -> None:
    from sklearn import datasets

    digits = load_digits()
    parts = np.concatenate([part.pixels for part in (digits.train, digits.calibrate, digits.held_out)])
    whole = datasets.load_digits().images.astype(np.uint8)
    assert sorted(image.tobytes() for image in parts) == sorted(image.tobytes() for image in whole)


def test_at_least_five_hundred_images_with_every_digit_are_held_out() -> None:
    held_out = load_digits().held_out
    assert len(held_out) >= 500
    assert set(held_out.labels) == set(range(10))


def test_pixels_are_bytes_as_an_app_has_them() -> None:
    pixels = load_digits().held_out.pixels
    assert pixels.dtype == np.uint8 and pixels.shape[1:] == (8, 8)
    assert (pixels.min(), pixels.max()) == (0, 16)
