"""The recipe for classifiers of pictures: an app hands in a photograph, of any size, and both ends see what they want.

Pictures are JPEG or PNG files (`encoded`), or UINT8 pixels [N, height, width, 3]. Each end crops and resizes them to
its own size, and normalises them in its own way; the latter goes into the graph where it can. How a model wants them
normalised is found out by trying, where there are labels, or another end to agree with; what somebody declared is
checked in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.fuse import PIXELS, fuse_picture
from cloud_service.publish.recipes.graph import PictureInput, picture_input
from cloud_service.publish.recipes.joined import Array, Ending, Joined, Run
from cloud_service.publish.recipes.normalisation import KNOWN, Normalisation
from nearfar_wire.datatypes import BYTES
from nearfar_wire.manifest import Feed, InputSpec, Step
from nearfar_wire.prepare import prepare
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tflite import is_tflite
from router.cascade.binomial import interval

__all__ = ["SOURCE", "PictureRecipe", "settle"]

SOURCE: Final = "image"
"""What the app's input is called."""
_LEVEL: Final = 0.99
# Enough to tell a right normalisation from a wrong one, which costs tens of points.
_TRIED: Final = 128
# Two answers to the same pixels, computed in another order: beyond this it is another function.
_TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class PictureRecipe:
    """How the app hands its pictures in, and whether their normalisation goes into the graphs."""

    app: Literal["encoded", "pixels"]
    fuse: bool = True

    def input(self) -> InputSpec:
        """Return the app's input."""
        if self.app == "encoded":
            return InputSpec(name=SOURCE, datatype=BYTES, shape=[-1], encoding="image")
        return InputSpec(name=SOURCE, datatype="UINT8", shape=[-1, -1, -1, 3], encoding="pixels")

    def tensors(self, taken: PictureInput, normalisation: Normalisation, pictures: Array) -> dict[str, Array]:
        """Return `pictures` as the model file wants them that `taken` is the input of.

        One at a time: what may be decoded for one request is bounded, and hundreds of photographs are more."""
        feeds = {taken.name: _declared(taken, normalisation)}
        parts = [prepare({SOURCE: pictures[at : at + 1]}, [self.input()], feeds) for at in range(len(pictures))]
        return {taken.name: np.concatenate([part[taken.name] for part in parts])}

    def end(
        self, content: bytes, taken: PictureInput, normalisation: Normalisation, pictures: Array, run: Run
    ) -> tuple[Ending, str]:
        """Return one end, and a note where preparation stays outside of its graph.

        `pictures` are examples on which the fused graph has to answer as the declared steps do."""
        declared = Ending(content, {taken.name: _declared(taken, normalisation)})
        if not self.fuse or taken.datatype not in ("FP32", "FP16"):
            return declared, ""
        if is_tflite(content):
            return declared, "preparation is declared, not fused: a .tflite file is left as it is"
        try:
            fused = fuse_picture(content, taken, normalisation)
        except PublishError as error:
            return declared, f"preparation is declared, not fused: {error}"
        resized = Feed(source=SOURCE, datatype="UINT8", steps=[_resize(taken)])
        ending = Ending(fused, {PIXELS: resized})
        inputs = [self.input()]
        want = run(content, prepare({SOURCE: pictures}, inputs, declared.feeds))
        have = run(fused, prepare({SOURCE: pictures}, inputs, ending.feeds))
        for name, wanted in want.items():
            scale = float(np.abs(wanted).max(initial=1.0))
            if not np.allclose(have[name], wanted, rtol=_TOLERANCE, atol=_TOLERANCE * scale):
                return declared, f"preparation is declared, not fused: output {name!r} changes with it"
        return ending, ""

    def join(
        self,
        device: tuple[bytes, PictureInput, Normalisation],
        remote: tuple[bytes, PictureInput, Normalisation],
        pictures: Array,
        run: Run,
    ) -> Joined:
        """Return both ends under one signature; what crosses the network is whatever is smaller on `pictures`."""
        few = pictures[:4]
        near, near_note = self.end(*device, few, run)
        far, far_note = self.end(*remote, few, run)
        taken = remote[1]
        each = 1 if PIXELS in far.feeds else 4
        prepared_bytes = taken.elements * each
        handed_bytes = _mean_bytes(pictures)
        send: Literal["app", "model"] = "app" if handed_bytes <= prepared_bytes else "model"
        crossing = f"the picture as it is, {handed_bytes:,.0f} bytes on average"
        if send == "model":
            crossing = f"{taken.height} x {taken.width} pixels, {prepared_bytes:,} bytes"
        notes = (*(note for note in (near_note, far_note) if note), f"what crosses the network: {crossing}")
        return Joined((self.input(),), near, far, send, notes=notes)


