"""Runs the baseline and the candidate through the same days, and asks of the candidate what its terms say. Pure.

What is asked, of each scenario: that guarded measures rise by no more than their margins, that limits are kept, that no
promise is broken; of the objective, with the goal "better", that it falls on the average of all scenarios, and in each
rises by no more than its margin. See criterion.py for what comes of the answers together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from router.errors import ScenarioError
from router.gate.criterion import Answer, Asked, Criterion, answered, together
from router.gate.paired import Pair, Sample, Sampled, average, sample_of
from router.gate.promises import accuracy, budgets, privacy
from router.gate.terms import Goal, Terms
from router.rules.policy import Policy
from router.simulate.chance import Chance
from router.simulate.driver import run
from router.simulate.fleet import run_fleet
from router.simulate.measures import MEASURES
from router.simulate.meter import Meter
from router.simulate.spread import Spread, Watch, in_turn, nobody
from router.simulate.tally import Tally
from router.simulate.world import Setting
from router.values import value

if TYPE_CHECKING:  # where documents enter pydantic does
    from router.telling.difference import Looser

__all__ = ["MOST_SEEDS", "Day", "Judged", "gate", "runs", "seeds_of"]

MOST_SEEDS: Final = 1000
"""A difference that takes more to be seen is none that anybody would miss."""


@value
class Day:
    """A scenario to be run: its name, its world, how many devices share it, the first seed, and both policies as they
    are for its targets."""

    name: str
    setting: Setting
    devices: int
    seed: int
    baseline: Policy
    candidate: Policy


@value
class Judged:
    """What became of the candidate, and why. `requests` of all scenarios and seeds together, for either policy;
    `seeds_wanted` is how many seeds would probably settle what is open, None where none would or nothing is."""

    answer: Answer
    criteria: tuple[Criterion, ...]
    requests: int
    seeds: int
    seeds_wanted: int | None


def seeds_of(day: Day, count: int) -> list[int]:
    """Return the day's seeds: so far apart that no two devices of a fleet have the same chance."""
    return [day.seed + number * day.devices for number in range(count)]


def runs(days: Sequence[Day], seeds: int) -> int:
    """Return how many runs a gate takes."""
    return 2 * seeds * len(days)


def gate(
    days: Sequence[Day],
    looser: Sequence[Looser],
    terms: Terms,
    *,
    seeds: int,
    watch: Watch = nobody,
    spread: Spread = in_turn,
) -> Judged:
    """Judge whether the candidate may follow the baseline; at least one day, and three seeds. Costs are told by what
    things are worth to the baseline. `looser` is where the candidate's labels are; `watch` is told each run's name
    before it is waited for.

    Raises ScenarioError: of a day in which no request comes."""
    tasks = [
        partial(_run, day, policy, seed)
        for day in days
        for seed in seeds_of(day, seeds)
        for policy in (day.baseline, day.candidate)
    ]
    results = spread(tasks)
    samples: list[Sample] = []
    meters: list[tuple[list[Meter], list[Meter]]] = []
    for day in days:
        pairs: list[Pair] = []
        before: list[Meter] = []
        after: list[Meter] = []
        for seed in seeds_of(day, seeds):
            watch(f"{day.name}, seed {seed}, baseline")
            one = next(results)
            watch(f"{day.name}, seed {seed}, candidate")
            other = next(results)
            pairs.append(Pair(tuple(one.blocks), tuple(other.blocks)))
            before += one.meters
            after += other.meters
        if not any(block.requests for pair in pairs for block in pair.baseline):
            raise ScenarioError("workload", f"no request comes in {day.setting.duration_s:g} s", source=day.name)
        samples.append(sample_of(day.name, pairs, Chance(day.seed, f"gate/{day.name}")))
        meters.append((before, after))
    questions = list(chain(_objective(samples, terms), *(_guarded(sample, terms) for sample in samples)))
    # Promises of accuracy are estimated as well, and rejecting looks at them too.
    of = len(questions) + len(samples)
    criteria = [privacy(looser)]
    for day, sample, (before, after) in zip(days, samples, meters, strict=True):
        criteria += budgets(day.name, day.baseline, day.candidate, before, after)
        criteria += accuracy(sample, day.baseline, day.candidate, terms.alpha / of)
    criteria += [answered(asked, found, terms.alpha, of) for asked, found in questions]
    requests = sum(sample.requests for sample in samples)
    return Judged(together(criteria), tuple(criteria), requests, seeds, _seeds_wanted(criteria, seeds))


def _run(day: Day, policy: Policy, seed: int) -> Tally:
    if day.devices > 1:
        return run_fleet(day.setting, policy, seed, day.devices, worth=day.baseline.worth)
    return run(day.setting, policy, seed, worth=day.baseline.worth)


def _objective(samples: Sequence[Sample], terms: Terms) -> Iterator[tuple[Asked, Sampled]]:
    measure = terms.objective
    if terms.goal is Goal.BETTER:
        about = f"{measure.name} falls"
        if len(samples) == 1:
            yield Asked(measure.name, samples[0].name, about, measure.unit, 0.0, True), samples[0].difference(measure)
            return
        asked = Asked(measure.name, "", f"{about} on the average of the scenarios", measure.unit, 0.0, True)
        yield asked, average(samples, measure)
    for sample in samples:
        yield _not_worse(sample, terms, measure.name)


def _guarded(sample: Sample, terms: Terms) -> Iterator[tuple[Asked, Sampled]]:
    for name in terms.margins:
        if name != terms.objective.name:
            yield _not_worse(sample, terms, name)
    for limit in terms.limits:
        about = f"{limit.measure.name} is at most {limit.most:g}"
        yield (
            Asked(limit.measure.name, sample.name, about, limit.measure.unit, limit.most),
            sample.amount(limit.measure),
        )


def _not_worse(sample: Sample, terms: Terms, name: str) -> tuple[Asked, Sampled]:
    measure, margin = MEASURES[name], terms.margins[name]
    bound = margin.by * sample.of_baseline(measure) if margin.relative else margin.by
    asked = Asked(name, sample.name, f"{name} rises by at most {margin}", measure.unit, bound)
    return asked, sample.difference(measure)


def _seeds_wanted(criteria: Sequence[Criterion], seeds: int) -> int | None:
    wanted: list[int] = []
    for criterion in criteria:
        if criterion.answer is Answer.INCONCLUSIVE:
            if criterion.wanted is None:
                return None
            wanted.append(math.ceil(seeds * criterion.wanted / max(1, criterion.requests)))
    most = max(wanted, default=None)
    return None if most is None or most > MOST_SEEDS else most
