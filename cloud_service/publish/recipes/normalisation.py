"""What becomes of a picture's numbers, 0 to 255, before a model sees them: (x * scale - subtract) / divide.

A model that gets other numbers than it was trained on loses most of its accuracy and says nothing: so a release names
this, and with examples at hand it is found out rather than believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nearfar_wire.manifest import Step

__all__ = ["KNOWN", "Normalisation", "fitting"]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """`subtract` and `divide` are one number, or one a channel, red first. `name` is for people."""

    name: str
    scale: float = 1.0
    subtract: tuple[float, ...] = (0.0,)
    divide: tuple[float, ...] = (1.0,)

    def steps(self) -> list[Step]:
        """Return it as steps of a manifest, for pixels whose last axis is the channel."""
        steps: list[Step] = []
        if self.scale != 1.0:
            steps.append(Step(scale=self.scale))
        if any(self.subtract):
            steps.append(Step(subtract=list(self.subtract)))
        if any(number != 1.0 for number in self.divide):
            steps.append(Step(divide=list(self.divide)))
        return steps

    def linear(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return factor and summand of the same function, one of each or one a channel."""
        channels = max(len(self.subtract), len(self.divide))
        subtract = self.subtract * channels if len(self.subtract) == 1 else self.subtract
        divide = self.divide * channels if len(self.divide) == 1 else self.divide
        factors = tuple(self.scale / part for part in divide)
        summands = tuple(-off / part for off, part in zip(subtract, divide, strict=True))
        return factors, summands


# What image classifiers are trained with, nearly all of them. "imagenet" has the channels' means and deviations over
# ImageNet's training set, as torchvision's models expect them; "mnist" the same of MNIST, of one channel; "centred" is
# what pictures are in signed bytes.
KNOWN: Final[Mapping[str, Normalisation]] = {
    known.name: known
    for known in (
        Normalisation("raw"),
        Normalisation("unit", scale=1 / 255),
        Normalisation("signed", scale=1 / 127.5, subtract=(1.0,)),
        Normalisation("centred", subtract=(128.0,)),
        Normalisation("mnist", scale=1 / 255, subtract=(0.1307,), divide=(0.3081,)),
        Normalisation("imagenet", scale=1 / 255, subtract=(0.485, 0.456, 0.406), divide=(0.229, 0.224, 0.225)),
    )
}


def fitting(datatype: str, channels: int) -> Mapping[str, Normalisation]:
    """Return those by name that an input of `datatype` and so many `channels` can want; integers want only one."""
    if not datatype.startswith("FP"):
        only = "centred" if datatype == "INT8" else "raw"
        return {only: KNOWN[only]}
    left_out = "mnist" if channels > 1 else "imagenet"
    return {name: known for name, known in KNOWN.items() if name not in (left_out, "centred")}
