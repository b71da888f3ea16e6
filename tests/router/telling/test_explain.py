"""A decision and its outcome, told in words."""

from __future__ import annotations

import pytest

from router.choosing.engine import Decision, decide
from router.running.attempt import Ending, Failure, Outcome
from router.telling.explain import in_words, reason
from router.types import Situation
from tests.router.situations import NOW, policy_of, readings_of, situation, target

RULE = '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 } }\nmode = "prefer_on_device"\n'
ESCALATING = policy_of("[escalation]\nbelow = 0.8\nshare = 0.05\n[targets.cloud]\nusd_per_request = 0.3\n")


def _answered(target_name: str, *failures: Failure, **particulars: object) -> Outcome:
    return Outcome(Ending.ANSWERED, target_name, failures, **particulars)  # type: ignore[arg-type]  # as the row says


PLAIN = decide(policy_of(), situation())
RULED = decide(policy_of(RULE), situation(readings={"battery_pct": 10.0}))
ALONE = decide(policy_of(), situation(label="secret"))
CASCADE = decide(ESCALATING, situation())
CLOUD_DOWN = Failure("cloud", "UNAVAILABLE")


@pytest.mark.parametrize(
    ("decision", "outcome", "said"),
    [
        pytest.param(PLAIN, _answered("cloud"), 'cloud: "cloud" costs 0.0534, "device" 0.1', id="weighed"),
        pytest.param(RULED, _answered("device"), "device: mode prefer_on_device by rule low", id="ruled"),
        pytest.param(
            ALONE, _answered("device"), "device: device is the only plan left (cloud closed by label)", id="alone"
        ),
        pytest.param(
            CASCADE,
            _answered("device", certain=True, score=0.9),
            'device: "device, then cloud if uncertain" costs 0.0704, "device" 0.1; '
            "certain enough: score 0.9 is above 0.8",
            id="certain",
        ),
        pytest.param(
            CASCADE,
            _answered("cloud", escalated=True),
            'cloud: "device, then cloud if uncertain" costs 0.0704, "device" 0.1; '
            "escalated: the device was not certain enough",
            id="escalated",
        ),
        pytest.param(
            CASCADE,
            _answered("device", CLOUD_DOWN, escalated=True, certain=False),
            'device: "device, then cloud if uncertain" costs 0.0704, "device" 0.1; '
            "not certain, and kept: cloud failed (UNAVAILABLE)",
            id="kept",
        ),
        pytest.param(
            RULED,
            _answered("cloud", Failure("device", "INTERNAL")),
            "cloud: mode prefer_on_device by rule low; after device failed (INTERNAL)",
            id="fallback",
        ),
        pytest.param(
            RULED,
            _answered("device", late=True),
            "device: mode prefer_on_device by rule low; late: its run ended after the deadline",
            id="late",
        ),
        pytest.param(
            RULED,
            Outcome(Ending.FAILED, None, (CLOUD_DOWN, Failure("device", "INTERNAL"))),
            "failed: cloud failed (UNAVAILABLE), device failed (INTERNAL)",
            id="failed",
        ),
        pytest.param(
            RULED, Outcome(Ending.DEADLINE_EXCEEDED, None, ()), "deadline_exceeded: nothing was asked", id="too late"
        ),
    ],
)
def test_the_reason_is_one_line(decision: Decision, outcome: Outcome, said: str) -> None:
    assert reason(decision, outcome) == said


def test_the_story_tells_readings_rules_targets_what_is_closed_and_what_was_weighed() -> None:
    rules = (
        '[[rules]]\nname = "busy"\nwhen = { cpu_load = { greater_than = 0.5 }, charging = true }\nmode = "auto"\n'
        '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 } }\nforbid = ["fog"]\n'
    )
    policy = policy_of(rules)
    of = situation(target("device"), target("cloud"), target("fog"), left_ms=2500)
    readings = readings_of({"battery_pct": 10.0, "charging": None}) | readings_of({"cpu_load": 0.9}, at=NOW - 60)
    decision = decide(policy, Situation(of.request, readings, of.targets, None, NOW))
    assert in_words(decision, _answered("cloud")).splitlines() == [
        'Request r-1 for m: label "public", 2500 ms to its deadline.',
        f"Mode auto, after rule low; policy {policy.digest[:19]}.",
        "  read cpu_load stale (0.9, 60.0 s old)",
        "  read charging unknown (test)",
        "  read battery_pct = 10 (test, 0.0 s old)",
        "  device: 2.5 ms to 10 ms after 50 answers",
        "  cloud: 30 ms to 120 ms after 50 answers, 1000 bytes to send",
        "  fog: 30 ms to 120 ms after 50 answers, 1000 bytes to send",
        '  fog is closed by rule: rule "low" forbids it',
        "  chosen: cloud, cost 0.05336 (wrong 0.05, missed 0, failed 0, 67.2 ms, $0, 1000 bytes, 0.0494 J)",
        "  or: device, cost 0.1003 (wrong 0.1, missed 0, failed 0, 5.6 ms, $0, 0 bytes, 0.0101 J)",
        "Plan: cloud, else device; device as well 30 ms before the deadline.",
        'Outcome: cloud: "cloud" costs 0.0534, "device" 0.1 by rule low.',
    ]


def test_a_request_that_nobody_may_answer_is_told_as_such() -> None:
    story = in_words(decide(policy_of('mode = "only_in_cloud"'), situation(label=None)))
    assert "no label (the strictest)" in story
    assert "device is closed by mode: mode only_in_cloud closes the device" in story
    assert story.endswith("No plan: every target is closed.")


def test_a_reading_that_nobody_took_is_told_as_unknown() -> None:
    assert "read battery_pct unknown (no source)" in in_words(decide(policy_of(RULE), situation()))
