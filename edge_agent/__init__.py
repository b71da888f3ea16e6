"""nearfar's agent: the SDK that an app embeds. Ask for an inference; it decides, for that request, where it runs.

    from edge_agent import Agent

    with Agent.from_config("agent.toml") as agent:
        result = agent.infer("digits", {"pixels": pixels}, deadline_ms=50, privacy="personal")
        print(result.outputs["probabilities"], result.target, result.reason)
        print(result.receipt)

Importing it is cheap: numpy and pydantic load with the first agent, onnxruntime with the first model, gRPC with the
first remote target."""

import router as _router

if getattr(_router, "__nearfar__", None) != "nearfar":
    raise ImportError(
        f"nearfar's package `router` is shadowed by {getattr(_router, '__file__', None) or 'another package'}; "
        "rename that module, or take its folder off sys.path"
    )

from typing import TYPE_CHECKING

from edge_agent.agent import Agent, AsyncAgent
from edge_agent.cancellation import Cancellation
from edge_agent.errors import (
    AgentClosed,
    AgentError,
    AllTargetsFailed,
    ConfigError,
    DeadlineExceeded,
    InputError,
    NoFeasibleTarget,
    ReleaseError,
    RequestCancelled,
    RequestError,
    SignalError,
    UnknownLabel,
    UnknownModel,
)
from edge_agent.result import Receipt, Result, Sent

__all__ = [
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

_CONFIG = ("AgentConfig", "DeviceConfig", "ModelConfig", "RemoteConfig", "SignalsConfig", "TlsConfig", "load_config")

if TYPE_CHECKING:
    from edge_agent.config import (
        AgentConfig,
        DeviceConfig,
        ModelConfig,
        RemoteConfig,
        SignalsConfig,
        TlsConfig,
        load_config,
    )
    from edge_agent.signals.app import SignalSource


def __getattr__(name: str) -> object:
    if name == "SignalSource":  # a protocol, which an app names where it checks types
        from edge_agent.signals.app import SignalSource

        return SignalSource
    # Configuration in code is the exception, and its models load pydantic.
    if name in _CONFIG:
        from edge_agent import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
