"""A device's connections to its servers: what setting one up takes, and how long it lasts. Pure.

The first call to a server sets the connection up and waits for it, as do those that come meanwhile; later ones find it
there, until the server ends it for its age or the device is on another network."""

from __future__ import annotations

from router.simulate.server import ServerModel

__all__ = ["Connections"]


class Connections:
    """One device's."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, float]] = {}
        """Server -> from when the connection can be used, and until when."""

    def ready_at(self, server: ServerModel, awake_at: float, round_trip_s: float) -> float:
        """Return when a call can be sent whose radio is awake at `awake_at`."""
        known = self._open.get(server.name)
        if known is None or awake_at >= known[1]:
            open_at = awake_at + server.connect_round_trips * round_trip_s
            known = self._open[server.name] = open_at, open_at + server.connection_s
        return max(awake_at, known[0])

    def ended(self, server: ServerModel) -> None:
        """The server is down, and its connection with it."""
        self._open.pop(server.name, None)

    def lost(self) -> None:
        """The device is on another network, or on none."""
        self._open.clear()
