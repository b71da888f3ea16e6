"""A new policy that harms is taken back: the one before it is in force again, and its text is not taken twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.policies import PolicyFile
from edge_agent.policy_guard import Guard
from edge_agent.testing import FakeClock
from router.rules.policy import Policy
from router.rules.probation import Tally
from router.types import Kind
from tests.builders.agents import policy_text

TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
REVERT = "[revert]\n"
GOOD, BAD = Tally(100, 1, 10), Tally(100, 60, 10)


class Agent:
    """A policy file, its guard, and requests that end as a test says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.counted = Tally()
        self.changes: list[Policy] = []
        self.outcomes: list[str] = []
        self.write(1, more=REVERT)
        self.file = PolicyFile(
            path,
            TARGETS,
            on_change=self.changes.append,
            on_outcome=self.outcomes.append,
            pause=lambda _: None,
            guard=Guard(lambda: self.counted, self.clock),
        )

    def write(self, version: int, *, more: str = REVERT) -> None:
        self.path.write_text(policy_text(version=version, more=more), encoding="utf-8")

    def ended(self, more: Tally, *, after_s: float = 2.0) -> None:
        """Requests ended, and the file was looked at."""
        c = self.counted
        self.counted = Tally(c.requests + more.requests, c.failed + more.failed, c.remote + more.remote)
        self.clock.advance(after_s)
        self.file.refresh()

    @property
    def version(self) -> int:
        return self.file.current.version


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    agent = Agent(tmp_path / "policy.toml")
    agent.ended(GOOD)
    return agent


def test_a_policy_that_harms_is_taken_back_and_the_agent_says_why(agent: Agent) -> None:
    agent.write(2)
    agent.ended(GOOD)
    assert agent.version == 2
    agent.ended(BAD)
    assert agent.version == 1
    assert agent.file.status.problem == (
        "version 2 was taken back: 60 of 100 requests got no answer, where 6% is the most allowed"
    )
    assert agent.outcomes == ["adopted", "taken_back"]
    assert [policy.version for policy in agent.changes] == [2, 1]


def test_its_text_is_not_taken_again_and_a_higher_version_is(agent: Agent) -> None:
    agent.write(2)
    agent.ended(Tally())
    agent.ended(BAD)
    agent.ended(GOOD)
    assert agent.version == 1
    agent.path.write_text("broken", encoding="utf-8")
    agent.ended(GOOD)
    agent.write(2)
    agent.ended(GOOD)
    assert agent.version == 1
    assert "version 2 did harm, and was taken back before" in (agent.file.status.problem or "")
    agent.write(3)
    agent.ended(GOOD)
    assert (agent.version, agent.file.status.problem) == (3, None)


def test_the_text_of_before_puts_the_file_right_though_its_version_is_lower(agent: Agent) -> None:
    agent.write(2)
    agent.ended(Tally())
    agent.ended(BAD)
    agent.write(1)
    agent.ended(GOOD)
    assert (agent.version, agent.file.status.problem) == (1, None)


def test_another_text_of_the_lower_version_is_not_taken(agent: Agent) -> None:
    agent.write(2)
    agent.ended(Tally())
    agent.ended(BAD)
    agent.write(1, more=REVERT + "within_s = 60\n")
    agent.ended(GOOD)
    assert "version 1 is older than 2, which was in force" in (agent.file.status.problem or "")


def test_one_that_stood_its_test_stays_whatever_comes(agent: Agent) -> None:
    agent.write(2)
    agent.ended(Tally())
    agent.ended(GOOD, after_s=900.0)
    agent.ended(BAD)
    assert agent.version == 2


def test_without_the_table_nothing_is_taken_back(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "policy.toml")
    agent.write(2, more="")
    agent.ended(GOOD)  # version 2, under the bounds of version 1; of which too little is known
    agent.ended(GOOD)
    agent.write(3, more="")
    agent.ended(GOOD)
    agent.ended(BAD)
    assert agent.version == 3


def test_bounds_of_the_policy_before_hold_where_the_new_one_names_none(agent: Agent) -> None:
    agent.write(2, more="")
    agent.ended(Tally())
    agent.ended(BAD)
    assert agent.version == 1


def test_a_policy_that_means_to_use_the_cloud_more_says_so(agent: Agent) -> None:
    agent.write(2, more=REVERT + "remote_rise = 1\n")
    agent.ended(Tally())
    agent.ended(Tally(100, 1, 100))
    assert agent.version == 2


def test_what_replaces_an_unproven_policy_is_held_against_the_last_proven_one(agent: Agent) -> None:
    agent.write(2)
    agent.ended(Tally())
    agent.ended(Tally(20, 1, 2))
    agent.write(3)
    agent.ended(Tally())
    agent.ended(BAD)
    assert agent.version == 1
