"""Searches without a simulator: what a point comes to is a formula, and blocks are made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence

from router.document import PolicyDocument
from router.simulate.chance import Chance
from router.simulate.limits import limit_of, measure_of
from router.simulate.tally import Block
from router.toml.edit import Value
from router.tune.aims import Aim, Judge
from router.tune.search import Found, Runs, search
from router.tune.space import Point, Space, key_of, place, space_of

__all__ = ["START", "Formula", "a_judge", "a_space", "blocks", "look", "value", "where"]

START = 'schema = 1\nname = "s"\nversion = 1\n'
Formula = Callable[[Point], tuple[float, float] | None]
"""Point -> what a request costs, and the share that is late; None where it is no policy."""
BLOCKS = 32


def a_space(body: str = "", only: Sequence[str] = ()) -> Space:
    return space_of(PolicyDocument.model_validate(tomllib.loads(START + body)), only)


def a_judge(*limits: str, objective: str = "cost", parts: Sequence[str] = ("day",)) -> Judge:
    return Judge(Aim(measure_of(objective), tuple(map(limit_of, limits))), parts, 1)


def blocks(cost: float, late: float = 0.0, *, luck: float = 0.0, seed: int = 1, own: str = "") -> list[Block]:
    """Blocks of a hundred requests; `luck` is by how much they differ, the same for all policies of one seed, or for
    one policy of its own."""
    chance = Chance(seed, f"luck{own}")
    made = []
    for _ in range(BLOCKS):
        block = Block()
        block.requests = 100
        block.cost = 100 * (cost + luck * chance.normal())
        block.missed = round(100 * late)
        block.times.update({0: 100})
        made.append(block)
    return made


def where(space: Space, point: Point, path: str) -> float:
    """Where a knob stands in its range, 0 to 1; at nothing it stands below it."""
    knob = next(knob for knob in space.knobs if knob.path == path)
    found = place(knob, space.value(point, knob))
    return 0.0 if found is None else found


def look(
    space: Space, judge: Judge, formula: Formula, *, seed: int = 1, evaluations: int = 200, luck: float = 0.02
) -> tuple[Found, list[Point]]:
    """Search, and return what was found and all that was asked for."""
    asked: list[Point] = []

    def runs(point: Point) -> Runs:
        found = formula(point)
        return None if found is None else [blocks(*found, luck=luck) for _ in judge.parts]

    asking = search(space, judge, seed=seed, evaluations=evaluations)
    points = next(asking)
    while True:
        asked += points
        try:
            points = asking.send([runs(point) for point in points])
        except StopIteration as ended:
            assert len({key_of(point) for point in asked}) == len(asked), "asked twice"
            return ended.value, asked


def value(space: Space, point: Point, path: str) -> Value | None:
    return space.value(point, next(knob for knob in space.knobs if knob.path == path))
