"""From the app's tensors to a model file's, and from its outputs back. The same code on the device and in the cloud.

How one feed is made, in this order:
1. An "image" is decoded to UINT8 RGB, shape (*input's shape, height, width, 3), by images.py; a `resize` that is the
   first step is done there. "pixels" are resized by pixels.py. "text" is made tokens of by its first step, `tokenize`.
   A BYTES feed is left encoded: that model decodes by itself.
2. `reshape`, `transpose` and `grey` keep the datatype. `scale`, `subtract` and `divide` compute in FP64 if the feed is
   FP64 and in FP32 otherwise, into which the tensor and the step's numbers are cast first.
3. The result is cast to the feed's datatype. To an integer it is rounded, halves to even; a value that does not fit
   is refused. To BOOL, everything but zero is true.
A number that becomes infinite on the way is refused. The result is C-contiguous; the app's own tensors are never
written to. Every refusal is a TensorError that names the app's input, and where a step is at fault, which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import TensorError, quoted

if TYPE_CHECKING:  # pydantic costs an import of 0.15 s
    from nearfar_wire.manifest import Feed, InputSpec, Step, Tokenize
    from nearfar_wire.text import Tokenizer, Tokens

__all__ = ["prepare", "restore"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the manifest's, known at run time

_NONE: Final[Mapping[str, Tokenizer]] = {}


def prepare(
    inputs: Mapping[str, Array],
    manifest_inputs: Sequence[InputSpec],
    feeds: Mapping[str, Feed],
    tokenizers: Mapping[str, Tokenizer] = _NONE,
) -> dict[str, Array]:
    """Return a model file's inputs by name; without `feeds` they are the app's. `tokenizers` are by their digest.

    `inputs` have passed check(). Raises TensorError: see the module. Raises MissingExtra: for images without Pillow."""
    if not feeds:
        return dict(inputs)
    encodings = {spec.name: spec.encoding for spec in manifest_inputs if spec.encoding is not None}
    made: dict[tuple[str, str, int, bool], Tokens] = {}
    prepared: dict[str, Array] = {}
    for name, feed in feeds.items():
        tokenize = feed.steps[0].tokenize if feed.steps else None
        if tokenize is None:
            prepared[name] = _make(feed, inputs, encodings.get(feed.source))
        else:
            tokens = _tokens(feed.source, tokenize, inputs, tokenizers, made)
            prepared[name] = _stepped(feed, getattr(tokens, tokenize.gives), 1)
    return prepared


def restore(outputs: Mapping[str, Array], fetches: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Array]:
    """Return the outputs that the app knows as `wanted`; `fetches` is the app's name to the model's, where they differ.

    Raises TensorError: naming the output that the model did not give."""
    restored: dict[str, Array] = {}
    for name in wanted:
        theirs = fetches.get(name, name)
        if theirs not in outputs:
            given = ", ".join(quoted(output) for output in list(outputs)[:8]) or "nothing"
            raise TensorError(name, f"the model gave no output {quoted(theirs)}; given: {given}")
        restored[name] = outputs[theirs]
    return restored


def _tokens(
    source: str,
    tokenize: Tokenize,
    inputs: Mapping[str, Array],
    tokenizers: Mapping[str, Tokenizer],
    made: dict[tuple[str, str, int, bool], Tokens],
) -> Tokens:
    """Feeds that want ids, mask and types of the same text share one pass over it, in `made`."""
    fill = tokenize.pad == "max_length"
    key = (source, tokenize.digest, tokenize.max_length, fill)
    if key not in made:
        if source not in inputs:
            raise TensorError(source, "is missing")
        made[key] = tokenizers[tokenize.digest].encode(source, inputs[source], tokenize.max_length, fill=fill)
    return made[key]


def _make(feed: Feed, inputs: Mapping[str, Array], encoding: str | None) -> Array:
    array = inputs.get(feed.source)
    if array is None:
        raise TensorError(feed.source, "is missing")
    resize = feed.steps[0].resize if feed.steps else None
    size = None if resize is None else (resize[0], resize[1])
    if encoding == "image" and feed.datatype != BYTES:
        from nearfar_wire.images import decode_images  # needs Pillow, an extra

        array = decode_images(feed.source, array, size=size)
    elif (array.dtype.kind in "OSU") != (feed.datatype == BYTES):
        raise TensorError(feed.source, f"numpy type {array.dtype} cannot become {feed.datatype}")
    elif size is not None and encoding == "pixels":
        from nearfar_wire.pixels import resize_pixels

        array = resize_pixels(feed.source, array, size)
    return _stepped(feed, array, 0 if encoding is None or size is None else 1)


def _stepped(feed: Feed, array: Array, done: int) -> Array:
    """Apply the steps after the first `done`, and cast."""
    working = np.dtype(np.float64 if feed.datatype == "FP64" else np.float32)
    # An infinity of the app's own raises no overflow; one that comes to be here does, even in the cast to `working`.
    with np.errstate(over="raise", invalid="ignore"):
        for index, step in enumerate(feed.steps[done:], start=done):
            array = _apply(feed.source, index, step, array, working)
    return _cast(feed, array)


def _apply(source: str, index: int, step: Step, array: Array, working: np.dtype[Any]) -> Array:
    try:
        return _result(step, array, working)
    except FloatingPointError:
        raise TensorError(source, f"steps[{index}].{step.kind}: a value becomes too large for {working}") from None
    except (ValueError, TypeError):
        # Not chained and not quoted: numpy's words change with its version, and may hold what a caller sent.
        problem = f"steps[{index}].{step.kind}, on shape {list(array.shape)}: {_misfit(step)}"
        raise TensorError(source, problem) from None


def _misfit(step: Step) -> str:
    if step.reshape is not None:
        return f"its elements do not fill {step.reshape}"
    if step.transpose is not None:
        return f"takes a tensor of {len(step.transpose)} axes"
    if step.grey is not None:
        return "takes UINT8 pixels, whose last axis is red, green and blue"
    numbers = step.subtract or step.divide
    if numbers is not None:
        return f"{len(numbers)} numbers, so the last axis has to have {len(numbers)}"
    return "only an encoded image is resized, as the first step"


def _result(step: Step, array: Array, working: np.dtype[Any]) -> Array:
    if step.reshape is not None:
        return array.reshape(step.reshape)
    if step.transpose is not None:
        return array.transpose(step.transpose)
    if step.grey is not None:
        return _grey(array)
    if step.scale is not None:
        return np.multiply(array, step.scale, dtype=working)
    if step.subtract is not None:
        return np.subtract(array, _channels(step.subtract, array), dtype=working)
    if step.divide is not None:
        return np.divide(array, _channels(step.divide, array), dtype=working)
    raise ValueError(step.kind)


def _grey(array: Array) -> Array:
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[-1] != 3:
        raise ValueError(array.shape)
    # Luma of ITU-R BT.601, in 16-bit fixed point and rounded, as decoders of pictures compute it: grey stays as it was.
    weighed = array @ np.array([19595, 38470, 7471], np.uint32) + np.uint32(1 << 15)
    return (weighed >> 16).astype(np.uint8)[..., np.newaxis]


def _channels(numbers: list[float], array: Array) -> float | Array:
    """One number for all, or one for each channel; never broadcast the other way, which would make a larger tensor."""
    if len(numbers) == 1:
        return numbers[0]
    if array.ndim == 0 or array.shape[-1] != len(numbers):
        raise ValueError(array.shape)
    return np.array(numbers)


def _cast(feed: Feed, array: Array) -> Array:
    dtype = DATATYPES[feed.datatype]
    if array.dtype == dtype or feed.datatype in (BYTES, "BOOL") or np.can_cast(array.dtype, dtype, "safe"):
        return array.astype(dtype, order="C", copy=False)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            cast = array.astype(dtype, order="C")
        if np.isinf(cast).any() and np.isinf(cast).sum() != np.isinf(array).sum():
            raise TensorError(feed.source, f"a value is too large for {feed.datatype}")
        return cast
    whole = np.rint(array) if array.dtype.kind == "f" else array
    limits = np.iinfo(dtype.name)
    # Compared as Python numbers, exactly: int64's largest is no float. NaN fails every comparison, so it is refused.
    if whole.size and not (limits.min <= whole.min().item() and whole.max().item() <= limits.max):
        raise TensorError(feed.source, f"a value does not fit {feed.datatype}, {limits.min} to {limits.max}")
    return whole.astype(dtype, order="C")
