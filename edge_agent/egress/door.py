"""Permits: which remote targets one request may reach. The rule is the policy's, asked again here, at the door.

The router already closed what the label forbids; a permit is issued only after the same question has been asked a
second time, so that a fault in choosing cannot become a byte on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edge_agent.egress.remote import Remote
from router.choosing.engine import Decision
from router.rules.policy import Policy

__all__ = ["Door", "Permit"]


class Permit:
    """The transports of one request: its only way to a remote target."""

    __slots__ = ("_remotes",)

    def __init__(self, remotes: Mapping[str, Remote]) -> None:
        self._remotes = remotes

    def remote(self, target: str) -> Remote:
        """Return the transport to `target`. Raises PermissionError: for one that this request may not reach."""
        remote = self._remotes.get(target)
        if remote is None:
            raise PermissionError(f"this request holds no permit for {target!r}")
        return remote


class Door:
    """Holds every transport; hands out permits."""

    def __init__(self, remotes: Iterable[Remote]) -> None:
        self._remotes = {remote.name: remote for remote in remotes}

    @property
    def remotes(self) -> Mapping[str, Remote]:
        """Every remote target, for probing and reporting; requests go by permits."""
        return self._remotes

    def permit(self, decision: Decision, policy: Policy) -> Permit | None:
        """Return the permit for a decided request, or None where nothing of it may leave."""
        if decision.plan is None:
            return None
        label = decision.situation.request.label
        permitted = {
            name: remote
            for name, remote in self._remotes.items()
            if name in decision.plan.targets and policy.permits(label, name, remote.kind)
        }
        return Permit(permitted) if permitted else None

    def close(self) -> None:
        """Close every channel; safe twice."""
        for remote in self._remotes.values():
            remote.close()
