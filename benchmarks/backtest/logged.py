"""What another policy would come to by the log of an agent that explores, beside what it came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.backtest.requests import Seen
from router.offpolicy.replaying import Replay
from router.rules.policy import Policy
from router.simulate.chance import Chance
from router.simulate.intervals import Figure
from router.telling.record import from_json
from router.types import DEVICE

__all__ = ["FromLog", "from_log"]


@dataclass(frozen=True, slots=True)
class FromLog:
    """Seconds and answers of the device for one request, as the log tells and as they came; or why it tells nothing."""

    records: int
    effective: float
    estimated: dict[str, Figure]
    came: dict[str, float]
    refused: str


def from_log(records: Sequence[str], policy: Policy, came: Sequence[Seen], seed: int) -> FromLog:
    """Return what `records`, of the same requests under another policy, tell of `policy`; `came` is what it came to."""
    replay = Replay(policy)
    for line in records:
        replay.add(from_json(line))
    told = replay.estimates(Chance(seed, "from the log"))
    refused = ""
    if told.refused is not None:
        advice = told.refused.advice
        refused = told.refused.why if advice is None else f"{told.refused.why}; {advice}"
    return FromLog(
        told.records,
        told.effective,
        {one.figure.name: one.dr for one in told.figures if one.figure.name in _CAME},
        {name: sum(map(of, came)) / len(came) for name, of in _CAME.items()},
        refused,
    )


_CAME = {"latency": lambda seen: seen.seconds, "on_device": lambda seen: float(seen.target == DEVICE)}
