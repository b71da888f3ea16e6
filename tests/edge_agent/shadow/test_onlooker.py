"""What a policy that only looks on costs, and what it can never do: bounded, off the request's thread, harmless."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from edge_agent.shadow import Shadow, ShadowDifference, ShadowFile
from edge_agent.telemetry.metrics import Metrics
from edge_agent.telemetry.record_log import RecordLog
from router.choosing.engine import Decision, decide
from router.cli.record_lines import RecordLines
from router.rules.policy import Policy
from router.running.attempt import Ending, Outcome
from router.telling.record import from_json, replay
from router.telling.shadow import ShadowChoice
from router.types import Kind, Situation
from tests.builders.agents import policy_text
from tests.builders.waiting import eventually
from tests.router.situations import policy_of, situation

TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
ACTING = policy_of('mode = "only_on_device"')
ANSWERED = Outcome(Ending.ANSWERED, "device", ())


def _request(number: int) -> Situation:
    at = situation()
    return replace(at, request=replace(at.request, id=f"r-{number}"))


DECISIONS = [decide(ACTING, _request(number)) for number in range(20)]


class Beside:
    """A shadow that no thread works for, until it is started."""

    def __init__(
        self,
        folder: Path,
        *,
        text: str | None = None,
        kept: int = 100,
        decide: Callable[[Policy, Situation], Decision] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], object] = lambda _: None,
    ) -> None:
        self.path = folder / "policy-next.toml"
        self.path.write_text(text or policy_text("prefer_in_cloud", name="next"), encoding="utf-8")
        self.acting = ACTING
        self.metrics = Metrics()
        self.records_path = folder / "records.jsonl"
        self.records = RecordLog(self.records_path, 1 << 28, self.metrics.records)
        file = ShadowFile(self.path, TARGETS, on_outcome=self.metrics.shadow_reload, pause=lambda _: None)
        self.shadow = Shadow(
            file,
            lambda: self.acting,
            metrics=self.metrics,
            kept=kept,
            records=self.records,
            decide=decide,
            clock=clock,
            pause=pause,
        )

    @property
    def looked(self) -> list[tuple[str, ShadowChoice | None]]:
        """What is recorded: which request, and what the shadow would have done."""
        self.records.close()
        lines = self.records_path.read_text("utf-8").splitlines()
        return [(record.decision.situation.request.id, record.shadow) for record in map(from_json, lines)]


def test_it_decides_what_a_replay_of_the_record_would(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    policy = beside.shadow.file.current
    assert policy is not None
    for decision in DECISIONS:
        beside.shadow.add(decision, ANSWERED)
    beside.shadow.settle()
    for decision in DECISIONS:
        choice = beside.shadow.choice_of(decision.situation.request.id)
        assert choice is not None
        assert choice.plan == replay(decision, policy).plan


def test_differences_are_counted_by_what_was_done_and_would_have_been(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    for decision in DECISIONS[:3]:
        beside.shadow.add(decision, ANSWERED)
    other = decide(beside.shadow.file.current or ACTING, _request(99))
    beside.shadow.add(replace(other, policy_digest=ACTING.digest), ANSWERED)
    summary = beside.shadow.summary()
    assert (summary.compared, summary.agreed, summary.dropped, summary.failed) == (4, 1, 0, 0)
    assert summary.differences == (ShadowDifference("device", "cloud", "mode", 3),)
    assert summary.policy is not None
    assert (summary.policy.name, summary.problem) == ("next", None)
    assert beside.metrics.counts().shadowed == {
        ("m", "device", "cloud", "mode"): 3,
        ("m", "cloud", "cloud", "agrees"): 1,
    }
    assert beside.metrics.totals()["shadow_differs"] == 3


def test_what_both_expected_is_told_in_the_mean(tmp_path: Path) -> None:
    cheap = policy_text(more="[targets.cloud]\nusd_per_request = 0.5\n[worth]\ndollar = 0.0\nwrong_answer = 100.0\n")
    beside = Beside(tmp_path, text=cheap)
    acting = beside.acting = policy_of("[worth]\nsecond = 1000.0\n")
    decisions = [decide(acting, _request(number)) for number in range(3)]
    for decision in decisions:
        beside.shadow.add(decision, ANSWERED)
    beside.shadow.add(replace(DECISIONS[0], policy_digest=acting.digest), ANSWERED)  # a mode: nothing was weighed
    summary = beside.shadow.summary()
    assert (summary.compared, summary.weighed) == (4, 3)
    assert summary.acted is not None and summary.shadow is not None
    assert summary.acted.usd == 0.0
    assert summary.shadow.usd == pytest.approx(0.5)
    assert summary.acted.seconds == pytest.approx(decisions[0].candidates[0].expected.seconds)


@pytest.mark.wide
def test_what_does_not_fit_the_queue_is_dropped_counted_and_recorded_without_it(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    for number in range(3000):
        beside.shadow.add(DECISIONS[number % 20], ANSWERED)
    summary = beside.shadow.summary()
    assert (summary.compared, summary.dropped) == (2048, 952)
    assert [choice is None for _, choice in beside.looked] == [False] * 2048 + [True] * 952
    assert beside.metrics.counts().shadow_missed == {"dropped": 952}


@pytest.mark.wide
def test_records_leave_in_the_order_in_which_requests_ended(tmp_path: Path) -> None:
    """What did not fit the queue went into the log at once, and what waited in it followed seconds later: `replay` said
    that the clock goes back, of records that the agent had written itself."""
    beside = Beside(tmp_path)
    seconds = count(1000)
    beside.shadow._utc = lambda: next(seconds)
    for number in range(2500):
        beside.shadow.add(decide(ACTING, _request(number)), ANSWERED, 0.25)
    beside.shadow.settle()
    assert [name for name, _ in beside.looked] == [f"r-{number}" for number in range(2500)]
    read = RecordLines([beside.records_path])
    assert sum(1 for _ in read) == 2500
    assert (read.backwards, read.silence_s) == (0, 1.0)


@pytest.mark.wide
def test_two_who_look_at_a_time_keep_the_order(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    for number in range(2000):
        beside.shadow.add(decide(ACTING, _request(number)), ANSWERED)
    others = [threading.Thread(target=beside.shadow.settle) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [name for name, _ in beside.looked] == [f"r-{number}" for number in range(2000)]


@pytest.mark.wide
def test_what_cannot_even_wait_for_its_turn_is_lost_and_counted(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    for _ in range(10_100):
        beside.shadow.add(DECISIONS[0], ANSWERED)
    beside.records.close()
    assert beside.metrics.counts().records["dropped"] == 100


def test_without_records_nothing_waits_that_is_not_looked_at(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.shadow._records = None
    for _ in range(3000):
        beside.shadow.add(DECISIONS[0], ANSWERED)
    assert len(beside.shadow._waiting) == 2048


def test_no_more_choices_are_remembered_than_the_journal_has(tmp_path: Path) -> None:
    beside = Beside(tmp_path, kept=5)
    for decision in DECISIONS:
        beside.shadow.add(decision, ANSWERED)
    beside.shadow.settle()
    remembered = [number for number in range(20) if beside.shadow.choice_of(f"r-{number}") is not None]
    assert remembered == [15, 16, 17, 18, 19]


def test_a_decision_that_crashes_is_counted_and_told_once_and_the_next_is_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def crash_on_odd(policy: Policy, at: Situation) -> Decision:
        if int(at.request.id[2:]) % 2:
            raise RuntimeError("a secret")
        return decide(policy, at)

    beside = Beside(tmp_path, decide=crash_on_odd)
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        for decision in DECISIONS:
            beside.shadow.add(decision, ANSWERED)
        summary = beside.shadow.summary()
    assert (summary.compared, summary.failed) == (10, 10)
    assert [choice is None for _, choice in beside.looked] == [False, True] * 10
    assert beside.metrics.counts().shadow_missed == {"failed": 10}
    (record,) = caplog.records
    assert "RuntimeError" in record.message and "a secret" not in caplog.text


def test_counting_begins_anew_where_one_of_the_two_is_replaced(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.shadow.add(DECISIONS[0], ANSWERED)
    assert beside.shadow.summary().compared == 1
    beside.path.write_text(policy_text("only_on_device", version=2, name="next"), encoding="utf-8")
    beside.shadow.file.refresh()
    assert beside.shadow.summary().compared == 0
    beside.shadow.add(DECISIONS[0], ANSWERED)
    assert beside.shadow.summary().agreed == 1
    beside.acting = policy_of('mode = "prefer_on_device"')
    beside.shadow.add(DECISIONS[0], ANSWERED)  # began under the policy before
    assert beside.shadow.summary().compared == 0


def test_with_a_broken_file_every_request_is_recorded_all_the_same(tmp_path: Path) -> None:
    beside = Beside(tmp_path, text="broken")
    beside.shadow.add(DECISIONS[0], ANSWERED)
    summary = beside.shadow.summary()
    assert (summary.policy, summary.compared, beside.looked) == (None, 0, [("r-0", None)])
    assert "not TOML" in (summary.problem or "")


@pytest.mark.wide
def test_a_thread_of_its_own_looks_and_lets_others_run_where_that_takes_long(tmp_path: Path) -> None:
    """Without a pause a request that has just run its model waits for the interpreter until all are decided."""
    paused: list[str] = []
    seconds = count()
    beside = Beside(
        tmp_path, clock=lambda: next(seconds), pause=lambda _: paused.append(threading.current_thread().name)
    )
    beside.shadow.start()
    try:
        for decision in DECISIONS:
            beside.shadow.add(decision, ANSWERED)
        eventually(lambda: len(paused) == 20)
    finally:
        beside.shadow.stop()
        beside.shadow.stop()
    assert set(paused) == {"nearfar-shadow"}
    assert "nearfar-shadow" not in {thread.name for thread in threading.enumerate()}


def test_what_waits_is_looked_at_before_it_ends(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.shadow.start()
    for decision in DECISIONS:
        beside.shadow.add(decision, ANSWERED)
    beside.shadow.stop()
    assert len(beside.looked) == 20


def test_a_record_says_when_the_request_came_and_not_when_it_was_looked_at(tmp_path: Path) -> None:
    hours = [1000.0]
    beside = Beside(tmp_path)
    beside.shadow._utc = lambda: hours[0]
    beside.shadow.add(DECISIONS[0], ANSWERED, 1.5)
    hours[0] = 9000.0
    beside.shadow.settle()
    beside.records.close()
    (record,) = map(from_json, beside.records_path.read_text("utf-8").splitlines())
    assert (record.began_utc, record.taken_s) == (998.5, 1.5)
