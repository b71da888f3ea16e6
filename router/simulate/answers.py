"""Who is right: for each request the device's confidence, and which targets would answer it rightly. Pure.

Either drawn from a table of measured examples, or from a model with four numbers: the device's accuracy, how well its
confidence tells right from wrong (the area under its ROC curve), how overconfident it is, and each remote target's
accuracy with its correlation to the device's. Behind the confidence stands a normal score that is higher by d' where
the device is right; the confidence is what that score says of being right (Bayes), sharpened by the overconfidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from router.running.waiting import normal_quantile
from router.simulate.chance import Chance
from router.types import DEVICE
from router.values import value

__all__ = ["AnswerModel", "Example", "Examples", "Parametric", "Truth"]


@value
class Truth:
    """What nobody in the world knows of a request: the device's score, which targets are right, and how probable that
    is for who knows the score. Of the device and every target that serves the model."""

    score: float
    right: Mapping[str, bool]
    p_right: Mapping[str, float]


class AnswerModel(Protocol):
    """Where truths come from."""

    def draw(self, chance: Chance) -> Truth:
        """Return the truth of the next request. Draws equally often for each."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """One measured request."""

    score: float
    right: Mapping[str, bool]


# Wide enough for a share to mean something, narrow enough to tell a sure answer from a guess.
_PER_BIN: Final = 50


class Examples:
    """Draws from examples, each as likely as the others. Neighbours in score tell how probable it is to be right."""

    __slots__ = ("_truths",)

    def __init__(self, examples: Sequence[Example]) -> None:
        truths: list[Truth] = []
        ranked = sorted(examples, key=lambda example: example.score)
        bins = max(1, len(ranked) // _PER_BIN)
        for number in range(bins):
            near = ranked[number * len(ranked) // bins : (number + 1) * len(ranked) // bins]
            shares = {name: sum(one.right[name] for one in near) / len(near) for name in near[0].right}
            truths += [Truth(example.score, example.right, shares) for example in near]
        self._truths = tuple(truths)

    def draw(self, chance: Chance) -> Truth:
        """See AnswerModel."""
        return self._truths[int(chance.uniform() * len(self._truths))]


class Parametric:
    """See the module."""

    __slots__ = ("_accuracy", "_distance", "_logit", "_overconfidence", "_remotes")

    def __init__(
        self, accuracy: float, auroc: float, overconfidence: float, remotes: Mapping[str, tuple[float, float]]
    ) -> None:
        """`remotes`: target -> (probability that it is right where the device is, and where the device is wrong)."""
        self._accuracy = accuracy
        self._distance = math.sqrt(2) * normal_quantile(auroc)
        self._logit = math.log(accuracy / (1 - accuracy))
        self._overconfidence = overconfidence
        self._remotes = tuple((name, *shares) for name, shares in remotes.items())

    def draw(self, chance: Chance) -> Truth:
        """See AnswerModel."""
        right = chance.uniform() < self._accuracy
        z = chance.normal() + (self._distance / 2 if right else -self._distance / 2)
        logit = self._logit + self._distance * z
        # One draw for all remote targets: what is hard for one is hard for the others.
        drawn = chance.uniform()
        p_device = 1 / (1 + math.exp(-logit))
        rights, shares = {DEVICE: right}, {DEVICE: p_device}
        for name, where_right, where_wrong in self._remotes:
            rights[name] = drawn < (where_right if right else where_wrong)
            shares[name] = p_device * where_right + (1 - p_device) * where_wrong
        score = p_device if self._overconfidence == 1 else 1 / (1 + math.exp(-self._overconfidence * logit))
        return Truth(score, rights, shares)
