"""An agent that nobody closed says so where it is dropped, as files and sockets do."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent import Agent, AgentConfig, AsyncAgent, ConfigError, RemoteConfig
from edge_agent.testing import FakeRuntime, fake_agent, fake_async_agent, fake_release
from tests.builders.scenes import Scene, X, answering


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


@pytest.mark.wide
def test_what_a_dropped_agent_held_is_not_held_until_the_program_ends(scene: Scene, tmp_path: Path) -> None:
    """The hook that writes down at exit held the whole agent, its models too, and so did its threads: a program that
    made one agent after the other, and closed none, grew by each."""
    shadow = tmp_path / "shadow.toml"
    shadow.write_text('schema = 1\nname = "shadow"\nversion = 1\n', encoding="utf-8")
    more = {"shadow_policy": shadow, "records": tmp_path / "records.jsonl", "state": tmp_path / "state"}
    parts = scene.parts("prefer_in_cloud", "", None, more)
    agent = fake_agent(fake_release("tiny", FakeRuntime(answering(0.9, 0.06, 0.04))), **parts)
    agent.infer("tiny", X, privacy="public")
    core, runtime = weakref.ref(agent.core), weakref.ref(agent.core.releases["tiny"].runtime)
    stop = agent.core.sampler.stop
    with pytest.warns(ResourceWarning, match="was dropped"):
        del agent
    gc.collect()
    assert (core(), runtime()) == (None, None)
    stop()
