"""Ratios of one model on one target, told apart by what makes them different. Pure.

The kind of link, the silence before the call, and whether the round trip was measured by itself: a cell for each. One
that has few samples asks the nearest that has some, so that the first call after an hour is not judged by nothing.

A cell's ratios stand on a wake-up time. Where more has been learnt of that, they are read anew: the wake-up and the
ratio must not both count what the radio took."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from router.choosing.predict import after_queue
from router.estimates import MOST_SILENCES, EstimateSettings, Ratios, Recency
from router.estimates.ratios import FEW
from router.types import TimeEstimate

__all__ = ["Awake", "Cell", "Cells", "Key"]

Key = tuple[bool, str, int]
"""Whether the round trip was measured by itself, the kind of link, and the silence's index: see estimates.silence."""

Awake = tuple[int, float] | None
"""A silence's index and a ratio, or nothing: see Cells.awake."""

_NOT_LOOKED_AT: Final = TimeEstimate((0.0, 0.0, 0.0, 0.0, 0.0), 0)
# Below this a change of the wake-up is not worth reading anything anew.
_WORTH: Final = 0.01
# Of calls to one target over one network nineteen of twenty take less than so many times what one of them took: the
# prior tells how networks differ, and that is much more.
_CALLS_VARY: Final = 3.0
_BY_NEARNESS: Final = tuple(
    (*range(index - 1, -1, -1), *range(index + 1, MOST_SILENCES)) for index in range(MOST_SILENCES)
)
"""For each silence the others: shorter ones first, the nearest of them first, because radios that have not slept for as
long do not take longer."""


class Cell:
    """One of them."""

    __slots__ = ("_kept", "_settings", "base_s", "blind", "ratios", "recency", "wake_s")

    def __init__(self, settings: EstimateSettings, wake_s: float) -> None:
        self._settings = settings
        self.ratios = Ratios(settings)
        self.recency = Recency()
        self.wake_s = wake_s
        """The wake-up time on which the ratios stand."""
        self.base_s = 0.0
        """What the last call was predicted to take without it."""
        self.blind = False
        """Whether that was with nothing known of the round trip."""
        self._kept: tuple[float, TimeEstimate] | None = None

    def predicted_s(self, base_s: float, wake_s: float, blind: bool) -> float:
        """Return what to multiply the ratios with, for a call that is predicted to take `base_s` and a wake-up.

        What was a ratio to a guess is none to a round trip that is known, nor the other way: then the times that were
        seen hold."""
        if self.blind is blind:
            return base_s + wake_s
        return (base_s + wake_s) * (self.base_s + self.wake_s) / (base_s + self.wake_s)

    def observe(self, taken_s: float, base_s: float, wake_s: float, blind: bool) -> bool:
        """See Cells.observe."""
        stood_on = self.wake_s, self.blind
        if self.blind is not blind and self.ratios.samples:
            self.ratios.rescale((self.base_s + self.wake_s) / (base_s + self.wake_s))
        before_s, after_s = base_s + self.wake_s, base_s + wake_s
        if abs(after_s - before_s) > _WORTH * before_s:
            self.ratios.rescale(before_s / after_s)
            self.wake_s = wake_s
        changed = self.ratios.observe(taken_s, base_s + self.wake_s) or stood_on != (self.wake_s, blind)
        self.base_s, self.blind = base_s, blind
        if changed:
            self._kept = None
        return changed

    def told(self, predicted_s: float) -> TimeEstimate:
        """Return what the ratios make of a prediction. Wants a few samples."""
        kept = self._kept
        if kept is None or kept[0] != predicted_s:
            kept = self._kept = predicted_s, self.ratios.estimate(predicted_s, _NOT_LOOKED_AT)
        return kept[1]

    def merge(self, weights: Mapping[int, float], samples: int, base_s: float, wake_s: float, blind: bool) -> None:
        """Count what another one knows: both are read as ratios to predictions with the longer of the two wake-ups."""
        if self.ratios.samples and blind != self.blind:
            if blind:
                return  # what is known says more
            self.ratios.forget()
        longer_s = max(self.wake_s, wake_s) if self.ratios.samples else wake_s
        other = Ratios(self._settings)
        other.merge(weights, samples)
        other.rescale((base_s + wake_s) / (base_s + longer_s))
        if self.ratios.samples:
            self.ratios.rescale((self.base_s + self.wake_s) / (self.base_s + longer_s))
        self.ratios.merge(other.weights(), other.samples)
        self.wake_s, self.base_s, self.blind = longer_s, max(self.base_s, base_s), blind
        self._kept = None


