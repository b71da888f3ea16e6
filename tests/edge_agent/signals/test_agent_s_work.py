"""What an agent's own work tells: its calls, its queue, and where no round trip is measured by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_agent import DeviceConfig, SignalsConfig
from edge_agent.signals import Scripted
from edge_agent.testing import FakeClock, Faults, Script, fake_agent, fake_release
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, encode_load
from tests.builders.scenes import Scene, X
from tests.builders.waiting import eventually

UNPROBED = SignalsConfig(round_trip_s=15.0)
BUSY = Script(trailing=((LOAD_KEYS[1], encode_load(LoadReport(0.05, 0.9, 4))),))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Scene(tmp_path) as scene:
        yield scene


def test_an_agent_without_a_remote_target_has_no_such_signals() -> None:
    with fake_agent(fake_release()) as agent:
        assert agent.signals() == []


def test_the_silence_counts_from_the_last_call_on(scene: Scene) -> None:
    clock = FakeClock()
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        agent = watched.agent

        def idle_s() -> object:
            agent.core.sampler.sample_now()
            return agent.core.sampler.snapshot()["radio_idle_s"].value

        assert idle_s() is None, "nothing was ever sent"
        watched.infer("tiny", X, deadline_ms=10_000.0)
        assert idle_s() == 0
        clock.advance(30)
        assert idle_s() == 30


def test_what_a_server_says_of_its_queue_is_a_signal_while_it_holds(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = BUSY
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        sampler = watched.agent.core.sampler
        watched.infer("tiny", X, deadline_ms=10_000.0)
        sampler.sample_now()
        assert sampler.snapshot()["queue_ms.cloud"].value == pytest.approx(50)
        assert sampler.snapshot()["queue_ms"].value == pytest.approx(50)
        clock.advance(6)
        sampler.sample_now()
        assert sampler.snapshot()["queue_ms.cloud"].value is None


@pytest.mark.wide
def test_large_uploads_tell_the_pace_and_small_ones_do_not(scene: Scene) -> None:
    with scene.agent(signals=UNPROBED) as watched:
        sampler = watched.agent.core.sampler
        watched.infer("tiny", X, deadline_ms=10_000.0)
        sampler.sample_now()
        assert sampler.snapshot()["up_mbps.cloud"].value is None
        scene.link.faults = Faults(bandwidth_bytes_s=40_000)
        watched.infer("tiny", {"x": np.ones((1250, 4), np.float32)}, deadline_ms=20_000.0)
        sampler.sample_now()
        pace = sampler.snapshot()["up_mbps.cloud"].value
    # 0.32 Mbit/s; more by what fits into buffers on the way, less by what a busy machine takes.
    assert isinstance(pace, float) and 0.05 < pace < 0.8


def test_a_rule_that_speaks_of_the_agent_s_own_work_is_obeyed(scene: Scene) -> None:
    rules = '[[rules]]\nname = "queue"\nwhen = { "queue_ms.cloud" = { greater_than = 40 } }\nforbid = ["cloud"]\n'
    scene.cloud.script = BUSY
    with scene.agent(rules=rules, signals=UNPROBED) as watched:
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "cloud"
        watched.agent.core.sampler.sample_now()
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "device"


def test_what_waits_for_a_run_on_the_device_is_a_signal(scene: Scene) -> None:
    with scene.agent("only_on_device", device=DeviceConfig(isolate=True, workers=1), signals=UNPROBED) as watched:
        sampler = watched.agent.core.sampler
        sampler.sample_now()
        assert sampler.snapshot()["device_queue"].value == 0
        scene.device.hold()
        asking = [threading.Thread(target=watched.infer, args=("tiny", X)) for _ in range(3)]
        for thread in asking:
            thread.start()
        eventually(lambda: watched.agent.core.pool.waiting == 2)
        sampler.sample_now()
        assert sampler.snapshot()["device_queue"].value == 2
        scene.device.let_go()
        for thread in asking:
            thread.join(30)


# -- what is not measured where that costs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "measured"),
    [
        pytest.param({"link": "wifi", "metered": False}, True, id="wifi"),
        pytest.param({"link": "ethernet"}, True, id="ethernet"),
        pytest.param({}, True, id="nothing_known"),
        pytest.param({"link": "cellular"}, False, id="a_radio_that_sleeps"),
        pytest.param({"link": "wifi", "metered": True}, False, id="metered"),
        pytest.param({"link": "cellular", "metered": False}, False, id="a_radio_that_sleeps_and_costs_nothing"),
    ],
)
def test_no_round_trip_is_measured_by_itself_where_that_keeps_a_radio_awake_or_costs(
    scene: Scene, values: dict[str, object], measured: bool
) -> None:
    link = Scripted(values)  # type: ignore[arg-type]  # all of them are values
    with scene.agent(sources=[link]) as watched:
        watched.infer("tiny", X, deadline_ms=10_000.0)
        watched.agent.refresh()
        (row,) = (row for row in watched.agent.signals() if row.name == "rtt_ms.cloud")
        assert row.fresh is measured
        eventually(lambda: (scene.cloud.calls["ServerLive"] > 0) is measured)
