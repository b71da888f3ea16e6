"""How a space is looked through: each knob alone, what helped put together, small changes of the best, and then all
that is not needed taken back. Pure; a generator that asks for points and is sent what they came to.

All points of a round are asked for at once, and no round depends on how many are run side by side, so that one seed
gives one result. The method is a plain one: the first round tells which knobs do something here, and mutation with a
shrinking step follows ridges that one knob at a time does not see. What it finds on one stretch of traffic is partly
that stretch's luck: the last round gives up every change whose gain chance could explain, and what remains still has to
hold where nobody looked (heldout.py)."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from router.simulate.chance import Chance
from router.toml.edit import Value
from router.tune.aims import Blocks, Judge
from router.tune.space import Point, Space, at, does_something, key_of, place
from router.tune.table import Knob

__all__ = ["Asked", "Found", "Runs", "search"]

Runs = Sequence[Blocks] | None
"""A point's blocks in each part; None where it is no policy that could be put in force."""
Asked = Generator[list[Point], list[Runs], "Found"]

_WHERE: Final = (0.1, 0.5, 0.9)
"""Where each knob is tried alone, between the ends of its range."""
_TOO_NEAR: Final = 0.1
_SHARE_ALONE: Final = 0.6
"""Of all evaluations, what looking at each knob alone may take."""
_SHARE_BACK: Final = 0.2
"""What is left for taking back."""
_TOGETHER: Final = (2, 3, 4, 6, 8, 12)
_ROUND: Final = 8
_STEP, _SHRINKS, _LEAST_STEP = 0.25, 0.7, 0.02
_P_BESIDE, _P_BACK = 0.15, 0.1
_NO_POLICY: Final = (math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. `runs` and `start` are of the point and of the start, in each part; `idle` are knobs that
    change nothing here, wherever they stand; `evaluated` is how many points were run; `best_held` the least that any of
    them came to of each constraint in each part."""

    point: Point
    runs: Sequence[Blocks]
    start: Sequence[Blocks]
    idle: tuple[str, ...]
    evaluated: int
    best_held: tuple[float, ...]


def search(space: Space, judge: Judge, *, seed: int, evaluations: int) -> Asked:
    """Look for the point with the least rank, in so many evaluations. See Asked for what it yields and is sent."""
    return (yield from _Search(space, judge, seed, evaluations).run())


class _Search:
    def __init__(self, space: Space, judge: Judge, seed: int, evaluations: int) -> None:
        self._space = space
        self._judge = judge
        self._chance = Chance(seed, "tune")
        self._left = evaluations
        self._all = evaluations
        self._seen: dict[str, Runs] = {}
        self._points: list[Point] = []
        self._ranks: dict[str, tuple[float, float]] = {}
        self._best_held = [math.inf] * (len(judge.aim.constraints) * len(judge.parts))

    def run(self) -> Asked:
        start: Point = {}
        yield from self._ask([start])
        begun = self._seen[key_of(start)]
        assert begun is not None
        singles, idle = yield from self._each_alone(begun)
        best = yield from self._together(singles)
        active = self._space.without(idle)
        if active.knobs:
            best = yield from self._refined(best, active.knobs)
        best = yield from self._taken_back(best)
        runs = self._seen[key_of(best)]
        assert runs is not None
        return Found(best, runs, begun, idle, self._all - self._left, tuple(self._best_held))

    # -- rounds --------------------------------------------------------------------------------------------------------

    def _each_alone(
        self, begun: Sequence[Blocks]
    ) -> Generator[list[Point], list[Runs], tuple[list[Point], tuple[str, ...]]]:
        """Try each knob alone. Return the best point of each that is better than the start, the best first, and the
        knobs that do nothing."""
        tries = {knob.path: self._tries(knob) for knob in self._space.knobs}
        # The first try of every knob before the second of any: where evaluations run out, no knob goes unseen.
        ordered = [points[turn] for turn in range(len(_WHERE) + 2) for points in tries.values() if turn < len(points)]
        room = int(self._all * _SHARE_ALONE)
        yield from self._ask(ordered[:room])
        better: list[Point] = []
        idle: list[str] = []
        for path, points in tries.items():
            seen = [point for point in points if key_of(point) in self._seen]
            if seen and all(self._alike(point, begun) for point in seen):
                idle.append(path)
            best = min(seen, key=self._rank, default=None)
            if best is not None and self._rank(best) < self._rank({}):
                better.append(best)
        return sorted(better, key=self._rank), tuple(idle)

    def _together(self, singles: Sequence[Point]) -> Generator[list[Point], list[Runs], Point]:
        """Put the best changes together, the first few of them, and more."""
        points = [self._space.point(_merged(singles[:count])) for count in _TOGETHER if count <= len(singles)]
        points.append(self._space.point(_merged(singles)))
        yield from self._ask(points)
        return self._best()

    def _refined(self, best: Point, knobs: Sequence[Knob]) -> Generator[list[Point], list[Runs], Point]:
        step, reserve = _STEP, int(self._all * _SHARE_BACK)
        while self._left > reserve and step > _LEAST_STEP:
            proposed = [self._mutated(best, knobs, step) for _ in range(min(_ROUND, self._left - reserve))]
            yield from self._ask(proposed)
            found = self._best()
            if self._rank(found) < self._rank(best):
                best = found
            else:
                step *= _SHRINKS
        return best

    def _taken_back(self, best: Point) -> Generator[list[Point], list[Runs], Point]:
        """Give up every change that can be spared: without it no constraint is nearer to being broken, and chance could
        explain the whole difference to the best."""
        whole = self._seen[key_of(best)]
        assert whole is not None
        yield from self._ask([self._space.back(best, path) for path in best])
        by_worth = sorted(best, key=lambda path: self._rank(self._space.back(best, path)))
        for path in by_worth:
            fewer = self._space.back(best, path)
            if path in best and (yield from self._spares(fewer, best, whole)):
                best = fewer
        return best

    def _spares(self, fewer: Point, best: Point, whole: Sequence[Blocks]) -> Generator[list[Point], list[Runs], bool]:
        yield from self._ask([fewer])
        runs = self._seen.get(key_of(fewer))
        if runs is None or self._rank(fewer)[0] > self._rank(best)[0]:
            return False
        return self._judge.difference(runs, whole).low <= 0

    # -- points --------------------------------------------------------------------------------------------------------

    def _tries(self, knob: Knob) -> list[Point]:
        start: Point = {}
        now = self._space.now[knob.path]
        values: list[Value] = list(knob.options)
        if not values:
            here = place(knob, now)
            numbers = [at(knob, where) for where in _WHERE if here is None or abs(where - here) > _TOO_NEAR]
            values = [*knob.besides, *numbers]
        with_needs = {knob.needs: self._needed(knob.needs)} if knob.needs else {}
        points = [self._space.point({**with_needs, knob.path: value}) for value in values if value != now]
        return [point for point in points if point != start and knob.path in point]

    def _needed(self, path: str) -> Value:
        """Return a value of a knob at which those that need it do something."""
        now = self._space.now[path]
        if does_something(now):
            assert now is not None
            return now
        return True if isinstance(now, bool) else 0.5

    def _mutated(self, best: Point, knobs: Sequence[Knob], step: float) -> Point:
        changed = dict(best)
        for _ in range(1 + int(self._chance.uniform() * 3)):
            knob = knobs[int(self._chance.uniform() * len(knobs))]
            drawn = self._chance.uniform()
            if knob.path in changed and drawn < _P_BACK:
                del changed[knob.path]
                continue
            changed[knob.path] = self._moved(knob, self._space.value(changed, knob), step, drawn)
        return self._space.point(changed)

    def _moved(self, knob: Knob, value: Value | None, step: float, drawn: float) -> Value:
        others = [other for other in (knob.options or knob.besides) if other != value]
        if knob.options or (others and drawn > 1 - _P_BESIDE):
            return others[int(self._chance.uniform() * len(others))]
        here = place(knob, value)
        return at(knob, self._chance.uniform() if here is None else here + step * self._chance.normal())

    # -- what was seen -------------------------------------------------------------------------------------------------

    def _ask(self, points: Iterable[Point]) -> Generator[list[Point], list[Runs], None]:
        """Have those points run that were not yet, as far as evaluations are left."""
        fresh = {key_of(point): point for point in points}
        asked = [point for key, point in fresh.items() if key not in self._seen][: self._left]
        if not asked:
            return
        self._left -= len(asked)
        for point, runs in zip(asked, (yield asked), strict=True):
            key = key_of(point)
            self._seen[key] = runs
            self._points.append(point)
            self._ranks[key] = _NO_POLICY if runs is None else self._judge.rank(runs)
            if runs is not None:
                held = [figure.value for _, _, figure in self._judge.held(runs)]
                self._best_held = list(map(min, self._best_held, held))

    def _rank(self, point: Point) -> tuple[float, float]:
        return self._ranks.get(key_of(point), _NO_POLICY)

    def _best(self) -> Point:
        """Return the best point seen; of equal ones the one that changes least, and then the first."""
        return min(self._points, key=lambda point: (*self._rank(point), len(point)))

    def _alike(self, point: Point, begun: Sequence[Blocks]) -> bool:
        runs = self._seen[key_of(point)]
        if runs is None:
            return False
        return all(_sums(one) == _sums(other) for one, other in zip(runs, begun, strict=True))


def _merged(points: Sequence[Point]) -> dict[str, Value]:
    """Return what all these points change; the first one counts where two change the same."""
    merged: dict[str, Value] = {}
    for point in points:
        for path, value in point.items():
            merged.setdefault(path, value)
    return merged


def _sums(blocks: Blocks) -> list[tuple[float, ...]]:
    return [(block.cost, block.seconds, block.joules, block.usd, block.up_bytes, block.wrong) for block in blocks]
