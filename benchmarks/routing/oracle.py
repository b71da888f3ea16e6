"""Who knows who is right: what no rule can know, to see how much of what is left is knowledge that nobody has.

A request's cost counts the probability that its answer is wrong, as far as the device's score tells. Whoever chooses by
who is right has to be told by who was: so its world is the same, and what the score tells in it is the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from router.simulate.answers import AnswerModel, Truth
from router.simulate.baselines import Baseline, Offer, Order
from router.simulate.chance import Chance
from router.simulate.workload import Arrival, ModelFacts
from router.simulate.world import Setting, World
from router.types import DEVICE

__all__ = ["oracle", "revealed"]


class _Revealed:
    """The same truths, of which everything is known."""

    def __init__(self, answers: AnswerModel) -> None:
        self._answers = answers

    def draw(self, chance: Chance) -> Truth:
        """See AnswerModel."""
        truth = self._answers.draw(chance)
        return Truth(truth.score, truth.right, {target: float(right) for target, right in truth.right.items()})


def revealed(setting: Setting) -> Setting:
    """Return the same world, in which who is right is no secret."""

    def known(model: ModelFacts) -> ModelFacts:
        return replace(model, answers=_Revealed(model.answers))

    models = {name: known(model) for name, model in setting.models.items()}
    streams = tuple(replace(stream, model=models[stream.model.name]) for stream in setting.streams)
    return replace(setting, models=models, streams=streams)


def oracle(setting: Setting, seed: int) -> Baseline:
    """Return the rule that asks the device where it is right, else the quickest that is, else the device; for one run
    of this setting and seed. It is told of each request when it is asked, and they come in the order of time."""
    truths: Iterator[Arrival] = World(setting, seed).arrivals()

    def rule(offer: Offer) -> Order:
        right = next(truths).truth.right
        return sorted(offer.all, key=lambda view: (not right[view.name], view.name != DEVICE)), None

    return Baseline("oracle", rule)
