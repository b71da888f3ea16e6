"""Agents over fakes. They sample no sensor and read no model file; everything else is the agent that ships."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.agent import Agent, AsyncAgent
from edge_agent.config import AgentConfig, ModelConfig
from edge_agent.core import Core
from edge_agent.releases import Release
from edge_agent.signals import SignalSource, Source

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["fake_agent", "fake_async_agent"]


def fake_agent(
    *releases: Release,
    sources: Sequence[Source] = (),
    signal_sources: Sequence[SignalSource] = (),
    clock: Callable[[], float] | None = None,
    registry: CollectorRegistry | None = None,
    **parts: Any,  # Any: AgentConfig checks them
) -> Agent:
    """Return an agent for `releases`, that reads `sources` alone; `parts` are AgentConfig's fields but `models`.

    Chance is seeded: two agents that see the same do the same. Raises ConfigError, pydantic.ValidationError: for
    parts that no configuration has."""
    return Agent.over(_core(releases, sources, signal_sources, clock, registry, parts))


def fake_async_agent(
    *releases: Release,
    sources: Sequence[Source] = (),
    signal_sources: Sequence[SignalSource] = (),
    clock: Callable[[], float] | None = None,
    registry: CollectorRegistry | None = None,
    **parts: Any,  # Any: as above
) -> AsyncAgent:
    """See fake_agent."""
    return AsyncAgent.over(_core(releases, sources, signal_sources, clock, registry, parts))


def _core(
    releases: Sequence[Release],
    sources: Sequence[Source],
    signal_sources: Sequence[SignalSource],
    clock: Callable[[], float] | None,
    registry: CollectorRegistry | None,
    parts: dict[str, Any],  # Any: as above
) -> Core:
    # The folders are never opened: the releases stand in for what would be read there.
    models = {release.name: ModelConfig(release=Path(release.name)) for release in releases}
    return Core(
        AgentConfig(models=models, **parts),
        registry=registry,
        sources=sources,
        signal_sources=signal_sources,
        releases={release.name: release for release in releases},
        clock=clock,
        chance=random.Random(0),  # noqa: S311  jitter only
    )
