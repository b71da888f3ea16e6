"""What was learnt of times outlives the process; and a file that says nonsense costs nothing but that."""

from __future__ import annotations

import logging
import os
import random
from pathlib import Path

import pytest

from edge_agent.experience import Experience, ModelFacts, TargetFacts
from edge_agent.remembered import Remembered
from edge_agent.testing import FakeClock, Faults
from router.rules.compile import compile_policy
from router.types import Kind
from tests.builders.agents import policy_text
from tests.builders.scenes import Scene, X

KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
FACTS = ModelFacts("tiny", tuple(TargetFacts(name, kind, True, "", 1000, None) for name, kind in KINDS.items()))


class Run:
    """One run of an agent, as far as what it learns goes."""

    def __init__(self, path: Path, *, utc: float = 1.7e9) -> None:
        self.clock = FakeClock()
        self.experience = Experience(compile_policy(policy_text().encode()), chance=random.Random(0))
        self.remembered = Remembered(path, self.experience, KINDS, {"tiny"}, clock=self.clock, utc=lambda: utc)

    def answers_in(self, taken_s: float) -> None:
        call = self.experience.admit("cloud", Kind.CLOUD, "tiny", 100, {}, self.clock())
        assert call is not None
        self.experience.remote_succeeded(call, "tiny", 100, taken_s, self.clock())

    @property
    def expects_s(self) -> float:
        return self.experience.views(FACTS, 100, {}, self.clock())[1].time.median_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "learnt.json"


def test_the_next_run_expects_what_the_last_one_saw(path: Path) -> None:
    first = Run(path)
    for _ in range(5):
        first.answers_in(2.0)
    first.remembered.save()
    second = Run(path, utc=1.7e9 + 86_400)
    second.remembered.load()
    assert second.expects_s == pytest.approx(2.0, rel=0.05)


def test_without_a_file_nothing_is_known_and_nothing_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(path)
    before = run.expects_s
    run.remembered.load()
    assert run.expects_s == before
    assert not caplog.records


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b'{"saved": 99}', b"\xff" * 100], ids=repr)
def test_H8_a_file_of_another_version_is_told_of_and_written_anew_at_the_end(
    path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    run = Run(path)
    run.remembered.load()
    assert "not used" in caplog.text
    run.answers_in(2.0)
    run.remembered.save()
    again = Run(path)
    again.remembered.load()
    assert again.expects_s == pytest.approx(run.expects_s, rel=0.05)


def test_a_folder_in_the_file_s_place_is_told_of_once_and_harms_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir(parents=True)
    run = Run(path)
    run.remembered.load()
    run.answers_in(2.0)
    run.remembered.save()
    run.remembered.save()
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING]
    assert "cannot be read" in caplog.messages[0]
    assert "cannot be written" in caplog.messages[1]
    assert list(path.parent.iterdir()) == [path], "something half-written was left"


@pytest.mark.skipif(os.name == "nt", reason="no such rights there")
def test_nobody_else_may_read_it(path: Path) -> None:
    run = Run(path)
    run.remembered.save()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.wide
def test_an_agent_that_starts_again_decides_by_what_it_knew(tmp_path: Path) -> None:
    """A cloud that is slow was found out again after each start."""
    rules = "[worth]\nwrong_answer = 0.1\nsecond = 1.0\n"
    with Scene(tmp_path) as scene:
        state = {"state": tmp_path / "state"}
        with scene.agent("only_in_cloud", **state) as watched:
            scene.link.faults = Faults(latency_s=0.15)
            for _ in range(4):
                watched.infer("tiny", X, deadline_ms=5000)
        with scene.agent("auto", rules=rules, **state) as watched:
            decision = watched.agent.core.look("tiny", "public", {"rtt_ms.cloud": None})
            [cloud] = [view for view in decision.situation.targets if view.name == "cloud"]
            assert cloud.time.samples > 0
            assert cloud.time.median_s > 0.1
        with scene.agent("auto", rules=rules, state=tmp_path / "another") as watched:
            decision = watched.agent.core.look("tiny", "public", {"rtt_ms.cloud": None})
            [fresh] = [view for view in decision.situation.targets if view.name == "cloud"]
            assert fresh.time.samples == 0
            assert fresh.time.median_s < 0.1
