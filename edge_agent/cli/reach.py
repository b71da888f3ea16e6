"""Ask remote targets whether they are there and have the models. No byte of a request is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.cli.findings import ServedFinding, TargetFinding
from edge_agent.core import Core
from edge_agent.releases import Release
from nearfar_wire.status import Code

if TYPE_CHECKING:
    from edge_agent.egress.failure import RemoteFailure
    from edge_agent.egress.remote import Remote

__all__ = ["Reached", "reach"]


@dataclass(frozen=True, slots=True)
class Reached:
    """A target, and its models by the names that the app knows."""

    finding: TargetFinding
    served: Mapping[str, ServedFinding]


def reach(core: Core) -> list[Reached]:
    """Ask each remote target in turn; none configured, none asked."""
    return [] if core.door is None else [_reach(core, remote) for remote in core.door.remotes.values()]


def _reach(core: Core, remote: Remote) -> Reached:
    from edge_agent.egress.failure import RemoteFailure  # grpc loads where there is somebody to ask

    rtt_ms, failure = None, None
    try:
        rtt_ms = remote.round_trip_s() * 1000
    except RemoteFailure as raised:
        failure = raised
    finding = TargetFinding(
        name=remote.name,
        kind=remote.kind.value,
        endpoint=remote.endpoint,
        transport="plaintext" if core.config.targets[remote.name].tls is None else "TLS",
        breaker=core.phase(remote.name).value,
        rtt_ms=rtt_ms,
        problem=None if failure is None else failure.code.value,
        detail="" if failure is None else failure.detail,
    )
    return Reached(
        finding, {name: _served(remote, r, failure) for name, r in core.releases.items() if r.manifest.remote}
    )


def _served(remote: Remote, release: Release, unreachable: RemoteFailure | None) -> ServedFinding:
    from edge_agent.egress.failure import RemoteFailure

    side = release.manifest.remote
    assert side is not None
    problem: str | None = None
    told: str | None = None
    if unreachable is not None:
        problem = unreachable.code.value  # asked again, it would only take as long again
    else:
        try:
            told = remote.ask_for_model(side.model, side.version)
        except RemoteFailure as failure:
            problem = failure.code.value
    if told is not None and side.digest is not None and told != side.digest:
        problem = Code.BAD_RESPONSE.value  # what each of its answers would be
    return ServedFinding(remote.name, side.model, side.version, told, side.digest, problem)
