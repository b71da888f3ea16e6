"""What all calls of one model have in common while a policy is in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.call.device import Device
from edge_agent.experience import Experience
from edge_agent.quality import Quality
from edge_agent.releases import Release
from edge_agent.spending import Ledger
from edge_agent.telemetry.metrics import Metrics
from router.rules.policy import Policy

__all__ = ["Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """See the module. `quality` is wanted where the policy asks for a promise; `ledger` is charged."""

    release: Release
    policy: Policy
    device: Device
    experience: Experience
    clock: Callable[[], float]
    metrics: Metrics
    quality: Quality | None = None
    ledger: Ledger | None = None
