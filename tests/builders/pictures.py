"""Pictures of shapes, and models that tell them apart: a task of its own, made from scratch and in no time.

Bars that lie, bars that stand, discs and crosses, in any colours, somewhere in the picture. The model is logistic
regression on what the picture looks like from afar, and wants its numbers in whichever way it is asked to."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud_service.publish.recipes.normalisation import KNOWN, Normalisation
from tests.builders.graphs import Graph

__all__ = ["SHAPES", "draw", "encoded", "shapes_model", "shown"]

Array = NDArray[Any]  # Any: pixels or floats

SHAPES: Final = ("bar", "column", "cross", "disc")


def draw(shape: str, chance: np.random.Generator, *, height: int = 48, width: int = 48) -> Array:
    """Return UINT8 RGB pixels [height, width, 3] of one shape, bright on dark."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    size = min(height, width)
    # Where it stands in the middle that a square crop keeps.
    y = (y - height / 2 - chance.uniform(-0.05, 0.05) * size) / size
    x = (x - width / 2 - chance.uniform(-0.05, 0.05) * size) / size
    bar, column = (np.abs(y) < 0.12) & (np.abs(x) < 0.42), (np.abs(x) < 0.12) & (np.abs(y) < 0.42)
    inside = {"bar": bar, "column": column, "cross": bar | column, "disc": x**2 + y**2 < 0.3**2}[shape]
    dark, bright = chance.integers(0, 70, 3), chance.integers(150, 256, 3)
    picture = np.where(inside[..., np.newaxis], bright, dark) + chance.normal(0, 12, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def encoded(pixels: Array, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """Return the pixels as a file of some kind."""
    import PIL.Image

    file = io.BytesIO()
    PIL.Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


@cache
def shown(count: int, *, seed: int = 0, shapes: tuple[str, ...] = SHAPES) -> tuple[Array, Array]:
    """Return `count` files, of many sizes, shapes and modes, and their labels, as places in `shapes`."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, len(shapes), count)
    files = np.empty(count, dtype=object)
    kinds = (("JPEG", "RGB"), ("PNG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "CMYK"))
    for index, label in enumerate(labels):
        height, width = (int(side) for side in chance.integers(24, 90, 2))
        kind, mode = kinds[int(chance.integers(len(kinds)))]
        files[index] = encoded(draw(shapes[label], chance, height=height, width=width), kind, mode)
    return files, labels


def shapes_model(
    wants: str = "imagenet",
    *,
    size: int | None = 16,
    channels: int = 3,
    layout: str = "nchw",
    rows: int | str = "n",
    datatype: str = "FP32",
    shapes: tuple[str, ...] = SHAPES,
    probabilities: bool = False,
    background: bool = False,
    trained_on: int = 400,
    side: int = 16,
) -> bytes:
    """Return a model of input "picture" and output "scores"; `wants` names the normalisation that it was trained with.

    `size` None: height and width are open in the file. `background`: a class in front that is never right. `side`: what
    the network itself looks at, in pixels; `trained_on` so many pictures it is as good as that makes it."""
    weights, offsets = _trained(KNOWN[wants], channels, shapes, trained_on, side)
    if background:
        weights = np.concatenate([np.zeros((len(weights), 1)), weights], axis=1)
        offsets = np.concatenate([[-30.0], offsets])
    graph = Graph()
    x = "picture"
    if datatype != "FP32":
        x = graph.add("Cast", x, to=1)
    if layout == "nhwc":
        x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    # From whatever size there is to `side`: averaged, so that a larger input is the same picture.
    if size is None:
        count = graph.add("Slice", graph.add("Shape", x), *(graph.constant([edge], np.int64) for edge in (0, 1)))
        sizes = graph.add("Concat", count, graph.constant([channels, side, side], np.int64), axis=0)
        x = graph.add("Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")
    elif size != side:
        each = size // side
        x = graph.add("AveragePool", x, kernel_shape=[each, each], strides=[each, each])
    kernel = np.zeros((channels, channels, 1, 1))
    kernel[range(channels), range(channels)] = 1
    x = graph.add("Conv", x, graph.constant(kernel), kernel_shape=[1, 1])
    x = graph.add("Flatten", x)
    answer = "scores" if not probabilities else ""
    scores = graph.add("Gemm", x, graph.constant(weights), graph.constant(offsets), output=answer)
    if probabilities:
        graph.add("Softmax", scores, axis=-1, output="scores")
    edge: int | str = "side" if size is None else size
    shape = (rows, channels, edge, edge) if layout == "nchw" else (rows, edge, edge, channels)
    return graph.model([("picture", datatype, shape)], [("scores", "FP32", (rows, weights.shape[1]))])


@cache
def _trained(
    wants: Normalisation, channels: int, shapes: tuple[str, ...], count: int, side: int
) -> tuple[Array, Array]:
    from sklearn.linear_model import LogisticRegression

    chance = np.random.default_rng(99)
    labels = np.arange(count) % len(shapes)
    pictures = np.stack([draw(shapes[label], chance, height=side, width=side) for label in labels]).astype(np.float64)
    if channels == 1:
        pictures = pictures @ np.array([[0.299], [0.587], [0.114]])
    factors, summands = (np.array(part) for part in wants.linear())
    seen = (pictures * factors + summands).transpose(0, 3, 1, 2).reshape(count, -1)
    # As if a network had been trained: on numbers of this scale and no other.
    middle, spread = seen.mean(axis=0), seen.std() + 1e-9
    fitted = LogisticRegression(C=0.02, max_iter=300).fit((seen - middle) / spread, labels)
    # Of two classes it has one row: how much rather the second.
    rows, offsets = (fitted.coef_, fitted.intercept_) if len(shapes) > 2 else (
        np.concatenate([-fitted.coef_, fitted.coef_]) / 2, np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    )  # fmt: skip
    weights = rows.T / spread
    return weights, offsets - middle @ weights
