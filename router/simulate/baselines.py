"""What a policy is compared with: simple rules that people use instead, which return plans for the same machine. Pure.

None of them weighs, learns or asks what anything is worth. They obey the same hard constraints as every policy: where
those close all that a rule would ask, it has no plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from router.choosing.constraints import close
from router.choosing.engine import Decision
from router.choosing.plan import Escalation, Leg, Plan
from router.rules.policy import Policy
from router.running.attempt import HAND_BACK_S
from router.types import DEVICE, Kind, Mode, Situation, TargetView
from router.values import value

__all__ = ["BASELINES", "THRESHOLDS", "Baseline", "Offer", "always", "cascade", "decide_by"]

THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Among these the best fixed confidence threshold is looked for, in hindsight."""

# Where phones say "low", and where their processors begin to throttle: what an app's developer writes down first.
_LOW_BATTERY_PCT: Final = 20.0
_HOT_C: Final = 60.0


@value
class Offer:
    """What a baseline sees of a request: who may be asked, the device first, and a number drawn evenly from [0, 1)."""

    device: tuple[TargetView, ...]
    remotes: tuple[TargetView, ...]
    """The quickest first, by what was seen lately."""
    situation: Situation
    drawn: float

    @property
    def all(self) -> tuple[TargetView, ...]:
        return (*self.device, *self.remotes)

    def reading(self, name: str) -> float | None:
        """Return what a sensor says; None where it does not."""
        reading = self.situation.readings.get(name)
        return float(reading.value) if reading is not None and isinstance(reading.value, float | int) else None


Order = tuple[Sequence[TargetView], Escalation | None]
"""Whom to ask, one after the other, and whether to escalate."""


@value
class Baseline:
    """A rule, with the name that a report shows it by; it can be pickled. `stubborn`: it goes on asking a target that
    fails, because it knows no other; a breaker would only add refusals of its own."""

    name: str
    rule: Callable[[Offer], Order]
    stubborn: bool = False


def decide_by(baseline: Baseline, policy: Policy, situation: Situation, drawn: float) -> Decision:
    """Decide as `baseline` does. Of the policy only the labels count, and what closes a target for everybody."""
    # As for a fixed order: a rule that weighs nothing has no use for who would be late and only leaves the radio awake.
    feasible, closed = close(policy, situation, Mode.PREFER_IN_CLOUD, {})
    remotes = [view for view in feasible if view.kind is not Kind.DEVICE]
    if len(remotes) > 1:
        remotes.sort(key=_quickness)
    offer = Offer(feasible[: len(feasible) - len(remotes)], tuple(remotes), situation, drawn)
    order, escalation = baseline.rule(offer)
    plan = Plan(_legs(order, situation), escalation) if order else None
    choice = order[0].name if order else "none"
    return Decision(plan, choice, Mode.AUTO, (), closed, (), (), policy.digest, situation)


def always(target: str) -> Baseline:
    """Return the baseline that asks this one target and nobody else."""
    return Baseline(f"always-{target}", partial(_always, target), stubborn=True)


def cascade(below: float) -> Baseline:
    """Return the baseline that asks the device, and the quickest remote target where its score is at most `below`."""
    return Baseline(f"cascade-{below:g}", partial(_cascade, below))


def _always(target: str, offer: Offer) -> Order:
    return [view for view in offer.all if view.name == target], None


def _cascade(below: float, offer: Offer) -> Order:
    asks = offer.device and offer.remotes and offer.situation.request.can_score
    return offer.all, Escalation(offer.remotes[0].name, below) if asks else None


def _quickness(view: TargetView) -> tuple[float, bool, str]:
    return view.time.median_s, view.kind is not Kind.DEVICE, view.name


def _legs(order: Sequence[TargetView], situation: Situation) -> tuple[Leg, ...]:
    if len(order) == 1:
        return (Leg(order[0].name),)
    left_s = max(0.0, situation.request.deadline - situation.now)
    legs = [Leg(view.name, _reserve_s(view, behind, left_s)) for view, behind in pairwise(order)]
    legs.append(Leg(order[-1].name))
    return tuple(legs)


def _reserve_s(view: TargetView, behind: TargetView, left_s: float) -> float:
    return 0.0 if view.kind is Kind.DEVICE else min(behind.time.pessimistic_s + HAND_BACK_S, left_s / 2)


def _random(offer: Offer) -> Order:
    views = offer.all
    return [views[int(offer.drawn * len(views))]] if views else [], None


def _prefer_device(offer: Offer) -> Order:
    return offer.all, None


def _prefer_cloud(offer: Offer) -> Order:
    return (*offer.remotes, *offer.device), None


def _ladder(offer: Offer) -> Order:
    level, heat_c = offer.reading("battery_pct"), offer.reading("temperature_c")
    low = level is not None and level < _LOW_BATTERY_PCT and not offer.reading("charging")
    hot = heat_c is not None and heat_c > _HOT_C
    return _prefer_cloud(offer) if low or hot else _prefer_device(offer)


def _latency(offer: Offer) -> Order:
    return sorted(offer.all, key=_quickness), None


BASELINES: Final = (
    always(DEVICE),
    Baseline("random", _random),
    cascade(0.5),
    cascade(0.7),
    Baseline("prefer-device", _prefer_device),
    Baseline("prefer-cloud", _prefer_cloud),
    Baseline("ladder", _ladder),
    Baseline("latency-argmin", _latency),
)
"""Those that are the same whatever targets are called. Beside them stand `always` of others, and the best threshold."""
