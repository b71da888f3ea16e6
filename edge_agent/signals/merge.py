"""Which of several readings of one signal counts. Pure.

What was measured goes before what the app claims, for as long as it is known and fresh; a claim fills in where nothing
is. Of two sensors the later one in order wins, also when it knows nothing; of two claims the earlier one does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from router.types import Reading

__all__ = ["merge"]


def merge(
    measured: Iterable[Mapping[str, Reading]],
    claimed: Iterable[Mapping[str, Reading]],
    now: float,
    stale_after_s: Callable[[str], float],
) -> dict[str, Reading]:
    """Return the reading that counts, by signal."""
    merged: dict[str, Reading] = {}
    for readings in measured:
        merged.update(readings)
    for readings in claimed:
        for name, claim in readings.items():
            shown = merged.get(name)
            if shown is None or (_counts(claim, now, stale_after_s) and not _counts(shown, now, stale_after_s)):
                merged[name] = claim
    return merged


def _counts(reading: Reading, now: float, stale_after_s: Callable[[str], float]) -> bool:
    return reading.value is not None and now - reading.at <= stale_after_s(reading.name)
