"""What is believed of a time before any was seen."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["prior_quantiles"]

_Z95: Final = 1.6448536269514722  # the standard normal's 95 % quantile
_Z75: Final = 0.6744897501960817


def prior_quantiles(low_s: float, high_s: float) -> tuple[float, float, float, float, float]:
    """Return times at QUANTILES of the log-normal distribution whose 5 % and 95 % quantiles are given."""
    middle = (math.log(low_s) + math.log(high_s)) / 2
    sigma = (math.log(high_s) - math.log(low_s)) / (2 * _Z95)
    low_mid, median, high_mid = (math.exp(middle + z * sigma) for z in (-_Z75, 0.0, _Z75))
    return (low_s, low_mid, median, high_mid, high_s)
