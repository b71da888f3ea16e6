"""Whether the device still disagrees with the cloud no more than was certified, told from audits.

A mixture of bets against "the share of X = 1 is at most alpha_D": M_t = mean over nu of prod(1 + nu (X_i - alpha_D)).
While that holds, M ever reaches 1/delta with probability delta at most, however long and often one looks (Ville)."""

from __future__ import annotations

import math
from typing import Final

from router.errors import CertifyError
from router.values import value

__all__ = ["RATIOS", "Watch", "begin_watch", "observe", "observe_counts"]

RATIOS: Final = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""The bets: each is the best one against a share this many times alpha_D (at most nine tenths of the way to 1)."""


@value
class Watch:
    """The state of one watch. `alarm` stays, once it was raised, until a new certificate begins a new watch."""

    alpha_d: float
    delta: float
    log_wealth: tuple[float, ...]
    audits: int = 0
    disagreements: int = 0
    alarm: bool = False

    @property
    def log_m(self) -> float:
        """The natural logarithm of M."""
        largest = max(self.log_wealth)
        return largest + math.log(sum(math.exp(part - largest) for part in self.log_wealth) / len(self.log_wealth))


def begin_watch(alpha_d: float, delta: float) -> Watch:
    """Return a watch that has seen nothing. Raises CertifyError: where either is no share between 0 and 1."""
    if not (0.0 < alpha_d < 1.0 and 0.0 < delta < 1.0):
        raise CertifyError(f"alpha_D and delta are shares between 0 and 1; not {alpha_d:g} and {delta:g}")
    return Watch(alpha_d, delta, (0.0,) * len(RATIOS))


def observe(watch: Watch, disagreed: bool) -> Watch:
    """Take one audit: whether the answer was kept on the device and the cloud disagreed."""
    return observe_counts(watch, int(disagreed), int(not disagreed))


def observe_counts(watch: Watch, disagreements: int, agreements: int) -> Watch:
    """Take several audits at once. M is the same in whatever order they came; what it was in between is not seen."""
    alpha_d = watch.alpha_d
    wealth = tuple(
        log
        + disagreements * math.log1p(_bet(alpha_d, ratio) * (1.0 - alpha_d))
        + agreements * math.log1p(-_bet(alpha_d, ratio) * alpha_d)
        for log, ratio in zip(watch.log_wealth, RATIOS, strict=True)
    )
    after = Watch(
        alpha_d,
        watch.delta,
        wealth,
        watch.audits + disagreements + agreements,
        watch.disagreements + disagreements,
        watch.alarm,
    )
    if watch.alarm or after.log_m < -math.log(watch.delta):
        return after
    return Watch(alpha_d, watch.delta, wealth, after.audits, after.disagreements, True)


def _bet(alpha_d: float, ratio: float) -> float:
    """Return the bet that grows fastest where the share is `ratio` times alpha_D (Kelly): below 1/alpha_D."""
    share = min(alpha_d * ratio, alpha_d + 0.9 * (1.0 - alpha_d))
    return (share - alpha_d) / (alpha_d * (1.0 - alpha_d))
