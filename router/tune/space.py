"""Which knobs there are for one policy, where they stand, and what can be done with them. Pure.

A point is what differs from the start: path -> value. What equals the start is left out, so that equal policies are
equal points."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from router.document import PolicyDocument
from router.errors import TuneError
from router.naming import did_you_mean, shown
from router.toml.edit import Value
from router.tune.table import KNOBS, NEVER, Knob

__all__ = ["Point", "Space", "at", "does_something", "key_of", "named", "place", "space_of"]

Point = Mapping[str, Value]
# A number that two digits tell apart is read by people, and no simulation of a day tells more.
_DIGITS: Final = 2


def key_of(point: Point) -> str:
    """Return what tells points apart, in any order of their keys."""
    return json.dumps(dict(sorted(point.items())))


@dataclass(frozen=True, slots=True)
class Space:
    """`now` is what the start has of each knob; None where it stands in a table that the start does not have."""

    knobs: tuple[Knob, ...]
    now: Mapping[str, Value | None]

    def point(self, changes: Mapping[str, Value]) -> Point:
        """Return these changes without those that change nothing."""
        left = {path: value for path, value in changes.items() if not _same(self.now[path], value)}
        for knob in KNOBS:
            if knob.path in left and knob.needs and not does_something(left.get(knob.needs, self.now[knob.needs])):
                del left[knob.path]
        return left

    def value(self, point: Point, knob: Knob) -> Value | None:
        """Return where a knob stands at `point`."""
        return point.get(knob.path, self.now[knob.path])

    def back(self, point: Point, path: str) -> Point:
        """Return `point` with one knob where the start has it."""
        return self.point({other: value for other, value in point.items() if other != path})

    def without(self, idle: Sequence[str]) -> Space:
        """Return the space without some of its knobs."""
        return replace(self, knobs=tuple(knob for knob in self.knobs if knob.path not in idle))


def does_something(value: Value | None) -> bool:
    """Tell whether a knob that others need stands where they count: at a number, or on."""
    return value is not None and value is not False and not isinstance(value, str)


def _same(now: Value | None, value: Value) -> bool:
    # Nothing of what stands in a table that is not there is the same as no table.
    return value == now or (now is None and value == 0.0 and not isinstance(value, bool))


def place(knob: Knob, value: Value | None) -> float | None:
    """Return where between the ends of its range a number lies, 0 to 1; None for what is none of them."""
    if knob.options or value is None or isinstance(value, str | bool) or value in knob.besides:
        return None
    if knob.high <= knob.low:
        return 0.0
    if knob.scale == "linear":
        found = (value - knob.low) / (knob.high - knob.low)
    else:
        found = math.log(value / knob.low) / math.log(knob.high / knob.low) if value > 0 else 0.0
    return min(1.0, max(0.0, found))


def at(knob: Knob, where: float) -> Value:
    """Return the number that lies at `where` in its range, as people would write it."""
    where = min(1.0, max(0.0, where))
    if knob.scale == "linear":
        exact = knob.low + where * (knob.high - knob.low)
    else:
        exact = knob.low * (knob.high / knob.low) ** where
    rounded = float(f"{exact:.{_DIGITS}g}")
    kept = min(knob.high, max(knob.low, rounded))
    return round(kept) if knob.whole else float(kept)


def space_of(document: PolicyDocument, only: Sequence[str] = ()) -> Space:
    """Return the knobs of a policy; with `only`, those of these tables, or of these names.

    Raises TuneError: for a name that nothing is called by, or that is never tuned."""
    now: dict[str, Value | None] = {}
    knobs: list[Knob] = []
    for knob in KNOBS:
        there, value = _read(document, knob.path)
        if not there and knob.path.startswith("budgets."):
            continue  # what may be spent is the author's to say
        fitted = _fitted(knob, value, document)
        now[knob.path] = value
        if not only or any(_names(name, knob.path) for name in only):
            knobs.append(fitted)
    for name in only:
        if not any(_names(name, knob.path) for knob in knobs):
            raise TuneError(f"the start has no {name} to tune, and what may be spent is its author's to say")
    return Space(tuple(knobs), now)


def named(name: str) -> str:
    """Return `name`, if some knob or table of knobs is called so. Raises TuneError."""
    if any(_names(name, knob.path) for knob in KNOBS):
        return name
    for never, why in NEVER.items():
        if _names(never, name):
            raise TuneError(f"{name} is never tuned: {why}")
    paths = [knob.path for knob in KNOBS]
    tables = {path[:end] for path in paths for end in range(1, len(path) + 1) if path[end : end + 1] in (".", "")}
    raise TuneError(f'there is no knob "{shown(name)}"{did_you_mean(name, tables)}')


def _names(name: str, path: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def _read(document: PolicyDocument, path: str) -> tuple[bool, Value | None]:
    """Return whether the table of a field is there, and what the field says."""
    here: Any = document  # Any: a part of a document, or a value
    *tables, field = path.split(".")
    for table in tables:
        here = getattr(here, table)
        if here is None:
            return False, None
    value: Value | None = getattr(here, field)
    return True, value


def _fitted(knob: Knob, now: Value | None, document: PolicyDocument) -> Knob:
    """Return the knob with the range that this policy gives it."""
    if knob.options:
        return knob
    low, high = knob.low, knob.high
    if knob.only_down:
        assert isinstance(now, int | float)
        return replace(knob, low=low * now, high=high * now)
    if knob.per:
        _, by = _read(document, knob.per)
        assert isinstance(by, int | float)
        low, high = low / by, high / by
    if isinstance(now, int | float) and not isinstance(now, bool) and now not in knob.besides and now > 0:
        low, high = min(low, now), max(high, now)
    return replace(knob, low=low, high=high)
