"""Parts of an agent as its configuration asks for them. core.py puts them together, starts them and stops them."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.config import AgentConfig, SignalsConfig
from edge_agent.errors import ConfigError
from edge_agent.policies import PolicyFile
from edge_agent.quality import AuditLog, Quality
from edge_agent.releases import Release, load_release
from edge_agent.runtimes.trial import Trials
from edge_agent.signals import Demand, Source, machine_sources
from edge_agent.telemetry.metrics import Metrics
from nearfar_wire.errors import quoted
from router.naming import did_you_mean
from router.rules.policy import Policy

if TYPE_CHECKING:
    from edge_agent.egress import Door
    from edge_agent.shadow import Shadow
    from edge_agent.telemetry.record_log import RecordLog

__all__ = [
    "close_runtimes",
    "load_releases",
    "look_on",
    "open_books",
    "open_door",
    "refuse_places",
    "sensors",
    "warn_of_labels",
]

_LOG: Final = logging.getLogger("nearfar.agent")


def load_releases(config: AgentConfig) -> dict[str, Release]:
    """Return the release of each model. Raises ReleaseError: and what was loaded by then is closed."""
    loaded: dict[str, Release] = {}
    trials = Trials(config.state)
    try:
        for name, model in config.models.items():
            loaded[name] = load_release(name, model.release, config.device, trials)
    except BaseException:
        close_runtimes(loaded)
        raise
    return loaded


def close_runtimes(releases: Mapping[str, Release]) -> None:
    """Close the models on the device."""
    for release in releases.values():
        if release.runtime is not None:
            release.runtime.close()


def refuse_places(config: AgentConfig) -> None:
    """Pass files that can be files, and folders that can be folders; whether they can be written is seen when they are.

    Raises ConfigError."""
    for field in ("audits", "records"):
        path = getattr(config, field)
        if path is not None and path.is_dir():
            raise ConfigError(field, f"{path} is a folder; the name of a file in it is wanted")
    if config.state is not None and config.state.is_file():
        raise ConfigError("state", f"{config.state} is a file; a folder is wanted")


def warn_of_labels(config: AgentConfig, policy: Policy) -> None:
    """Log labels of `records_labels` that the policy has not: requests with them there are none. The next may have."""
    for label in config.records_labels or ():
        if label not in policy.labels:
            meant = did_you_mean(label, policy.labels)
            _LOG.warning("records_labels: policy %s has no label %s%s", policy.name, quoted(label), meant)


def open_books(config: AgentConfig, releases: Mapping[str, Release], chance: random.Random) -> dict[str, Quality]:
    """Return the book of each release's promise."""
    log = None if config.audits is None else AuditLog(config.audits, config.audits_max_mb << 20)
    return {
        name: Quality(
            release.manifest,
            release.certificate,
            release.why_uncovered,
            chance=chance,
            log=log,
            state=None if config.state is None else config.state / f"quality-{name}.json",
        )
        for name, release in releases.items()
    }


def open_door(
    config: AgentConfig,
    demands: Mapping[str, Demand],
    may_measure: Callable[[], bool],
    measured: Callable[[], None],
) -> tuple[Door | None, list[Source]]:
    """Return the door to the remote targets, and what measures the round trips to them: see egress/round_trip.py."""
    if not config.targets:
        return None, []  # grpc is never loaded where there is nowhere to go
    from edge_agent.egress import Door
    from edge_agent.egress.remote import Remote
    from edge_agent.egress.round_trip import RoundTrip

    remotes = [Remote(name, config.kind_of(name), part) for name, part in config.targets.items()]
    interval_s = config.signals.round_trip_s
    trips: list[Source] = [
        RoundTrip(remote, interval_s, demands[remote.name], first=index == 0, allowed=may_measure, measured=measured)
        for index, remote in enumerate(remotes)
    ]
    return Door(remotes), trips


def look_on(
    config: AgentConfig,
    policies: PolicyFile,
    metrics: Metrics,
    records: RecordLog | None,
    utc: Callable[[], float],
) -> Shadow | None:
    """Return what decides under a policy that does not act; None where there is none."""
    if config.shadow_policy is None:
        return None
    from edge_agent.shadow import Shadow, ShadowFile  # what tells two policies apart loads only where one looks on

    return Shadow(
        ShadowFile(config.shadow_policy, config.kinds, on_outcome=metrics.shadow_reload),
        lambda: policies.current,
        metrics=metrics,
        kept=config.journal_size,
        records=records,
        utc=utc,
    )


def sensors(signals: SignalsConfig) -> list[Source]:
    """Return this machine's own sensors."""
    return machine_sources(
        battery_s=signals.battery_s,
        processor_s=signals.processor_s,
        memory_s=signals.memory_s,
        temperature_s=signals.temperature_s,
        link_s=signals.link_s,
    )
