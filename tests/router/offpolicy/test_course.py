"""What of a plan's terms would have led elsewhere, given what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.choosing.plan import Backup, Escalation, Hedge, Leg, Plan, Retry
from router.offpolicy.course import same_course
from router.running.attempt import Ending, Failure, Outcome, Role

CASCADE = Plan((Leg("device"), Leg("cloud")), Escalation("cloud", 0.7))
CLOUD = Plan((Leg("cloud"), Leg("device")), backup=Backup(0.05))
KEPT = Outcome(Ending.ANSWERED, "device", (), certain=True, score=0.8)
ESCALATED = Outcome(Ending.ANSWERED, "cloud", (), escalated=True, role=Role.ESCALATION)
HANDED_BACK = Outcome(
    Ending.ANSWERED, "device", (Failure("cloud", "UNAVAILABLE"),), escalated=True, certain=False, score=0.4
)
ANSWERED = Outcome(Ending.ANSWERED, "cloud", ())
OVERTOOK = replace(ANSWERED, overtaken=("device",))
FELL_BACK = Outcome(Ending.ANSWERED, "device", (Failure("cloud", "UNAVAILABLE"),))
BACKED_UP = Outcome(Ending.ANSWERED, "device", (Failure("cloud", "DEADLINE_EXCEEDED"),), role=Role.BACKUP)


def _below(below: float, to: str = "cloud", **more: Any) -> Plan:
    return replace(CASCADE, escalation=Escalation(to, below, **more))


@pytest.mark.parametrize(
    ("done", "would", "outcome", "taken_s", "same"),
    [
        pytest.param(CASCADE, CASCADE, KEPT, 0.01, True, id="the same plan"),
        pytest.param(CASCADE, _below(0.75), KEPT, 0.01, True, id="kept by both thresholds"),
        pytest.param(CASCADE, _below(0.85), KEPT, 0.01, False, id="kept, and escalated by the other"),
        pytest.param(CASCADE, _below(0.75, by="gain"), KEPT, 0.01, False, id="judged by another score"),
        pytest.param(CASCADE, replace(CASCADE, escalation=None), KEPT, 0.01, True, id="kept, as by who asks nobody"),
        pytest.param(replace(CASCADE, escalation=None), CASCADE, replace(KEPT, score=None), 0.01, False, id="unread"),
        pytest.param(CASCADE, replace(CASCADE, escalation=None), ESCALATED, 0.1, False, id="escalated, by one alone"),
        pytest.param(CASCADE, _below(0.75), ESCALATED, 0.1, True, id="escalated, by the higher threshold all the more"),
        pytest.param(CASCADE, _below(0.65), ESCALATED, 0.1, False, id="escalated, by the lower one perhaps"),
        pytest.param(CASCADE, _below(0.65), replace(ESCALATED, score=0.6), 0.1, True, id="escalated by both"),
        pytest.param(CASCADE, _below(0.65), replace(ESCALATED, score=0.68), 0.1, False, id="escalated by the higher"),
        pytest.param(CASCADE, _below(0.5), HANDED_BACK, 0.1, True, id="escalated by both, as the score says"),
        pytest.param(CASCADE, _below(0.7, "fog"), ESCALATED, 0.1, False, id="escalated to somebody else"),
        pytest.param(CASCADE, _below(0.7, "fog"), KEPT, 0.01, True, id="kept, whoever would have been asked"),
        pytest.param(CLOUD, replace(CLOUD, backup=Backup(0.2)), ANSWERED, 0.1, True, id="before any backup"),
        pytest.param(CLOUD, replace(CLOUD, backup=Backup(0.2)), ANSWERED, 0.85, False, id="after the other's backup"),
        pytest.param(CLOUD, replace(CLOUD, backup=Backup(0.2)), BACKED_UP, 0.99, False, id="the backup answered"),
        pytest.param(CLOUD, CLOUD, BACKED_UP, 0.99, True, id="the backup answered, of both"),
        pytest.param(CLOUD, replace(CLOUD, hedge=Hedge("device", 0.2)), ANSWERED, 0.1, True, id="before the hedge"),
        pytest.param(CLOUD, replace(CLOUD, hedge=Hedge("device", 0.2)), ANSWERED, 0.3, False, id="after the hedge"),
        pytest.param(CLOUD, replace(CLOUD, backup=None), OVERTOOK, 0.98, False, id="no backup, and one was overtaken"),
        pytest.param(CLOUD, replace(CLOUD, retry=Retry(3, 0.1, 1.0)), ANSWERED, 0.1, True, id="retries not come to"),
        pytest.param(CLOUD, replace(CLOUD, retry=Retry(3, 0.1, 1.0)), FELL_BACK, 0.1, False, id="retries come to"),
        pytest.param(CLOUD, Plan((Leg("cloud", 0.95), Leg("fog"))), ANSWERED, 0.1, False, id="given up before then"),
        pytest.param(CLOUD, Plan((Leg("fog"), Leg("device"))), ANSWERED, 0.1, False, id="another first target"),
        pytest.param(
            Plan((Leg("cloud", 2.0), Leg("device"))),
            Plan((Leg("cloud", 2.0), Leg("fog"))),
            replace(ANSWERED, target="device"),
            0.1,
            False,
            id="the first was passed over, for want of time",
        ),
        pytest.param(None, None, None, 0.0, True, id="nobody was asked, by neither"),
        pytest.param(None, CLOUD, None, 0.0, False, id="nobody was asked, by one"),
        pytest.param(CLOUD, CLOUD, None, 0.0, False, id="no end is known"),
    ],
)
def test_a_request_goes_the_same_way_where_nothing_that_differs_came_to_pass(
    done: Plan | None, would: Plan | None, outcome: Outcome | None, taken_s: float, same: bool
) -> None:
    assert same_course(done, would, outcome, taken_s, 1.0) is same