def settle(
    file: str,
    recipe: PictureRecipe,
    content: bytes,
    inputs: Sequence[TensorSpec],
    pictures: Array,
    wanted: Sequence[int] | None,
    run: Run,
    *,
    declared: str | None = None,
    size: tuple[int, int] | None = None,
    output: str | None = None,
) -> tuple[PictureInput, Normalisation, str]:
    """Return how `file` takes pictures, how it wants them normalised, and a note on how that was found out.

    `wanted` are the classes to answer with: labels, or another model's answers; None where there are none.

    Raises PublishError: for a normalisation that is unknown, not to be found out, or plainly the wrong one."""
    taken = picture_input(file, inputs, size)
    if declared is not None and declared not in KNOWN:
        raise PublishError(f"no normalisation {declared!r} is known", f"name one of {', '.join(KNOWN)}")
    if taken.datatype not in ("FP32", "FP16", "FP64"):
        return taken, KNOWN["raw"], f"{file} takes {taken.datatype} pixels as they are"
    if wanted is None:
        if declared is None:
            advice = f"name it (one of {', '.join(KNOWN)}) or give labels to try them with"
            raise PublishError(f"{file}: how its pictures are normalised is not known", advice)
        return taken, KNOWN[declared], f"{file}: normalised as declared, {declared}; not checked, for want of labels"
    tried = _evenly(len(pictures), _TRIED)
    right: dict[str, int] = {}
    for name, normalisation in KNOWN.items():
        outputs = run(content, recipe.tensors(taken, normalisation, pictures[tried]))
        answers = outputs[output or next(iter(outputs))].reshape(len(tried), -1).argmax(axis=1)
        right[name] = int(sum(int(answer) == wanted[index] for answer, index in zip(answers, tried, strict=True)))
    best = max(right, key=lambda name: right[name])
    found = ", ".join(f"{name} {count / len(tried):.0%}" for name, count in right.items())
    if declared is None:
        second = max(count for name, count in right.items() if name != best)
        if interval(right[best], len(tried), _LEVEL)[0] <= second / len(tried):
            raise PublishError(
                f"{file}: examples do not tell how its pictures are normalised (right: {found})",
                "name it: " + ", ".join(KNOWN),
            )
        return taken, KNOWN[best], f"{file}: normalised as {best}, found by trying (right: {found})"
    if interval(right[declared], len(tried), _LEVEL)[1] < interval(right[best], len(tried), _LEVEL)[0]:
        raise PublishError(
            f"{file}: with pictures normalised as {declared} it is right on {right[declared] / len(tried):.0%} of the "
            f"examples, as {best} on {right[best] / len(tried):.0%}",
            f"declare {best}",
        )
    return taken, KNOWN[declared], f"{file}: normalised as declared, {declared} (right: {found})"


def _resize(taken: PictureInput) -> Step:
    return Step(resize=[taken.height, taken.width])


def _declared(taken: PictureInput, normalisation: Normalisation) -> Feed:
    steps = [_resize(taken), *normalisation.steps()]
    if taken.layout == "nchw":
        steps.append(Step(transpose=[0, 3, 1, 2]))
    return Feed(source=SOURCE, datatype=taken.datatype, steps=steps)


def _mean_bytes(pictures: Array) -> float:
    if pictures.dtype.kind != "O":
        return pictures.nbytes / max(1, len(pictures))
    return sum(len(picture) for picture in pictures) / max(1, len(pictures))


def _evenly(count: int, most: int) -> list[int]:
    """Return up to `most` indices spread over all, so that data sorted by class is seen whole."""
    return list(range(count)) if count <= most else [index * count // most for index in range(most)]
