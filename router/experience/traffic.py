"""What the agent's own calls tell that a rule may speak of: paces, queues, and the silence of the radio. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from router.estimates import Throughput
from router.experience.known import Known
from router.signals import SIGNALS

__all__ = ["traffic"]

_MBIT_PER_BYTE = 8e-6


def traffic(known: Known, targets: Iterable[str], now: float) -> dict[str, float | None]:
    """Return values by the names of signals; None where it is long ago, or never was."""
    link = known.link_now
    used_at = known.radios.used_at(link)
    told: dict[str, float | None] = {"radio_idle_s": None if used_at is None else max(0.0, now - used_at)}
    for target in targets:
        path = known.paths.get((target, link))
        told[f"up_mbps.{target}"] = None if path is None else _mbps(path.up, "up_mbps", now)
        told[f"down_mbps.{target}"] = None if path is None else _mbps(path.down, "down_mbps", now)
        queues = [book.advice.queue_wait_s(now) for (name, _), book in list(known.books.items()) if name == target]
        waits_s = [queue_s for queue_s in queues if queue_s is not None]
        told[f"queue_ms.{target}"] = max(waits_s) * 1000 if waits_s else None
    return told


def _mbps(pace: Throughput, name: str, now: float) -> float | None:
    known = pace.seconds_per_byte
    if known is None or pace.age_s(now) > SIGNALS[name].stale_after_s:
        return None
    return _MBIT_PER_BYTE / known
