"""What is learnt of times, shares and paces, as values of their own. Pure: observations and instants come in.

Not here: which target an observation is of (router/experience), and what a time is worth (objective.py)."""

from router.estimates.prior import prior_quantiles
from router.estimates.ratios import Ratios
from router.estimates.settings import EstimateSettings
from router.estimates.share import Share
from router.estimates.throughput import Throughput

__all__ = ["EstimateSettings", "Ratios", "Share", "Throughput", "prior_quantiles"]
