"""Who would have been right: of requests of which both answers are known, whoever gave the one that the app got."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.cascade.audits import AuditRecord
from router.choosing.plan import Escalation, Leg, Plan
from router.offpolicy.audited import Audited

DIGEST = "sha256:" + "0" * 64
DEVICE = Plan((Leg("device"), Leg("cloud")))
CLOUD = Plan((Leg("cloud"), Leg("device")))


def _cascade(below: float, **more: Any) -> Plan:
    return replace(DEVICE, escalation=Escalation("cloud", below, **more))


def _audit(confidence: float | None = 0.5, *, kept: bool = True, **right: int) -> AuditRecord:
    return AuditRecord(
        id="r-1",
        model="m",
        device_digest=DIGEST,
        remote_digest=DIGEST,
        preprocessing_digest=DIGEST,
        at_utc=1.0,
        answer=0,
        confidence=confidence,
        kept=kept,
        disagree=int(bool(right) and right["device_right"] != right["remote_right"]),
        **right,
    )


ONLY_CLOUD_RIGHT = {"device_right": 0, "remote_right": 1}


@pytest.mark.parametrize(
    ("would", "confidence", "keeps"),
    [
        (DEVICE, 0.5, True),
        (CLOUD, 0.5, False),
        (_cascade(0.4), 0.5, True),
        (_cascade(0.5), 0.5, False),
        (_cascade(0.4), None, False),
        (replace(DEVICE, escalation=Escalation(None, 0.9, "gain")), 0.5, True),
    ],
)
def test_who_would_have_answered_follows_from_the_plan_and_the_score(
    would: Plan, confidence: float | None, keeps: bool
) -> None:
    audited = Audited()
    audited.add(_audit(confidence, **ONLY_CLOUD_RIGHT), DEVICE, would)
    found = audited.judged()
    assert (found.compared, found.labelled, found.undecided) == (1, 1, 0)
    assert found.kept.value == found.wrong.value == found.disagreeing.value == float(keeps)
    assert found.kept_as_logged.value == found.wrong_as_logged.value == 1.0


def test_a_certificate_s_score_is_in_no_audit_so_that_only_the_same_terms_can_be_told() -> None:
    audited = Audited()
    logged = _cascade(-0.1, by="gain")
    audited.add(_audit(kept=False, **ONLY_CLOUD_RIGHT), logged, _cascade(-0.1, by="gain"))
    audited.add(_audit(kept=False, **ONLY_CLOUD_RIGHT), logged, _cascade(-0.2, by="gain"))
    audited.add(_audit(**ONLY_CLOUD_RIGHT), logged, None)
    found = audited.judged()
    assert (found.compared, found.kept.value, found.undecided) == (1, 0.0, 2)


def test_without_labels_it_is_told_how_often_they_disagree_and_nothing_of_who_is_right() -> None:
    audited = Audited()
    for _ in range(3):
        audited.add(_audit(), DEVICE, DEVICE)
    found = audited.judged()
    assert (found.compared, found.labelled, found.disagreeing.value) == (3, 0, 0.0)
    assert (found.wrong.low, found.wrong.high) == (0.0, 1.0)


def test_shares_have_the_interval_of_independent_draws() -> None:
    audited = Audited()
    for number in range(100):
        right = ONLY_CLOUD_RIGHT if number < 10 else {"device_right": 1, "remote_right": 1}
        audited.add(_audit(**right), DEVICE, DEVICE)
    found = audited.judged().wrong
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.049, abs=0.001)
    assert found.high == pytest.approx(0.176, abs=0.001)
