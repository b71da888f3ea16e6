"""The journal is a ring: bounded, the newest last, and safe to write from many threads."""

from __future__ import annotations

import threading

import pytest

from edge_agent import NoFeasibleTarget
from edge_agent.telemetry.journal import Journal
from router.choosing.engine import Decision
from router.running.attempt import Ending
from tests.builders.scenes import Scene, X

pytestmark = pytest.mark.wide


def test_the_newest_are_kept_and_found_by_their_request(scene: Scene) -> None:
    with scene.agent("only_on_device", journal_size=3) as watched:
        ids = [watched.infer("tiny", X).receipt.request_id for _ in range(5)]
        entries = watched.agent.last(10)
        assert [entry.decision.situation.request.id for entry in entries] == ids[2:]
        assert [entry.decision.situation.request.id for entry in watched.agent.last(1)] == ids[4:]
        assert watched.agent.last(0) == []
        assert ids[4] in watched.agent.explain(ids[4])
        with pytest.raises(KeyError):
            watched.agent.explain(ids[0])


def test_a_request_that_nobody_may_answer_is_kept_without_an_outcome(scene: Scene) -> None:
    with scene.agent("only_in_cloud") as watched:
        with pytest.raises(NoFeasibleTarget):
            watched.infer("tiny", X, privacy="secret")
        [entry] = watched.agent.last()
        assert entry.outcome is None
        assert entry.decision.plan is None


def test_many_threads_write_and_read_at_once(scene: Scene) -> None:
    with scene.agent("only_on_device") as watched:
        decision: Decision = watched.infer("tiny", X).decision
        entry = watched.agent.last(1)[0]
        assert entry.outcome is not None
        assert entry.outcome.ending is Ending.ANSWERED
    journal = Journal(10)
    wrong = list[int]()

    def write() -> None:
        for _ in range(500):
            journal.add(decision, None)
            if len(journal.last(20)) > 10:
                wrong.append(len(journal))
            journal.find("nobody")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(journal), wrong) == (10, [])
