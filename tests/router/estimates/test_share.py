from __future__ import annotations

import pytest

from router.estimates import EstimateSettings, Share

SETTINGS = EstimateSettings(memory_samples=20, forget_after_s=60)


def test_the_first_answer_does_not_pass_for_always() -> None:
    """It did: after one escalation of one, everything went to the cloud, where nothing could show otherwise."""
    share = Share(SETTINGS, believed=0.3)
    share.observe(True, 0.0)
    assert share.value(0.0) == pytest.approx(0.37, abs=0.01)


def test_a_first_failure_leaves_most_of_the_trust() -> None:
    share = Share(SETTINGS, believed=0.0)
    share.observe(True, 0.0)
    assert share.value(0.0) == pytest.approx(0.1, abs=0.01)


def test_a_belief_alone_is_nothing_known() -> None:
    assert Share(SETTINGS, believed=0.3).value(0.0) is None


def test_a_belief_fades_as_answers_come() -> None:
    share = Share(SETTINGS, believed=0.3)
    for at in range(200):
        share.observe(True, float(at))
    assert share.value(200.0) == pytest.approx(1.0, abs=0.001)


def test_a_belief_speaks_again_after_what_was_seen_is_forgotten() -> None:
    share = Share(SETTINGS, believed=0.3)
    for at in range(100):
        share.observe(True, at / 100)
    share.observe(True, 100.0)
    assert share.value(100.0) == pytest.approx(0.37, abs=0.01)
