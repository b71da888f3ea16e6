"""The public names, pinned: what an app may lean on. Whatever is not here may change."""

from __future__ import annotations

import edge_agent
import router

EDGE_AGENT = [
    "Agent",
    "AgentClosed",
    "AgentConfig",
    "AgentError",
    "AllTargetsFailed",
    "AsyncAgent",
    "Cancellation",
    "ConfigError",
    "DeadlineExceeded",
    "DeviceConfig",
    "InputError",
    "ModelConfig",
    "NoFeasibleTarget",
    "Receipt",
    "ReleaseError",
    "RemoteConfig",
    "RequestCancelled",
    "RequestError",
    "Result",
    "Sent",
    "SignalError",
    "SignalSource",
    "SignalsConfig",
    "TlsConfig",
    "UnknownLabel",
    "UnknownModel",
    "load_config",
]


def test_the_agent_s_public_names() -> None:
    assert edge_agent.__all__ == EDGE_AGENT
    assert edge_agent.__all__ == sorted(edge_agent.__all__)
    assert all(hasattr(edge_agent, name) for name in EDGE_AGENT)


def test_every_public_name_says_what_it_is_for() -> None:
    assert all(getattr(edge_agent, name).__doc__ for name in EDGE_AGENT)


def test_the_router_is_used_by_its_modules_and_exports_nothing_itself() -> None:
    assert not hasattr(router, "__all__")
    assert router.__nearfar__ == "nearfar"
