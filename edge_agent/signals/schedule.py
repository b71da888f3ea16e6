"""When a source is to be read. Pure: the sampler owns the clock and the waiting.

Never twice within one interval, and never without a demand where the source waits for one."""

from __future__ import annotations

__all__ = ["is_due", "pause_s"]


def is_due(now: float, interval_s: float, last_at: float, wanted_at: float | None) -> bool:
    """Tell whether to read at `now`. `last_at` is minus infinity before the first reading.

    `wanted_at` None: no demand is needed."""
    return now >= last_at + interval_s and (wanted_at is None or wanted_at > last_at)


def pause_s(now: float, interval_s: float, last_at: float, wanted_at: float | None) -> float:
    """Return how long to wait before asking `is_due` again.

    A demand wakes nobody, because setting it must stay cheap: a source that waits for one is looked at every
    interval."""
    if is_due(now, interval_s, last_at, wanted_at):
        return 0.0
    left_s = last_at + interval_s - now
    return left_s if left_s > 0 else interval_s
