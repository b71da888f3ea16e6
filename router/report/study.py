"""What a report is made of: a comparison, and what only a report wants to know of the same runs. Pure.

Each policy is run once more with a recorder, the bound is asked for its front, and the first policy is run with other
weights, for the sliders. All of it comes from the seed, and none of it from a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Final, TypeVar

from router.report.coverage import Covered, coverage
from router.report.outside import Around, around
from router.report.supports import SPENT, STEEPNESS, Line, bad, worth_of
from router.report.turning import Turned, turned
from router.report.weighting import MOST_REQUESTS, MOST_UNASKED, Dial, Weighted, dials, points
from router.rules.policy import Policy, Worth
from router.simulate.bound import least_possible
from router.simulate.comparison import Comparison
from router.simulate.driver import run, simulate
from router.simulate.recording import SLICES, Recorder, Recording
from router.simulate.spread import Spread, Watch, in_turn
from router.simulate.world import Setting
from router.values import value

if TYPE_CHECKING:  # what reads a scenario's document is not needed to look at one
    from router.simulate.scenario import Scenario

__all__ = ["MOST_POINTS", "Profile", "Study", "combinations", "examine", "fewer_than", "steps"]

T = TypeVar("T")
MOST_POINTS: Final = 81
"""Three stops of each weight."""
_MOST_SLICES: Final = 3 * SLICES
"""Of all policies together: what their lines take in the file is bounded by it."""
_LEAST_SLICES: Final = 240
_SHORTEST_SLICE_S: Final = 0.25
"""In less, a short scenario is mostly gaps."""
_MOST_GROUPS: Final = 6
_MOST_BOUND_REQUESTS: Final = 500_000
"""Looked through for the bound's lines in all: a minute or two."""


@value
class Profile:
    """What a policy did, beside its figures."""

    policy: Policy
    recording: Recording
    covered: Sequence[Covered]
    turned: Sequence[Turned]


@value
class Study:
    """All that the page is written from."""

    scenario: Scenario
    seed: int
    compared: Comparison
    profiles: Sequence[Profile]
    around: Around
    lines: Mapping[str, Sequence[Line]]
    """What is spent -> the lines that bound it."""
    dials: Sequence[Dial]
    weighted: Sequence[Weighted]
    """The first policy's, in the order of weighting.points; empty where none were asked for."""
    fewer_than: int | None = None
    """How many points there would be at the most, had the scenario fewer requests; None where none is left out."""


def steps(policies: Sequence[Policy], requests: int, most_points: int | None = None) -> int:
    """Return how many steps `examine` takes, of which it tells each when it begins. `requests`: of one run."""
    return len(policies) + len(_slopes(requests)) * len(SPENT) + 2 * combinations(policies[0], requests, most_points)


def combinations(policy: Policy, requests: int, most_points: int | None = None) -> int:
    """Return how many other weights are tried. `most_points` None: as many as nobody has to wait long for."""
    wanted = _points_wanted(requests, most_points)
    return prod(len(dial.stops) for dial in dials(policy.worth, wanted, {})) if wanted > 1 else 0


def fewer_than(requests: int, most_points: int | None = None) -> int | None:
    """Return how many other weights would be tried at the most, had the scenario fewer requests; None where none is
    left out."""
    most = MOST_POINTS if most_points is None else most_points
    return most if _points_wanted(requests, most_points) < most else None


def examine(
    scenario: Scenario,
    policies: Sequence[Policy],
    seed: int,
    compared: Comparison,
    *,
    most_points: int | None = None,
    watch: Watch,
    spread: Spread = in_turn,
) -> Study:
    """Find out what a report tells beyond `compared`, which is the same policies' in the same scenario and seed.

    `watch` is told the name of each step before it is waited for; `spread` may carry out several at a time. For
    `most_points` see `combinations`."""
    setting, first, requests = scenario.setting, policies[0], compared.static.requests
    slices = _slices(setting.duration_s, len(policies))
    exchange = _exchange(compared)
    asked = [(name, steepness * exchange[name]) for steepness in _slopes(requests) for name in SPENT]
    wanted = _points_wanted(requests, most_points)
    turned_by = dials(first.worth, wanted, {"joule": exchange["joules"], "dollar": exchange["usd"]})
    weightings = points(first.worth, turned_by) if wanted > 1 else ()

    def bound(worth: Worth) -> Callable[[], float]:
        return partial(least_possible, setting, replace(first, worth=worth), seed, beside=policies[1:])

    def gathered(called: Sequence[str], tasks: Sequence[Callable[[], T]]) -> list[T]:
        ran = spread(tasks)
        found = []
        for name in called:
            watch(name)
            found.append(next(ran))
        return found

    profiles = gathered(
        [f"{policy.name} over time" for policy in policies],
        [partial(_profile, setting, policy, seed, slices) for policy in policies],
    )
    bounds = gathered(
        [f"the bound on {SPENT[name].called}" for name, _ in asked],
        [bound(worth_of(name, slope)) for name, slope in asked],
    )
    named = [f"other weights, {number} of {len(weightings)}" for number in range(1, len(weightings) + 1)]
    otherwise = [replace(first, worth=weighting.worth) for weighting in weightings]
    ran = gathered(named, [partial(simulate, setting, policy, seed, worth=first.worth) for policy in otherwise])
    least = gathered([f"{name}: the bound" for name in named], [bound(policy.worth) for policy in otherwise])
    lines: dict[str, list[Line]] = {name: [] for name in SPENT}
    for (name, slope), found in zip(asked, bounds, strict=True):
        lines[name].append(Line(slope, found / max(1, requests)))
    weighted = [
        Weighted(weighting, outcomes, cost / max(1, requests))
        for weighting, outcomes, cost in zip(weightings, ran, least, strict=True)
    ]
    return Study(
        scenario,
        seed,
        compared,
        profiles,
        around(setting, slices),
        lines,
        turned_by if weighted else (),
        weighted,
        fewer_than(requests, most_points),
    )


def _profile(setting: Setting, policy: Policy, seed: int, slices: int) -> Profile:
    recorder = Recorder(setting, slices=slices)
    run(setting, policy, seed, recorder=recorder)
    recording = recorder.recording()
    groups = [turned(policy, group) for group in recording.groups[:_MOST_GROUPS]]
    return Profile(policy, recording, coverage(policy, recording), groups)


def _slices(duration_s: float, policies: int) -> int:
    most = min(SLICES, _MOST_SLICES // policies, int(duration_s / _SHORTEST_SLICE_S))
    return max(_LEAST_SLICES, most)


def _points_wanted(requests: int, most: int | None) -> int:
    if most is None:
        return min(MOST_POINTS, MOST_UNASKED // max(1, requests))
    return min(most, MOST_REQUESTS // max(1, requests))


def _slopes(requests: int) -> Sequence[float]:
    return STEEPNESS[: max(1, _MOST_BOUND_REQUESTS // (max(1, requests) * len(SPENT)))]


def _exchange(compared: Comparison) -> dict[str, float]:
    """Return how much of what is bad simple rules save for each unit that they spend: from where the one matters as
    much as the other."""
    simple = [*compared.baselines, *compared.thresholds]
    gained = _spread([bad(outcomes).value for outcomes in simple])
    exchange = {}
    for name, spent in SPENT.items():
        paid = _spread([spent.amount(outcomes) for outcomes in simple])
        exchange[name] = gained / paid if gained > 0 and paid > 0 else 1.0
    return exchange


def _spread(amounts: Sequence[float]) -> float:
    return max(amounts) - min(amounts)
