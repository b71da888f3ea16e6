"""The round trip to a remote target's own endpoint, as a source of readings. Measured only on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_agent.egress.failure import RemoteFailure
from edge_agent.egress.remote import Remote
from edge_agent.signals import Demand
from router.types import Value

__all__ = ["RoundTrip"]


class RoundTrip:
    """Tells `rtt_ms.TARGET`; for the first remote target also `rtt_ms`, so that a policy with one need not name it."""

    def __init__(
        self,
        remote: Remote,
        interval_s: float,
        demand: Demand,
        *,
        first: bool,
        allowed: Callable[[], bool],
        measured: Callable[[], None],
    ) -> None:
        """`allowed` tells whether the link may be used for this; `measured` is called once it was."""
        self._remote = remote
        self._allowed = allowed
        self._measured = measured
        self.interval_s = interval_s
        self.demand = demand
        own = f"rtt_ms.{remote.name}"
        self.names: tuple[str, ...] = ("rtt_ms", own) if first else (own,)
        self.describe = f"ServerLive on {remote.endpoint}"

    def read(self) -> Mapping[str, Value | None]:
        """See signals.Source. An endpoint that does not answer has no round trip: unknown, and no exception."""
        if not self._allowed():
            return {}
        try:
            rtt_ms = self._remote.round_trip_s() * 1000
        except RemoteFailure:
            return {}
        finally:
            self._measured()
        return dict.fromkeys(self.names, rtt_ms)
