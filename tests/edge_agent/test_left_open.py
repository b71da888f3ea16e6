"""An agent that nobody closed says so where it is dropped, as files and sockets do."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable

import pytest

from edge_agent import Agent, AgentConfig, AsyncAgent, ConfigError, RemoteConfig
from edge_agent.testing import fake_agent, fake_async_agent, fake_release


@pytest.mark.parametrize(("made", "name"), [(fake_agent, "Agent"), (fake_async_agent, "AsyncAgent")])
def test_an_agent_that_is_dropped_without_being_closed_warns(
    made: Callable[..., Agent | AsyncAgent], name: str
) -> None:
    """Its threads went on for as long as the process did, and nothing told."""
    agent = made(fake_release())
    core = agent.core
    with pytest.warns(ResourceWarning, match=rf"^{name} was dropped without close\(\), and its threads go on"):
        del agent
    core.close()


def test_one_that_was_closed_says_nothing() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with fake_agent(fake_release()) as agent:
            pass
        del agent
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


def test_one_that_never_started_says_nothing() -> None:
    refused = AgentConfig.model_construct(models={}, targets={"device": RemoteConfig(address="127.0.0.1:1")})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ConfigError):
            Agent(refused)
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []
