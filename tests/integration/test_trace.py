"""A trace that begins in the app goes on in the service, and nowhere that the request does not go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge_agent import Agent, AsyncAgent
from tests.builders.agents import FULL, PIXELS, Home, policy_text
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide

_TRACES = [f"{number:032x}" for number in range(1, 4)]


def _parent(trace: str) -> str:
    return f"00-{trace}-b7ad6b7169203331-01"


def test_the_service_logs_the_app_s_trace_and_takes_no_other_text_for_one(home: Home, tmp_path: Path) -> None:
    models = write_repository(tmp_path / "models", {"tiny": FULL})
    with cloud_process(models, "--log-format", "json", "--access-log") as cloud:
        config = home.config(cloud=cloud.target, policy=policy_text("prefer_in_cloud"))
        question = {"deadline_ms": 10_000, "privacy": "public"}
        with Agent(config, sources=[]) as agent:
            asked = [
                agent.infer("tiny", {"pixels": PIXELS}, traceparent=parent, **question).target
                for parent in (_parent(_TRACES[0]), "canary\r\n", None)
            ]
            secret = {"deadline_ms": 10_000, "privacy": "secret"}
            assert agent.infer("tiny", {"pixels": PIXELS}, traceparent=_parent(_TRACES[1]), **secret).target == "device"

        async def also() -> str:
            async with AsyncAgent(config, sources=[]) as agent:
                return (
                    await agent.infer("tiny", {"pixels": PIXELS}, traceparent=_parent(_TRACES[2]), **question)
                ).target

        asked.append(asyncio.run(also()))
        cloud.process.terminate()
        cloud.process.wait(30)
    assert asked == ["cloud"] * 4
    calls = [line for line in map(json.loads, cloud.log) if line.get("method") == "ModelInfer"]
    assert [call.get("trace_id") for call in calls] == [_TRACES[0], None, None, _TRACES[2]]
    assert "canary" not in "".join(cloud.log)
