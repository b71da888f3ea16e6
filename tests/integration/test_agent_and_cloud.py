"""The agent against `nearfar-cloud serve` as a process of its own: one request, routed, end to end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from edge_agent import Agent, AllTargetsFailed, AsyncAgent
from nearfar_wire.digest import digest_of
from router.types import BreakerPhase
from tests.builders.agents import FULL, PIXELS, SMALL, Home, policy_text
from tests.builders.processes import CloudProcess, cloud_process
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A service with the full model."""
    models = write_repository(tmp_path_factory.mktemp("cloud") / "models", {"tiny": FULL})
    with cloud_process(models) as cloud:
        yield cloud


def _bare(model: bytes) -> np.ndarray:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    answer: np.ndarray = session.run(["probabilities"], {"pixels": PIXELS})[0]
    return answer


@pytest.mark.parametrize(
    ("mode", "privacy", "target", "model"),
    [
        ("prefer_in_cloud", "public", "cloud", FULL),
        ("prefer_in_cloud", "secret", "device", SMALL),
        ("prefer_on_device", "public", "device", SMALL),
        ("only_in_cloud", "personal", "cloud", FULL),
        ("only_on_device", "public", "device", SMALL),
    ],
)
def test_the_answer_is_that_of_the_model_that_the_receipt_names(
    home: Home, cloud: CloudProcess, mode: str, privacy: str, target: str, model: bytes
) -> None:
    with Agent(home.config(cloud=cloud.target, policy=policy_text(mode)), sources=[]) as agent:
        result = agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy=privacy)
        assert (result.target, result.receipt.model_digest) == (target, digest_of(model))
        np.testing.assert_allclose(result.outputs["probabilities"], _bare(model), rtol=1e-5)
        assert list(result.outputs) == ["probabilities"]
        assert bool(result.receipt.sent) is (target == "cloud")


def test_ten_lines_of_an_app(home: Home, cloud: CloudProcess) -> None:
    release = home.release()
    home.policy(policy_text("prefer_in_cloud"))
    path = home.root / "agent.toml"
    path.write_text(
        f'schema = 1\npolicy = "policy.toml"\n[models.tiny]\nrelease = "{release.relative_to(home.root).as_posix()}"\n'
        f'[targets.cloud]\naddress = "{cloud.target}"\n',
        encoding="utf-8",
    )
    with Agent.from_config(path) as agent:
        result = agent.infer("tiny", {"pixels": PIXELS.tolist()}, deadline_ms=10_000, privacy="personal")
        assert result.target == "cloud"
        assert "mode prefer_in_cloud" in result.reason
        assert f"bytes to cloud ({cloud.target})" in str(result.receipt)


def test_the_same_from_asyncio_many_at_once(home: Home, cloud: CloudProcess) -> None:
    async def infer() -> set[str]:
        async with AsyncAgent(
            home.config(cloud=cloud.target, policy=policy_text("prefer_in_cloud")), sources=[]
        ) as agent:
            wanted = _bare(FULL)
            results = await asyncio.gather(
                *(agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=20_000, privacy="public") for _ in range(50))
            )
            for result in results:
                np.testing.assert_allclose(result.outputs["probabilities"], wanted, rtol=1e-5)
            return {result.target for result in results}

    assert asyncio.run(infer()) == {"cloud"}


def test_a_release_made_with_another_full_model_refuses_this_ones_answers(home: Home, cloud: CloudProcess) -> None:
    folder = home.release(full=digest_of(b"another model"))
    config = home.config(folder, cloud=cloud.target, policy=policy_text("only_in_cloud"))
    with (
        Agent(config, sources=[]) as agent,
        pytest.raises(AllTargetsFailed, match=r"cloud: BAD_RESPONSE .*this release was made with"),
    ):
        agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy="public")


def test_a_model_that_the_cloud_does_not_have_is_answered_by_the_device_and_is_no_outage(
    home: Home, cloud: CloudProcess
) -> None:
    folder = home.release()
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('model = "tiny"', 'model = "huge"'), encoding="utf-8")
    with Agent(home.config(folder, cloud=cloud.target, policy=policy_text("prefer_in_cloud")), sources=[]) as agent:
        result = agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy="public")
        assert (result.target, [f.code for f in result.receipt.failures]) == ("device", ["MODEL_NOT_FOUND"])
        assert agent.core.phase("cloud") is BreakerPhase.CLOSED


def test_the_cloud_stops_and_the_app_goes_on(home: Home, tmp_path: Path) -> None:
    models = write_repository(tmp_path / "models", {"tiny": FULL})
    with (
        cloud_process(models) as cloud,
        Agent(home.config(cloud=cloud.target, policy=policy_text("prefer_in_cloud")), sources=[]) as agent,
    ):

        def target() -> str:
            return agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=5000, privacy="public").target

        assert target() == "cloud"
        cloud.process.terminate()
        assert cloud.process.wait(30) == 0
        assert [target() for _ in range(20)] == ["device"] * 20
        assert agent.core.phase("cloud") is BreakerPhase.OPEN
