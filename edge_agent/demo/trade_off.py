"""How certain the device has to be to keep its answer: what each margin costs and gains, and which one the demo takes.

Pure: the verdicts come from release.py. An answer is kept where its margin is strictly above the threshold, as the
router does it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["ESCALATED_SHARE", "TradeOff", "Verdict", "choose_margin", "trade_off"]

# A budget, not a fit: three requests in ten may go to the cloud. Picking the margin that loses nothing on a few hundred
# images follows their noise: of five splits tried, it lost two points on the held-out images of two.
ESCALATED_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What both models made of one image. `margin` is the device's: largest minus second largest probability."""

    margin: float
    device_right: bool
    cloud_right: bool


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One threshold: the share of images that go to the cloud, and the share of right answers over all of them."""

    margin: float
    escalated: float
    accuracy: float


def choose_margin(verdicts: Sequence[Verdict], share: float = ESCALATED_SHARE) -> float:
    """Return the threshold, in hundredths, that sends about `share` of `verdicts` to the cloud.

    Reads no labels, so nothing is fitted to them. Raises ValueError: for no verdicts."""
    if not verdicts:
        raise ValueError("a margin is chosen on at least one image")
    margins = sorted(verdict.margin for verdict in verdicts)
    escalated = math.floor(share * len(margins))
    return round(margins[escalated - 1], 2) if escalated else 0.0


def trade_off(verdicts: Sequence[Verdict], margins: Iterable[float]) -> list[TradeOff]:
    """Return what each of `margins` would do with `verdicts`, of which there is at least one."""
    return [_at(verdicts, margin) for margin in margins]


def _at(verdicts: Sequence[Verdict], margin: float) -> TradeOff:
    kept = [verdict.margin > margin for verdict in verdicts]
    right = sum(v.device_right if keep else v.cloud_right for v, keep in zip(verdicts, kept, strict=True))
    return TradeOff(margin, kept.count(False) / len(verdicts), right / len(verdicts))
