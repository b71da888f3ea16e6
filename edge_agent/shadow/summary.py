"""What came of looking on, counted: values that an app may read, and the counts behind them. No clock, no lock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Final

from edge_agent.policies import PolicyStatus
from router.choosing.engine import Decision
from router.choosing.objective import Expectation
from router.telling.shadow import ShadowChoice

__all__ = ["ShadowCounts", "ShadowDifference", "ShadowSummary"]


@dataclass(frozen=True, slots=True)
class ShadowDifference:
    """So many requests for which `acted` was done, and `shadow` would have been; `why` is what the two part at."""

    acted: str
    shadow: str
    why: str
    requests: int


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """What a policy that only looks on has made of the requests since it, or the one in force, was last replaced.

    `policy` is None where there was no good text yet, and `problem` says what is wrong with the file. Requests that
    were `dropped` came faster than they could be looked at; of those that `failed` nearfar's own fault is in the log.

    `acted` and `shadow` are what the two policies expected of a request, in the mean over the `weighed` ones for which
    both weighed plans; None where there were none. What a policy expects is no measurement."""

    policy: PolicyStatus | None
    problem: str | None
    blind_spots: tuple[str, ...]
    """Parts of it that count for less than they would if it acted, in words."""
    compared: int = 0
    agreed: int = 0
    differences: tuple[ShadowDifference, ...] = ()
    """The most frequent first."""
    dropped: int = 0
    failed: int = 0
    weighed: int = 0
    acted: Expectation | None = None
    shadow: Expectation | None = None


class ShadowCounts:
    """Of one policy in force and one that looks on. Used by one thread at a time."""

    def __init__(self, acting_digest: str, shadow_digest: str) -> None:
        self.pair = (acting_digest, shadow_digest)
        self.dropped = 0
        self.failed = 0
        self._compared: Counter[tuple[str, str, str | None]] = Counter()
        self._weighed = 0
        self._acted = [0.0] * len(_AMOUNTS)
        self._shadow = [0.0] * len(_AMOUNTS)

    def count(self, acted: Decision, decided: Decision, choice: ShadowChoice) -> None:
        """Count one request that both decided."""
        self._compared[acted.choice, choice.choice, choice.why] += 1
        if acted.candidates and decided.candidates:
            self._weighed += 1
            _add(self._acted, acted.candidates[0].expected)
            _add(self._shadow, decided.candidates[0].expected)

    def summary(self, policy: PolicyStatus | None, problem: str | None, blind_spots: tuple[str, ...]) -> ShadowSummary:
        """Return what was counted."""
        ranked = sorted(self._compared.items(), key=lambda entry: (-entry[1], entry[0][:2], str(entry[0][2])))
        return ShadowSummary(
            policy,
            problem,
            blind_spots,
            compared=self._compared.total(),
            agreed=sum(number for (_, _, why), number in ranked if why is None),
            differences=tuple(
                ShadowDifference(acted, shadow, str(why), number)
                for (acted, shadow, why), number in ranked
                if why is not None
            ),
            dropped=self.dropped,
            failed=self.failed,
            weighed=self._weighed,
            acted=_mean(self._acted, self._weighed),
            shadow=_mean(self._shadow, self._weighed),
        )


_AMOUNTS: Final = tuple(field.name for field in fields(Expectation))


def _add(sums: list[float], expected: Expectation) -> None:
    for index, name in enumerate(_AMOUNTS):
        sums[index] += getattr(expected, name)


def _mean(sums: list[float], number: int) -> Expectation | None:
    return Expectation(*(total / number for total in sums)) if number else None