class Cells:
    """See the module. Bounded: there are few links and few silences."""

    __slots__ = ("_cells", "_nearest_to", "_settings", "_shape", "version")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self._cells: dict[Key, Cell] = {}
        self._nearest_to: dict[Key, tuple[int, Cell | None]] = {}
        self._shape = 0
        """Rises while any cell has few samples: only then may another become the nearest."""
        self.version = 0
        """Rises with everything that may change an estimate."""

    def look(self, key: Key, now: float) -> bool:
        """Look at what is known for a request that may not be sent: see Recency.look. A target that is asked after
        other silences is not forgotten, and yet what was learnt after this one may be over."""
        cell = self._cells.get(key)
        if cell is None or not cell.recency.look(now, self._settings.forget_after_s):
            return False
        self._shape += 1
        self.version += 1
        return True

    def asked(self, key: Key) -> None:
        """A call is under way."""
        cell = self._cells.get(key)
        if cell is not None:
            cell.recency.asked()

    def changes_at(self, key: Key, now: float) -> float:
        """Return when time alone changes what is known."""
        cell = self._cells.get(key)
        return math.inf if cell is None else cell.recency.changes_at(now, self._settings.forget_after_s)

    def observe(self, key: Key, taken_s: float, base_s: float, wake_s: float, blind: bool, now: float) -> bool:
        """Learn that a call took `taken_s`, which was predicted to take `base_s` and the wake-up; `blind`, with nothing
        known of the round trip. Returns whether estimates have changed."""
        cell = self.cell(key, wake_s)
        if cell.recency.seen(now):
            cell.ratios.forget()
        few = cell.ratios.samples < FEW
        if few:
            self._shape += 1
        if cell.observe(taken_s, base_s, wake_s, blind) or few:
            self.version += 1
            return True
        return False

    def cell(self, key: Key, wake_s: float) -> Cell:
        """Return a cell, made if need be."""
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell(self._settings, wake_s)
        return cell

    def merge(
        self,
        key: Key,
        weights: Mapping[int, float],
        samples: int,
        base_s: float,
        wake_s: float,
        blind: bool,
        seen_at: float,
    ) -> None:
        """Count in a cell what another one knows, which has last seen something at `seen_at`."""
        cell = self.cell(key, wake_s)
        cell.merge(weights, samples, base_s, wake_s, blind)
        cell.recency.restore(seen_at)
        self._shape += 1
        self.version += 1

    def estimate(
        self, key: Key, base_s: float, wake_s: float, blind: bool, prior: Callable[[], TimeEstimate]
    ) -> TimeEstimate:
        """Return the estimate for a call that is predicted to take `base_s` and the wake-up; `blind`, with nothing
        known of the round trip.

        `prior` is what is believed where nothing was learnt; it follows from the prediction."""
        own, nearest = self._of(key), None
        if own is None or own.ratios.samples < FEW:
            nearest = self._nearest(key)
            if nearest is None and own is None:
                return prior()
        if own is not None and own.ratios.samples >= FEW:
            return own.told(own.predicted_s(base_s, own.wake_s, blind))
        if nearest is None:
            time = prior()
        else:
            # What the radio takes longer to wake than it did there is no ratio's to multiply.
            longer_s = max(0.0, wake_s - nearest.wake_s)
            predicted_s = nearest.predicted_s(base_s, wake_s - longer_s, blind)
            if nearest.ratios.samples >= FEW:
                time = after_queue(nearest.told(predicted_s), longer_s)
            else:
                time = after_queue(nearest.ratios.estimate(predicted_s, prior(), _CALLS_VARY), longer_s)
        varies = _CALLS_VARY if nearest is None else None
        if own is None:
            return time
        return own.ratios.estimate(own.predicted_s(base_s, own.wake_s, blind), time, varies)

    def awake(self, measured: bool, kind: str, silences: int) -> Awake:
        """Return the shortest silence after which there was a call, and the usual ratio of those; of the first
        `silences`, after which a radio is believed awake, and None before there was such a call."""
        for silence in range(silences):
            cell = self._of((measured, kind, silence))
            if cell is not None and cell.ratios.samples:
                return silence, cell.ratios.median
        return None

    def forget(self) -> None:
        """Begin anew."""
        self._cells.clear()
        self._nearest_to.clear()
        self.version += 1

    def items(self) -> Iterator[tuple[Key, Cell]]:
        """Yield every cell of which something is known."""
        return ((key, cell) for key, cell in self._cells.items() if cell.ratios.samples and not cell.recency.forgotten)

    def _of(self, key: Key) -> Cell | None:
        """Return what is known, unless it is forgotten."""
        cell = self._cells.get(key)
        return None if cell is None or cell.recency.forgotten else cell

    def _nearest(self, key: Key) -> Cell | None:
        """Return the cell most like another, of those that have a few samples, or else of those that have any."""
        kept = self._nearest_to.get(key)
        if kept is None or kept[0] != self._shape:
            kept = self._nearest_to[key] = self._shape, self._look_around(key)
        return kept[1]

    def _look_around(self, key: Key) -> Cell | None:
        measured, kind, index = key
        found = None
        for silence in _BY_NEARNESS[index]:
            cell = self._of((measured, kind, silence))
            if cell is not None and (samples := cell.ratios.samples):
                if samples >= FEW:
                    return cell
                found = found or cell
        if found is not None or len(self._cells) <= (key in self._cells):
            return found
        # Another link, or another way to know the round trip: the service is the same, and its ratio awake tells.
        others = [
            (other, cell)
            for other, cell in self._cells.items()
            if other != key and cell.ratios.samples and not cell.recency.forgotten
        ]
        likeness = min(others, key=lambda item: (item[0][2], item[0][0] != measured, item[0][1]), default=None)
        return None if likeness is None else likeness[1]
