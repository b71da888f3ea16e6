"""What the records themselves say of policies that looked on when they were made: counted, for a page and for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from router.naming import shown
from router.telling.record import Record

__all__ = ["Shadows"]

_MOST: Final = 32
"""Policies that looked on, and turns of each, that are told apart: a log is a stranger's word."""


class Shadows:
    """One count for each policy that looked on."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, int, str], Counter[tuple[str, str, str | None]]] = {}

    def add(self, record: Record) -> None:
        """Count a record, if anybody looked on."""
        shadow = record.shadow
        if shadow is None:
            return
        who = (shown(shadow.policy_name), shadow.policy_version, shadow.policy_digest)
        if who not in self._counted and len(self._counted) >= _MOST:
            return
        turns = self._counted.setdefault(who, Counter())
        turn: tuple[str, str, str | None] = (shown(record.decision.choice), shown(shadow.choice), shadow.why)
        if turn not in turns and len(turns) >= _MOST:
            # Whether they agree is told of all.
            turn = ("other", "other", None if shadow.why is None else "other")
        turns[turn] += 1

    def lines(self) -> Iterator[str]:
        """Yield what a terminal shows; nothing where nobody looked on."""
        for (name, version, _), turns in self._counted.items():
            others = [(turn, number) for turn, number in turns.most_common() if turn[2] is not None]
            differ = sum(number for _, number in others)
            yield ""
            told = f"it would have done otherwise in {differ:,} of {turns.total():,}"
            yield f"policy {name} version {version} looked on: {told}"
            yield from (f"{number:8,}  {acted} -> {shadow} ({why})" for (acted, shadow, why), number in others)

    def as_values(self) -> list[dict[str, Any]]:  # Any: JSON
        """Return the same for a document."""
        return [
            {
                "policy": name,
                "version": version,
                "policy_digest": digest,
                "records": turns.total(),
                "differences": [
                    {"from": acted, "to": shadow, "why": why, "count": number}
                    for (acted, shadow, why), number in turns.most_common()
                    if why is not None
                ],
            }
            for (name, version, digest), turns in self._counted.items()
        ]
