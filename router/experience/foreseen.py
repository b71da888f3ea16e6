"""What a remote target would take after each silence of the radio, worked out once for as long as it holds. Pure."""

from __future__ import annotations

from router.choosing.predict import after_queue
from router.estimates import Wakes
from router.experience.book import Book
from router.experience.known import Known
from router.experience.way import Way
from router.types import TimeAfter, TimeEstimate, WakeAfter
from router.values import value

__all__ = ["Foreseen"]


@value
class _Times:
    """Times without a queue, after each silence that was asked for, and what they hold for."""

    way: Way
    version: int
    wakes: tuple[WakeAfter, ...]
    forgotten: bool
    by_silence: dict[int, TimeEstimate]


class Foreseen:
    """See the module. One agent's; whoever owns it keeps callers apart."""

    __slots__ = ("_known", "_times")

    def __init__(self, known: Known) -> None:
        self._known = known
        self._times: dict[tuple[str, str], _Times] = {}

    def times(
        self, target: str, model: str, book: Book, way: Way, silence: int, queue_s: float | None
    ) -> tuple[TimeEstimate, tuple[TimeAfter, ...]]:
        """Return the time that a target would take, and what it would take after every silence that makes a
        difference."""
        radios, link, forgotten = self._known.radios, way.link, book.recency.forgotten
        wakes = radios.wakes(link)
        times = self._times.get((target, model))
        if (
            times is None
            or times.way is not way
            or times.version != book.cells.version
            or times.wakes is not wakes.after
            or times.forgotten is not forgotten
        ):
            times = self._times[target, model] = _Times(way, book.cells.version, wakes.after, forgotten, {})
        by_silence = times.by_silence
        after: TimeEstimate | None
        found: list[TimeAfter] = []
        if radios.sleeps(link) and wakes.after:
            before: TimeEstimate | None = None
            for index, idle_s in enumerate(wakes.silences_s):
                after = by_silence.get(index)
                if after is None:
                    after = by_silence[index] = _time_after(book, way, wakes, index)
                if after is not before and after != before:
                    found.append(TimeAfter(idle_s, after_queue(after, queue_s)))
                    before = after
        after = by_silence.get(silence)
        if after is None:
            after = by_silence[silence] = _time_after(book, way, wakes, silence)
        return after_queue(after, queue_s), tuple(found)


def _time_after(book: Book, way: Way, wakes: Wakes, silence: int) -> TimeEstimate:
    if book.recency.forgotten:
        return way.prior(wakes, silence)
    key = (way.measured, way.link, silence)
    return book.cells.estimate(key, way.base_s, wakes.medians_s[silence], way.blind, lambda: way.prior(wakes, silence))
