"""Whether a condition can hold at all, and whether one holds wherever another does. Pure.

A condition is spread out into alternatives, each a box: what it leaves of every fact that it speaks of. It holds where
all of these are known and in one of the boxes, and nowhere else: so it is in three-valued logic, too. Where there would
be too many alternatives the answer is "may be": nothing is called impossible that was not shown to be."""

from __future__ import annotations

from typing import Final

from router.lint.rooms import Box, Room, Universe, meet, narrowed
from router.rules.predicates import AllOf, AnyOf, Compare, Not, Predicate

__all__ = ["always", "boxes_of", "never"]

MAX_ALTERNATIVES: Final = 512
# Bounds what one condition may cost: a policy may have a thousand of the largest.
MAX_STEPS: Final = 8192


class _TooMany(Exception):
    """More than MAX_ALTERNATIVES, or MAX_STEPS."""


def never(condition: Predicate, universe: Universe) -> bool:
    """Tell whether no values of the facts let it hold."""
    return boxes_of(condition, universe) == []


def always(condition: Predicate, universe: Universe) -> bool:
    """Tell whether it holds whatever the facts are, once they are known."""
    return never(Not(condition), universe)


def boxes_of(condition: Predicate, universe: Universe) -> list[Box] | None:
    """Return the alternatives in which the condition holds: none where it never does; None where they are too many."""
    try:
        return _Spread(universe).boxes(condition, opposite=False)
    except _TooMany:
        return None


class _Spread:
    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._steps = 0

    def boxes(self, condition: Predicate, *, opposite: bool) -> list[Box]:
        if isinstance(condition, Not):
            return self.boxes(condition.part, opposite=not opposite)
        if isinstance(condition, Compare):
            self._step(1)
            room = narrowed(self._universe.room(condition.name), condition, no=opposite)
            return [] if room.empty else [{condition.name: room}]
        assert isinstance(condition, AllOf | AnyOf)
        # The opposite of "all of these" is "any of the opposites", and the other way round.
        if isinstance(condition, AllOf) is opposite:
            found: list[Box] = []
            for part in condition.parts:
                found += self.boxes(part, opposite=opposite)
                self._bound(len(found))
            return _joined(found)
        all_of: list[Box] = [{}]
        for part in condition.parts:
            alternatives = self.boxes(part, opposite=opposite)
            self._bound(len(all_of) * len(alternatives))
            self._step(len(all_of) * len(alternatives))
            met = (meet(one, other) for one in all_of for other in alternatives)
            all_of = [box for box in met if box is not None]
        return all_of

    def _bound(self, alternatives: int) -> None:
        if alternatives > MAX_ALTERNATIVES:
            raise _TooMany

    def _step(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise _TooMany


def _joined(boxes: list[Box]) -> list[Box]:
    """Make one box of those that only say which values of the same fact will do."""
    values: dict[str, Room] = {}
    others: list[Box] = []
    for box in boxes:
        name, room = next(iter(box.items())) if len(box) == 1 else ("", None)
        if room is None or room.of is None:
            others.append(box)
        else:
            before = values.get(name)
            values[name] = room if before is None or before.of is None else Room(of=before.of | room.of)
    return [*others, *({name: room} for name, room in values.items())]
