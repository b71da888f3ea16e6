"""What a call acts with, for tests that make one by hand."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.call.device import Device
from edge_agent.call.setting import Setting
from edge_agent.experience import Experience
from edge_agent.releases import Release
from edge_agent.telemetry.metrics import Metrics
from router.rules.policy import Policy

__all__ = ["setting_of"]


def setting_of(release: Release, policy: Policy, experience: Experience, clock: Callable[[], float]) -> Setting:
    """Return a setting that nobody keeps books of."""
    return Setting(release, policy, Device(release, experience, clock), experience, clock, Metrics())
