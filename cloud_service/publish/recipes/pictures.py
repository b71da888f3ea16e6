"""The recipe for classifiers of pictures: an app hands in a photograph, of any size, and both ends see what they want.

Pictures are JPEG or PNG files (`encoded`), or UINT8 pixels [N, height, width, 3]. Each end crops and resizes them to
its own size, and normalises them in its own way; the latter goes into the graph where it can. How a model wants them
normalised is found out by trying, where there are labels, or another end to agree with; what somebody declared is
checked in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cloud_service.publish.class_order import ADVICE, DEVICE_ADVICE, misnumbered, no_better_than_chance
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.fuse import PIXELS, fuse_picture
from cloud_service.publish.recipes.graph import PictureInput, picture_input
from cloud_service.publish.recipes.joined import Array, Ending, Joined, Run
from cloud_service.publish.recipes.normalisation import Normalisation, fitting
from nearfar_wire.datatypes import BYTES
from nearfar_wire.manifest import Feed, InputSpec, Step
from nearfar_wire.prepare import prepare
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tflite import is_tflite
from router.cascade.binomial import tail

__all__ = ["SOURCE", "PictureRecipe", "settle"]

SOURCE: Final = "image"
"""What the app's input is called."""
_LEVEL: Final = 0.99
# Enough to tell a right normalisation from a wrong one, which costs tens of points.
_TRIED: Final = 128
# Where those leave it open, two that are a few points apart.
_MOST_TRIED: Final = 512
# What two normalisations may answer otherwise, where it is not to be told which was meant.
_ALIKE: Final = 0.9
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
        resized = Feed(source=SOURCE, datatype="UINT8", steps=_pixels(taken))
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
    own: bool = False,
    agreement: bool = False,
) -> tuple[PictureInput, Normalisation, str]:
    """Return how `file` takes pictures, how it wants them normalised, and a note on how that was found out.

    `wanted` are the classes to answer with: labels, or with `agreement` the full model's answers; None where there are
    none. `own`: `file` is a device model of the user's own, not the full model.

    Raises PublishError: for a normalisation that is unknown, not to be found out, or plainly the wrong one."""
    taken = picture_input(file, inputs, size)
    choices = fitting(taken.datatype, taken.channels)
    if declared is not None and declared not in choices:
        problem = f"{file}: no normalisation {declared!r} is known of {taken.datatype} with {taken.channels} channels"
        raise PublishError(problem, f"name one of {', '.join(choices)}")
    if len(choices) == 1:
        (only,) = choices
        return taken, choices[only], f"{file} takes {taken.datatype} pixels as they are"
    if wanted is None:
        if declared is None:
            advice = f"name it with {_flag(own)} (one of {', '.join(choices)}) or give labels to try them with"
            raise PublishError(f"{file}: how its pictures are normalised is not known", advice)
        return taken, choices[declared], f"{file}: normalised as declared, {declared}; not checked, for want of labels"

    def answers_of(name: str, tried: Sequence[int]) -> tuple[list[int], int]:
        """Return the class of each picture, and how many classes there are."""
        outputs = run(content, recipe.tensors(taken, choices[name], pictures[tried]))
        rows = outputs[output or next(iter(outputs))].reshape(len(tried), -1)
        return rows.argmax(axis=1).tolist(), rows.shape[1]

    name, found = _tried(file, answers_of, list(choices), wanted, declared, own=own, agreement=agreement)
    how = "found by trying" if declared is None else "as declared"
    return taken, choices[name], f"{file}: normalised as {name}, {how} ({found})"


def _tried(
    file: str,
    answers_of: Callable[[str, Sequence[int]], tuple[list[int], int]],
    names: Sequence[str],
    wanted: Sequence[int],
    declared: str | None,
    *,
    own: bool,
    agreement: bool,
) -> tuple[str, str]:
    """Return which of `names` it is, and how often each gave what is `wanted`. Raises PublishError: see settle."""
    flag = _flag(own)
    # Without labels nobody knows what is right.
    good = "as the full model" if agreement else "right"
    does = "answers as the full model" if agreement else "is right"
    held = list(names)
    for most in (_TRIED, _MOST_TRIED):
        tried = _evenly(len(wanted), most)
        asked = [wanted[index] for index in tried]
        answers: dict[str, list[int]] = {}
        for name in held:
            answers[name], classes = answers_of(name, tried)
        right = {name: _right(given, asked) for name, given in answers.items()}
        best = max(held, key=lambda name: sum(right[name]))
        by_chance = no_better_than_chance(answers[best], asked, agreement=agreement)
        # Pictures that are normalised wrongly may be answered oddly enough to look like another numbering.
        for name in (best,) if by_chance is None else held:
            why = misnumbered(answers[name], asked, classes, agreement=agreement)
            if why is not None:
                raise PublishError(f"{file}: {why}", DEVICE_ADVICE if own else ADVICE)
        rivals = [name for name in held if name != best and not _clearly_better(right[best], right[name])]
        if declared is not None or not (by_chance or rivals) or len(tried) == len(wanted):
            break
        held = held if by_chance else [best, *rivals]
    found = f"{good}, of {len(tried)}: " + ", ".join(f"{name} {_share(hits)}" for name, hits in right.items())
    if declared is not None:
        if declared != best and _clearly_better(right[best], right[declared]):
            raise PublishError(
                f"{file}: with pictures normalised as {declared} it {does} on {_share(right[declared])} of the "
                f"examples, as {best} on {_share(right[best])}",
                f"declare {best} with {flag}",
            )
        return declared, found
    if by_chance is not None:
        advice = f"declare it with {flag} if it is only weak, or {DEVICE_ADVICE}" if own else ADVICE
        raise PublishError(f"{file}: however its pictures are normalised, {by_chance}", advice)
    for rival in rivals:
        alike = sum(_right(answers[rival], answers[best])) / len(tried)
        if alike < _ALIKE:
            raise PublishError(
                f"{file}: examples do not tell whether its pictures are normalised as {best} or as {rival} ({found})",
                f"name it with {flag}" + ("" if len(tried) >= _MOST_TRIED else ", or give more examples"),
            )
        found += f"; {rival} answers the same on {alike:.0%}, so name it if you know"
    return best, found


def _flag(own: bool) -> str:
    return "--device-normalise" if own else "--normalise"


def _right(answers: Sequence[int], wanted: Sequence[int]) -> list[bool]:
    return [answer == right for answer, right in zip(answers, wanted, strict=True)]


def _share(hits: Sequence[bool]) -> str:
    return f"{sum(hits) / len(hits):.0%}"


def _clearly_better(one: Sequence[bool], other: Sequence[bool]) -> bool:
    """Say whether `one` is right where `other` is wrong more often than a fair coin explains, on the same examples."""
    won = sum(mine and not theirs for mine, theirs in zip(one, other, strict=True))
    lost = sum(theirs and not mine for mine, theirs in zip(one, other, strict=True))
    return won > lost and tail(lost, won + lost, 0.5) <= 1 - _LEVEL


def _pixels(taken: PictureInput) -> list[Step]:
    """Return the steps from a picture of any kind to bytes as large, and of as many channels, as the model wants."""
    resize = Step(resize=[taken.height, taken.width])
    return [resize, Step(grey=True)] if taken.channels == 1 else [resize]


def _declared(taken: PictureInput, normalisation: Normalisation) -> Feed:
    steps = [*_pixels(taken), *normalisation.steps()]
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
