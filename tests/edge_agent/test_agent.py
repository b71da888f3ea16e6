"""What an agent says about itself, and that two of them share nothing."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent import Agent, ConfigError, RemoteConfig, RequestError, UnknownLabel, UnknownModel
from edge_agent.signals import Scripted
from tests.builders.agents import PIXELS, Home, policy_text
from tests.builders.scenes import Scene, X


def test_it_works_with_no_cloud_and_no_policy_at_all(home: Home) -> None:
    with Agent(home.config(home.release(remote=False))) as agent:
        result = agent.infer("tiny", {"pixels": PIXELS})
        assert result.target == "device"
        assert "nothing left the device" in str(result.receipt)
        assert agent.policy.name == "built-in"


def test_signals_and_metrics_are_there_for_whoever_looks(home: Home) -> None:
    registry = CollectorRegistry()
    with Agent(home.config(), registry=registry, sources=[Scripted({"battery_pct": 7.0})]) as agent:
        agent.infer("tiny", {"pixels": PIXELS})
        [status] = agent.signals()
        assert (status.name, status.value, status.fresh) == ("battery_pct", 7.0, True)
        shown = generate_latest(registry).decode()
        assert 'nearfar_requests_total{model="tiny",outcome="answered",target="device"} 1.0' in shown
    # A closed agent's metrics are gone, and another one may have the registry.
    assert generate_latest(registry) == b""
    with Agent(home.config(), registry=registry, sources=[]):
        assert "nearfar_policy_info" in generate_latest(registry).decode()


def test_a_registry_that_shows_another_agent_is_refused_before_anything_starts(home: Home) -> None:
    """What prometheus_client raised came through, with a hundred names and no word of what to do."""
    registry = CollectorRegistry()
    with Agent(home.config(), registry=registry, sources=[]) as agent:
        before = threading.active_count()
        with pytest.raises(ConfigError, match="registry: it shows another agent already; give each agent"):
            Agent(home.config(), registry=registry, sources=[])
        assert threading.active_count() == before
        assert agent.infer("tiny", {"pixels": PIXELS}).target == "device"


def test_what_is_passed_along_and_is_not_what_it_should_be_is_a_typed_error(home: Home) -> None:
    """An event for a Cancellation was an AttributeError, and the request was recorded as one that the app cancelled."""
    with Agent(home.config(), sources=[]) as agent:
        with pytest.raises(RequestError, match=r"cancellation is an edge_agent\.Cancellation, not an Event"):
            agent.infer("tiny", {"pixels": PIXELS}, cancellation=cast("Any", threading.Event()))
        with pytest.raises(RequestError, match="traceparent is text, as W3C has it, not a bytes"):
            agent.infer("tiny", {"pixels": PIXELS}, traceparent=cast("Any", b"00-ab"))
        assert not agent.last()
        with pytest.raises(RequestError, match="is the Result that had it, not a dict"):
            agent.feedback(cast("Any", {}), 1)


def test_a_scrape_holds_names_and_counts_and_changes_nothing(home: Home) -> None:
    registry = CollectorRegistry()
    with Agent(home.config(), registry=registry, sources=[]) as agent:
        agent.infer("tiny", {"pixels": PIXELS})
        assert generate_latest(registry) == generate_latest(registry)


def test_looking_runs_and_sends_nothing_and_shows_what_a_signal_would_change(home: Home) -> None:
    rules = '[[rules]]\nname = "low"\nwhen = { battery_pct = { at_most = 20 } }\nmode = "only_in_cloud"\n'
    config = home.config(cloud="127.0.0.1:1", policy=policy_text("only_on_device", more=rules))
    with Agent(config, sources=[Scripted({"battery_pct": 90.0})]) as agent:
        assert agent.core.look("tiny", "public", {}).choice == "device"
        assert agent.core.look("tiny", "public", {"battery_pct": 5.0}).choice == "cloud"
        assert agent.core.look("tiny", "public", {"battery_pct": None}).choice == "device"
        assert agent.core.metrics.totals()["requests"] == 0
        assert not agent.last()
        with pytest.raises(UnknownModel):
            agent.core.look("tinny", "public", {})
        with pytest.raises(UnknownLabel):
            agent.core.look("tiny", "pubic", {})


def test_looking_teaches_nothing(home: Home) -> None:
    """A round trip that was only tried out was learnt as if it had been measured, and later decisions went by it."""
    remotes = {"cloud": RemoteConfig(address="127.0.0.1:1")}
    with Agent(home.config(remotes=remotes)) as agent:
        before = agent.core.look("tiny", "public", {}).situation.targets
        agent.core.look("tiny", "public", {"rtt_ms": 5000.0, "rtt_ms.cloud": 5000.0})
        assert agent.core.look("tiny", "public", {}).situation.targets == before


def test_refreshing_reads_signals_and_policy_now(home: Home) -> None:
    battery = Scripted({"battery_pct": 90.0}, interval_s=60.0)
    config = home.config(policy=policy_text(), policy_check_s=60.0)
    with Agent(config, sources=[battery]) as agent:
        battery.set(battery_pct=10.0)
        home.policy(policy_text(version=2))
        agent.refresh()
        assert [status.value for status in agent.signals()] == [10.0]
        assert agent.policy.version == 2


@pytest.mark.wide
def test_refreshing_measures_the_round_trip_when_asked_to(scene: Scene) -> None:
    with scene.agent() as watched:
        watched.agent.refresh()
        assert scene.cloud.calls["ServerLive"] >= 2
        assert any(status.name == "rtt_ms.cloud" and status.fresh for status in watched.agent.signals())


@pytest.mark.wide
def test_two_agents_in_one_process_share_nothing(scene: Scene, home: Home) -> None:
    with scene.agent("only_on_device") as one, Agent(home.config(), sources=[]) as other:
        one.infer("tiny", X)
        assert other.core.metrics.totals()["requests"] == 0
        assert not other.last()
        one_id = one.agent.last(1)[0].decision.situation.request.id
        with pytest.raises(KeyError):
            other.explain(one_id)
