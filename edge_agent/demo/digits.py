"""Scikit-learn's handwritten digits, split once: images to train on, to choose by, and to be judged by.

The split is the same on every machine. A held-out image is never trained on and never chooses anything. The data set
does not say who wrote what, so one hand can be in all three parts: what is measured here holds for these writers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nearfar_wire.errors import MissingExtra

__all__ = ["CLASSES", "SIDE", "Digits", "Images", "load_digits"]

SIDE: Final = 8
"""Height and width of an image."""
CLASSES: Final = 10

_TRAIN: Final = 1000
# Enough that one image is a third of a point; what is left, 500, is held out.
_CALIBRATE: Final = 297
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Images:
    """`pixels` has shape (n, 8, 8), UINT8 from 0 to 16; `labels` has shape (n,), the digits that are written."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Digits:
    """The three parts; no image is in two."""

    train: Images
    calibrate: Images
    held_out: Images


def load_digits() -> Digits:
    """Return the data set, which comes with scikit-learn, in its three parts.

    Raises MissingExtra: without scikit-learn."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtra("the demo's digits", "demo") from error
    bunch: Any = datasets.load_digits()  # Any: scikit-learn publishes no types
    pixels, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.int64)
    order = np.random.default_rng(_SEED).permutation(len(labels))
    train, calibrate, held_out = (
        Images(pixels[part], labels[part]) for part in np.split(order, [_TRAIN, _TRAIN + _CALIBRATE])
    )
    return Digits(train, calibrate, held_out)
