"""What requests are charged, through an agent: runs, calls, losers, and what its receipts and metrics tell of it.

I2: inputs that are made to escalate meet the caps, and are answered on the device from then on."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent import SignalsConfig
from edge_agent.errors import NoFeasibleTarget
from edge_agent.signals import Scripted
from edge_agent.testing import Script
from router.choosing.closed import Constraint
from router.types import Resource
from tests.builders.scenes import Scene, X, answering
from tests.builders.waiting import eventually
from tests.builders.watched import Watched

UNPROBED = SignalsConfig(round_trip_s=15)
BYTES = "[budgets]\nbytes = {{ amount_mb = {amount} }}\n"
UNSURE = "[escalation]\nbelow = 0.99\n"
PAID = "[targets.cloud]\nusd_per_request = 0.01\np_wrong = 0.0\n"


def _left(watched: Watched) -> dict[Resource, float]:
    return {budget.resource: budget.left for budget in watched.agent.core.budgets()}


@pytest.mark.wide
def test_a_remote_answer_is_charged_the_bytes_that_its_receipt_tells(scene: Scene) -> None:
    with scene.agent(rules=BYTES.format(amount=1), signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X, privacy="public").receipt
        assert _left(watched)[Resource.BYTES] == pytest.approx(1 - receipt.sent_bytes / 1e6)


@pytest.mark.wide
def test_a_call_that_failed_is_charged_as_well(scene: Scene) -> None:
    scene.cloud.script = Script(fails=grpc.StatusCode.INTERNAL)
    with scene.agent(rules=BYTES.format(amount=1), signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X, privacy="public").receipt
        assert receipt.answered_by == "device"
        assert _left(watched)[Resource.BYTES] == pytest.approx(1 - receipt.sent_bytes / 1e6)


ALL = "[budgets]\nenergy = { amount_j = 1000 }\nmoney = { amount_usd = 1 }\nbytes = { amount_mb = 1 }\n"


@pytest.mark.wide
def test_a_call_that_found_no_connection_sent_nothing_and_costs_neither_dollars_nor_bytes(scene: Scene) -> None:
    """Each was charged as one that was answered, and receipts told of bytes that never left: an outage emptied the
    purse."""
    scene.link.down()
    sources = [Scripted({"link": "wifi"})]
    with scene.agent(rules=PAID + ALL, signals=UNPROBED, sources=sources) as watched:
        result = watched.infer("tiny", X, privacy="public")
        assert [failure.code for failure in result.receipt.failures] == ["UNAVAILABLE"]
        assert (result.receipt.sent, "nothing left the device" in str(result.receipt)) == ((), True)
        left = _left(watched)
        assert (left[Resource.MONEY], left[Resource.BYTES]) == (1.0, 1.0)
        # The radio was in use while it tried.
        assert left[Resource.ENERGY] == pytest.approx(1000 - result.receipt.energy_j)
        record = json.loads(result.to_json())
        assert (record["expense"]["usd"], record["expense"]["sent_bytes"]) == (0.0, 0)
        assert not watched.agent.core.metrics.counts().sent_bytes.get("cloud")


@pytest.mark.wide
def test_a_server_that_says_it_found_no_connection_was_sent_the_request_all_the_same(scene: Scene) -> None:
    """As one does that asks another server, and hands its error on."""
    words = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:8001: Connection refused"
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE, details=words)
    with scene.agent(rules=PAID + ALL, signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X, privacy="public").receipt
        assert [sent.target for sent in receipt.sent] == ["cloud"]
        assert _left(watched)[Resource.MONEY] == pytest.approx(0.99)
        assert _left(watched)[Resource.BYTES] == pytest.approx(1 - receipt.sent_bytes / 1e6)


@pytest.mark.wide
def test_a_receipt_tells_the_joules_and_where_the_watts_are_from(scene: Scene) -> None:
    policy = "[energy]\ncpu_w = 2.0\n[budgets]\nenergy = { amount_j = 1000 }\n"
    with scene.agent("prefer_on_device", rules=policy, signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X, privacy="public").receipt
        assert 0 < receipt.energy_j < 2.0 * receipt.duration_s
        assert receipt.energy_basis == "profile"
        assert " J, as published figures say" in str(receipt)
        assert _left(watched)[Resource.ENERGY] == pytest.approx(1000 - receipt.energy_j)


@pytest.mark.wide
def test_a_remote_answer_takes_what_the_radio_takes(scene: Scene) -> None:
    sources = [Scripted({"link": "cellular"})]
    with scene.agent(signals=UNPROBED, sources=sources) as watched:
        first = watched.infer("tiny", X, privacy="public").receipt
        second = watched.infer("tiny", X, privacy="public").receipt
        assert first.energy_j > 12  # woken, and a tail to come
        assert second.energy_j < 3  # in the tail of the first


@pytest.mark.wide
def test_I2_inputs_that_force_every_request_to_escalate_meet_the_caps(scene: Scene) -> None:
    scene.device.answer = answering(0.4, 0.3, 0.3)
    registry = CollectorRegistry()
    cap = "[budgets]\nmoney = { amount_usd = 0.05, price_min = 0.001, price_max = 0.001 }\n"
    policy = f"{PAID}{UNSURE}[worth]\ndollar = 0\n{cap}"
    with scene.agent("auto", rules=policy, signals=UNPROBED, registry=registry) as watched:
        results = [watched.infer("tiny", X, privacy="public") for _ in range(20)]
        sent = [result.receipt.sent_bytes > 0 for result in results]
        assert sent == [True] * 5 + [False] * 15
        late = results[-1]
        assert late.target == "device"
        assert late.receipt.certain is None or late.receipt.certain is False
        assert [c.constraint for c in late.decision.closed] == [Constraint.BUDGET]
        assert "the money of this day is used up" in late.explain()
        shown = generate_latest(registry).decode()
        assert 'nearfar_budget_left{resource="money"} 0.0' in shown


@pytest.mark.wide
def test_where_only_the_cloud_could_answer_the_error_names_the_budget(scene: Scene) -> None:
    policy = f"{PAID}[budgets]\nmoney = {{ amount_usd = 0.01 }}\n"
    with scene.agent("only_in_cloud", rules=policy, signals=UNPROBED) as watched:
        watched.infer("tiny", X, privacy="public")
        with pytest.raises(NoFeasibleTarget, match="budget") as raised:
            watched.infer("tiny", X, privacy="public")
        assert raised.value.retryable


@pytest.mark.wide
def test_what_was_spent_is_remembered_by_the_next_agent(scene: Scene, tmp_path: Path) -> None:
    more = {"rules": BYTES.format(amount=1), "signals": UNPROBED, "state": tmp_path / "state"}
    with scene.agent(**more) as watched:
        watched.infer("tiny", X, privacy="public")
        left = _left(watched)
    with scene.agent(**more) as watched:
        assert _left(watched) == left
        assert watched.agent.core.budgets_problem == ""


@pytest.mark.wide
def test_a_radio_is_woken_off_the_caller_s_thread_and_nothing_of_the_request_leaves(scene: Scene) -> None:
    policy = "[worth]\nsecond = 0.5\n[radio]\nwake = true\n"
    registry = CollectorRegistry()
    with scene.agent("auto", rules=policy, signals=UNPROBED, registry=registry) as watched:
        dispatcher = watched.agent.core.dispatcher
        result = watched.infer("tiny", X, privacy="public")
        assert watched.agent.core.door is not None
        remote = watched.agent.core.door.remotes["cloud"]
        before = scene.cloud.calls["ModelInfer"]
        dispatcher._waker.wake(remote, result.decision.situation.radio, result.decision.situation.readings)
        woken = 'nearfar_radio_wakes_total{outcome="woken"} 1.0'
        eventually(lambda: woken in generate_latest(registry).decode())
        assert scene.cloud.calls["ServerLive"] >= 2
        assert scene.cloud.calls["ModelInfer"] == before


@pytest.mark.wide
@pytest.mark.parametrize("deadline_ms", [5000, 150])
def test_a_request_that_stays_on_the_device_wakes_the_radio_and_those_that_follow_find_it_awake(
    scene: Scene, deadline_ms: float
) -> None:
    """A cloud that is much better, behind a radio that takes half a second to wake, which is dear here, or more than
    there is."""
    policy = (
        "[worth]\nsecond = 2\n[radio]\nwake = true\n[targets.device]\np_wrong = 0.5\n[targets.cloud]\np_wrong = 0.0\n"
    )
    sources = [Scripted({"link": "cellular"})]
    with scene.agent("auto", rules=policy, signals=UNPROBED, sources=sources) as watched:
        results = [watched.infer("tiny", X, privacy="public", deadline_ms=deadline_ms) for _ in range(70)]
        woke = [result for result in results if result.decision.plan is not None and result.decision.plan.wake]
        assert woke, "nothing was woken"
        assert {result.target for result in woke} == {"device"}
        assert {result.receipt.sent_bytes for result in woke} == {0}
        eventually(lambda: scene.cloud.calls["ServerLive"] >= 2)
        eventually(lambda: watched.infer("tiny", X, privacy="public", deadline_ms=deadline_ms).target == "cloud")
        secret = watched.infer("tiny", X, privacy="secret", deadline_ms=deadline_ms)
        assert secret.decision.plan is not None
        assert secret.decision.plan.targets == {"device"}
