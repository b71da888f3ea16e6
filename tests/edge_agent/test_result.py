"""What an app gets back says where it comes from, what left the device, and can be written down."""

from __future__ import annotations

import json

import grpc
import pytest

from edge_agent import Receipt, Sent, SignalsConfig
from edge_agent.signals import Scripted
from edge_agent.testing import FULL_MODEL_DIGEST, Script
from router.rules.compile import compile_policy
from router.telling.record import from_json, replay
from router.types import Kind
from tests.builders.scenes import Scene, X

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)
RULE = '[[rules]]\nname = "save-battery"\nwhen = { battery_pct = { at_most = 20 } }\nmode = "only_on_device"\n'


def test_the_receipt_of_a_remote_answer_counts_what_left_and_names_where_to(scene: Scene) -> None:
    with scene.agent(signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X, privacy="personal").receipt
        host, port = scene.link.address
        [sent] = receipt.sent
        assert (sent.target, sent.endpoint) == ("cloud", f"{host}:{port}")
        assert receipt.sent_bytes == sent.size_bytes
        # More than the tensor, less than what the transport made of it.
        assert 16 < sent.size_bytes < scene.link.bytes_up
        assert 12 < sent.received_bytes < scene.link.bytes_down
        assert (receipt.answered_by, receipt.model_digest) == ("cloud", FULL_MODEL_DIGEST)
        assert receipt.request_id == scene.cloud.last_request_id
        assert f'{sent.size_bytes} bytes to cloud ({host}:{port}); label "personal", no rule, policy test v1' in str(
            receipt
        )


def test_the_receipt_of_a_fallback_tells_both_what_left_and_who_answered(scene: Scene) -> None:
    scene.cloud.script = Script(fails=grpc.StatusCode.INTERNAL)
    with scene.agent(signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X).receipt
        assert receipt.answered_by == "device"
        assert [(sent.target, sent.received_bytes) for sent in receipt.sent] == [("cloud", 0)]
        assert "cloud failed: INTERNAL" in str(receipt)


def test_the_receipt_of_a_device_answer_says_that_nothing_left_and_by_which_rule(scene: Scene) -> None:
    with scene.agent(rules=RULE, sources=[Scripted({"battery_pct": 10.0})], signals=UNPROBED) as watched:
        result = watched.infer("tiny", X, privacy=None)
        assert result.receipt.rules == ("save-battery",)
        assert "nothing left the device; no label (the strictest), rule save-battery" in str(result.receipt)
        assert "save-battery" in result.reason
        assert watched.agent.explain(result.receipt.request_id) == result.explain()
        assert "battery_pct" in result.explain()
        assert "scripted" in result.explain()
        assert repr(result).startswith("Result(target='device', reason=")


def test_a_record_is_read_back_as_the_decision_it_was_and_replays_to_it(scene: Scene) -> None:
    """It could not be written at all while the readings were a read-only view."""
    with scene.agent("auto", rules=RULE, sources=[Scripted({"battery_pct": 50.0})]) as watched:
        result = watched.infer("tiny", X)
        line = result.to_json()
        assert "\n" not in line
        assert json.loads(line)["record"] == 3
        record = from_json(line)
        assert (record.decision, record.outcome) == (result.decision, result.outcome)
        targets = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
        policy = compile_policy((scene.folder / "policy.toml").read_bytes(), targets=targets)
        assert replay(record.decision, policy) == result.decision


def test_a_receipt_says_where_an_answer_is_not_certain() -> None:
    sent = (Sent("cloud", "a:1", 10, 0),)
    receipt = _receipt(sent, certain=False)
    assert "the answer is not certain: an escalation was due and did not come back" in str(receipt)


def test_a_receipt_says_why_an_answer_is_not_certified() -> None:
    receipt = _receipt((), certified=False, why_uncertified="the release has no certificate")
    assert "the answer is not certified: the release has no certificate" in str(receipt)


def test_a_receipt_says_which_bytes_left_to_audit() -> None:
    audit = Sent("cloud", "a:1", 10, 0, audit=True)
    assert "10 bytes to cloud (a:1) to audit" in str(_receipt((audit,)))
    assert _receipt((audit,)).audited
    assert not _receipt((Sent("cloud", "a:1", 10, 0),)).audited


def _receipt(
    sent: tuple[Sent, ...], certain: bool | None = None, certified: bool | None = None, why_uncertified: str = ""
) -> Receipt:
    return Receipt(
        request_id="r",
        model="m",
        label="public",
        answered_by="device",
        model_digest=None,
        sent=sent,
        rules=(),
        policy_name="p",
        policy_version=1,
        policy_digest="d",
        failures=(),
        certain=certain,
        certified=certified,
        why_uncertified=why_uncertified,
        promise=None,
        alarm="",
        duration_s=0.001,
        deadline_met=True,
    )
