"""What a remote call has before it, by its parts, and what is predicted from them. Pure."""

from __future__ import annotations

from router.choosing.predict import BELIEVED_ROUND_TRIP_S, MEDIAN, NO_TIME, Times, remote_times
from router.estimates import Wakes
from router.types import TimeEstimate
from router.values import value

__all__ = ["Way"]


@value
class Way:
    """Times at types.QUANTILES where they have a spread. `measured`: the round trip was, by itself and a moment ago."""

    measured: bool
    link: str
    service_s: Times
    """The policy's belief of what the target itself needs."""
    round_trip_s: Times | None
    """None where it is not known."""
    carried_s: float
    """What the bytes take, both ways."""

    @property
    def blind(self) -> bool:
        """Whether nothing is known of the round trip."""
        return self.round_trip_s is None

    @property
    def base_s(self) -> float:
        """The point prediction, with the radio awake."""
        trip_s = BELIEVED_ROUND_TRIP_S if self.round_trip_s is None else self.round_trip_s
        return self.service_s[MEDIAN] + trip_s[MEDIAN] + self.carried_s

    def prior(self, wakes: Wakes, silence: int) -> TimeEstimate:
        """Return what is believed before anything was learnt of the model there."""
        wake_s = wakes.after[silence].wake_s if wakes.after else NO_TIME
        return TimeEstimate(remote_times(self.service_s, self.round_trip_s, self.carried_s, wake_s), 0)
