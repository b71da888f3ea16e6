"""Policies beside the baselines, in the same world, and how far there is to go. Pure.

    score = (U - O_static) / (UB - O_static),   U = -cost

O_static is the best of always asking one target and the best fixed confidence threshold, chosen in hindsight and held
to the first policy's budgets as that is; UB is the bound of bound.py, within what the budgets of all policies allow at
most. A score of 0 is no better than the former, 1 cannot be surpassed: a score above 1 is a fault of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from router.rules.policy import Policy
from router.simulate.baselines import BASELINES, THRESHOLDS, Baseline, always, cascade
from router.simulate.bound import least_possible
from router.simulate.driver import simulate
from router.simulate.outcomes import Outcomes
from router.simulate.spendable import spendable
from router.simulate.spread import Spread, Watch, in_turn, nobody
from router.simulate.world import Setting
from router.types import DEVICE
from router.values import value

__all__ = ["Comparison", "Judged", "compare", "runs"]


@value
class Judged:
    """One policy's outcomes, and its score; None where hindsight leaves nothing to gain."""

    outcomes: Outcomes
    score: float | None


@value
class Comparison:
    """Costs are by the first policy's worth: only in one currency can they be compared."""

    policies: tuple[Judged, ...]
    baselines: tuple[Outcomes, ...]
    best_threshold: Outcomes | None
    """The best fixed confidence threshold, in hindsight; None where nobody could be asked."""
    static: Outcomes
    """The best of what O_static is made of."""
    least_cost: float
    """The bound, for one request."""
    thresholds: tuple[Outcomes, ...] = ()
    """All fixed confidence thresholds that were tried, rising."""


# Nearer to the bound than this share of the cost, what is left to gain is rounding.
_NOTHING_LEFT = 1e-6


def runs(setting: Setting, policies: Sequence[Policy]) -> int:
    """Return how many runs a comparison takes, the bound among them."""
    return len(policies) + len(_shown(setting)) + len(_tried(setting)) + 1


def compare(
    setting: Setting, policies: Sequence[Policy], seed: int, *, watch: Watch = nobody, spread: Spread = in_turn
) -> Comparison:
    """Simulate every policy and every baseline. At least one policy; each baseline obeys the first one's labels.

    `watch` is told the name of each run before it is waited for. The runs know nothing of one another: `spread` may
    make several at a time."""
    first, shown = policies[0], _shown(setting)
    baselines = [*shown, *_tried(setting)]
    names = [*(policy.name for policy in policies), *(baseline.name for baseline in baselines), "upper bound"]
    tasks: list[Callable[[], Outcomes | float]] = [
        *(partial(simulate, setting, policy, seed, worth=first.worth) for policy in policies),
        *(partial(simulate, setting, first, seed, baseline=baseline) for baseline in baselines),
        partial(least_possible, setting, first, seed, beside=policies[1:], budgets=spendable(setting, policies)),
    ]
    results, ran, least = spread(tasks), list[Outcomes](), 0.0
    for name in names:
        watch(name)
        result = next(results)
        if isinstance(result, Outcomes):
            ran.append(result)
        else:
            least = result
    ran, simple = ran[: len(policies)], ran[len(policies) :]
    by_name = dict(zip(names[len(policies) :], simple, strict=False))
    beside = [by_name[baseline.name] for baseline in shown]
    fixed = [by_name[always(name).name] for name in (DEVICE, *(server.name for server in setting.servers))]
    thresholds = [by_name[cascade(below).name] for below in THRESHOLDS if cascade(below).name in by_name]
    best_threshold = min(thresholds, key=_cost, default=None) if setting.servers else None
    static = min([*fixed, *thresholds], key=_cost)
    least /= max(1, static.requests)
    judged = tuple(Judged(outcomes, _score(outcomes.cost.value, static.cost.value, least)) for outcomes in ran)
    return Comparison(judged, tuple(beside), best_threshold, static, least, tuple(thresholds))


def _shown(setting: Setting) -> list[Baseline]:
    return [*(always(server.name) for server in setting.servers), *BASELINES]


def _tried(setting: Setting) -> list[Baseline]:
    """Return the thresholds that are looked at for the best one, without those that are shown anyhow."""
    known = {baseline.name for baseline in BASELINES}
    tried = [cascade(below) for below in THRESHOLDS] if setting.servers else []
    return [baseline for baseline in tried if baseline.name not in known]


def _cost(outcomes: Outcomes) -> float:
    return outcomes.cost.value


def _score(cost: float, static: float, least: float) -> float | None:
    room = static - least
    return (static - cost) / room if room > _NOTHING_LEFT * max(1.0, math.fabs(static)) else None
