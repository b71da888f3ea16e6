"""A remote target's time before anything was learnt of it: wake-up, round trip, transfers and service, put together.
Pure.

The round trip is what was measured lately. Where it is not known it is no number but a range, from a cable to a crowded
cell: its spread goes into the prediction, so that an unknown network is neither ruled out nor trusted."""

from __future__ import annotations

from typing import Final

from router.estimates import prior_quantiles
from router.types import QUANTILES, TimeEstimate

__all__ = ["BELIEVED_ROUND_TRIP_S", "MEDIAN", "NO_TIME", "Times", "after_queue", "remote_times"]

Times = tuple[float, float, float, float, float]
"""Seconds at types.QUANTILES."""

MEDIAN: Final = QUANTILES.index(0.5)
NO_TIME: Final[Times] = (0.0, 0.0, 0.0, 0.0, 0.0)

# From a cable or good Wi-Fi to a cellular network at the edge of its cell; the median is some 40 ms.
BELIEVED_ROUND_TRIP_S: Final = prior_quantiles(0.005, 0.3)


def remote_times(
    service_s: Times, round_trip_s: Times | None, carried_s: float = 0.0, wake_s: Times = NO_TIME
) -> Times:
    """Return the times at QUANTILES; the one at MEDIAN is the point prediction that learning corrects.

    `service_s` is the policy's belief of what the target itself needs, `carried_s` what the bytes take both ways, and
    `wake_s` what a sleeping radio takes. Quantiles are added as they stand: a network and a server that are slow
    together are the case worth being ready for."""
    a, b, c, d, e = BELIEVED_ROUND_TRIP_S if round_trip_s is None else round_trip_s
    f, g, h, i, j = wake_s
    q05, q25, q50, q75, q95 = service_s
    return (
        q05 + a + f + carried_s,
        q25 + b + g + carried_s,
        q50 + c + h + carried_s,
        q75 + d + i + carried_s,
        q95 + e + j + carried_s,
    )


def after_queue(time: TimeEstimate, queue_s: float | None) -> TimeEstimate:
    """Return the estimate of a target that said so much of its queue; None: it did not say, which is no number."""
    if not queue_s:
        return time
    a, b, c, d, e = time.quantiles_s
    return TimeEstimate((a + queue_s, b + queue_s, c + queue_s, d + queue_s, e + queue_s), time.samples)
