"""What is learnt of times, shares, paces and gaps, as values of their own. Pure: observations and instants come in.

Each is small and bounded, and each that is kept across restarts can be read out and merged with another. Not here:
which target an observation is of (router/experience), and what a time is worth (objective.py)."""

from router.estimates.gaps import Gaps
from router.estimates.histogram import LogHistogram
from router.estimates.power import DevicePower
from router.estimates.prior import prior_quantiles
from router.estimates.ratios import Ratios
from router.estimates.recency import Recency
from router.estimates.round_trip import RoundTrip, around
from router.estimates.settings import EstimateSettings
from router.estimates.share import Share
from router.estimates.silence import MOST_SILENCES, next_silence_s, silence, silences_of, silences_s
from router.estimates.throughput import Throughput
from router.estimates.wakes import Wakes

__all__ = [
    "MOST_SILENCES",
    "DevicePower",
    "EstimateSettings",
    "Gaps",
    "LogHistogram",
    "Ratios",
    "Recency",
    "RoundTrip",
    "Share",
    "Throughput",
    "Wakes",
    "around",
    "next_silence_s",
    "prior_quantiles",
    "silence",
    "silences_of",
    "silences_s",
]
