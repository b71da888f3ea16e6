"""What is asked of a policy's figures, as somebody writes it: the name of a measure, or a measure and its limit. Pure.

cost                       accuracy_loss<=0.01                       energy<=0.25"""

from __future__ import annotations

import math

from router.errors import MeasureError
from router.naming import did_you_mean
from router.simulate.measures import MEASURES, Measure
from router.values import value

__all__ = ["Limit", "limit_of", "measure_of", "number_of"]

_SIGN = "<="


@value
class Limit:
    """A measure may be at most so much, in its own unit and for one request."""

    measure: Measure
    most: float

    def __str__(self) -> str:
        return f"{self.measure.name}{_SIGN}{self.most:g}"


def measure_of(name: str) -> Measure:
    """Return the measure of this name. Raises MeasureError."""
    found = MEASURES.get(name.strip())
    if found is None:
        raise MeasureError(f'there is no measure "{name.strip()}"{did_you_mean(name.strip(), MEASURES)}')
    return found


def limit_of(text: str) -> Limit:
    """Return the limit that `text` writes. Raises MeasureError."""
    name, sign, most = text.partition(_SIGN)
    if not sign:
        raise MeasureError(f'"{text}" is no limit; one looks like accuracy_loss{_SIGN}0.01, less is always better')
    return Limit(measure_of(name), number_of(most, text))


def number_of(written: str, text: str) -> float:
    """Return the number that stands in `text` as `written`: finite and not negative. Raises MeasureError."""
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise MeasureError(f'"{text}": "{written.strip()}" is no number from 0 on')
    return number
