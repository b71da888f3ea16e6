from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from edge_agent import AllTargetsFailed, ConfigError, DeadlineExceeded, NoFeasibleTarget
from edge_agent.runtimes import RunFailed
from edge_agent.testing import (
    TINY_MANIFEST,
    CloudModel,
    FakeClock,
    FakeCloud,
    FakeRuntime,
    Script,
    Scripted,
    fake_agent,
    fake_async_agent,
    fake_release,
)
from nearfar_wire.errors import ManifestError

_X = {"x": np.zeros((1, 4), np.float32)}
_SURE = {"probabilities": [[0.98, 0.01, 0.01]]}


def test_an_agent_answers_with_what_its_fake_model_says() -> None:
    with fake_agent(fake_release(runtime=FakeRuntime(_SURE))) as agent:
        result = agent.infer("tiny", _X)
    assert result.target == "device"
    assert result.outputs["probabilities"].argmax() == 0
    assert result.receipt.sent == ()


def test_an_asynchronous_agent_does_too() -> None:
    async def ask() -> str:
        async with fake_async_agent(fake_release(runtime=FakeRuntime(_SURE))) as agent:
            return (await agent.infer("tiny", _X)).target

    assert asyncio.run(ask()) == "device"


def test_a_release_without_a_runtime_is_one_that_did_not_load() -> None:
    with (
        fake_agent(fake_release(why_no_runtime="its digest is another")) as agent,
        pytest.raises(NoFeasibleTarget, match="its digest is another"),
    ):
        agent.infer("tiny", _X)


def test_a_failing_fake_model_is_a_failing_device() -> None:
    def fail(_: object) -> dict[str, object]:
        raise RunFailed("out of memory")

    with (
        fake_agent(fake_release(runtime=FakeRuntime(fail))) as agent,
        pytest.raises(AllTargetsFailed, match="out of memory"),
    ):
        agent.infer("tiny", _X)


def test_a_manifest_may_be_the_apps_own_file(tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(TINY_MANIFEST.replace('name = "x"', 'name = "pixels"'))
    with fake_agent(fake_release("mine", FakeRuntime(_SURE), manifest=path)) as agent:
        assert agent.infer("mine", {"pixels": _X["x"]}).receipt.model == "mine"


def test_a_manifest_is_held_to_the_rules() -> None:
    with pytest.raises(ManifestError):
        fake_release(manifest="schema = 1")


def test_it_reads_no_sensor_but_the_sources_it_is_given() -> None:
    with fake_agent(fake_release(), sources=[Scripted({"battery_pct": 5.0})]) as agent:
        assert [(s.name, s.value, s.source) for s in agent.signals()] == [("battery_pct", 5.0, "scripted")]


def test_its_clock_is_the_one_it_is_given() -> None:
    clock = FakeClock()
    runtime = FakeRuntime(_SURE)
    with fake_agent(fake_release(runtime=runtime), clock=clock) as agent:
        runtime.answer = lambda _: clock.advance(0.25) or _SURE
        assert agent.infer("tiny", _X).receipt.duration_s == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        pytest.param({"target": {}}, ValidationError, id="an unknown part"),
        pytest.param({"targets": {"cloud": {"address": "example.org:1"}}}, ConfigError, id="plaintext beyond loopback"),
    ],
)
def test_its_configuration_is_checked_like_any_other(parts: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        fake_agent(fake_release(), **parts)


@pytest.mark.wide
@pytest.mark.parametrize("front", ["threads", "asyncio"])
def test_a_request_that_waits_ends_at_its_deadline_although_the_clock_stands(front: str, tmp_path: Path) -> None:
    """The wait was over, the clock had not moved, and the same wait began anew: a test that passed a FakeClock and had
    a cloud that never answers hung for ever."""
    policy = tmp_path / "policy.toml"
    policy.write_text("schema = 1\nname = 'p'\nversion = 1\nmode = 'only_in_cloud'\n", encoding="utf-8")
    clock, asked = FakeClock(), {"deadline_ms": 150.0, "privacy": "public"}
    with FakeCloud({"tiny": CloudModel(_SURE)}, Script(delay_s=math.inf)) as cloud:
        parts: dict[str, Any] = {"clock": clock, "policy": policy, "targets": {"cloud": {"address": cloud.address}}}

        def by_threads() -> None:
            with fake_agent(fake_release(), **parts) as agent:
                agent.infer("tiny", _X, **asked)

        async def by_asyncio() -> None:
            async with fake_async_agent(fake_release(), **parts) as agent:
                await agent.infer("tiny", _X, **asked)

        # gRPC has a clock of its own, and may be the first to say that it is over.
        with pytest.raises((DeadlineExceeded, AllTargetsFailed)) as over:
            by_threads() if front == "threads" else asyncio.run(by_asyncio())
    assert "DEADLINE_EXCEEDED" in str(over.value) or clock.now == pytest.approx(1000.15)
