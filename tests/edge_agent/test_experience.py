"""What an agent learns from its calls, and when it forgets."""

from __future__ import annotations

import random
import threading

import pytest

from edge_agent.experience import Admission, Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.running.advice import Told
from router.running.breaker import CLOSED, BreakerState
from router.types import BreakerPhase, Kind, Reading, TargetView
from tests.builders.agents import policy_text

FACTS = ModelFacts(
    "tiny",
    (
        TargetFacts("device", Kind.DEVICE, True, "", 0, 0.1),
        TargetFacts("cloud", Kind.CLOUD, True, "", 10_000, 0.05),
    ),
)
# So that a reading growing old is not what changes.
LASTING = '[stale_after_s]\n"rtt_ms.cloud" = 3600.0\n'
MEASURED = {"rtt_ms.cloud": Reading("rtt_ms.cloud", 10.0, "probe", 0.0)}
MANY = 25
"""Requests by which a target that they pass over is forgotten, if the time is over as well."""


def _policy(more: str = "", *, version: int = 1) -> Policy:
    return compile_policy(policy_text(version=version, more=more).encode())


def _experience(more: str = "") -> Experience:
    return Experience(_policy(f"{LASTING}{more}"), chance=random.Random(0))


def _cloud(experience: Experience, now: float, *, upload_bytes: int = 100) -> TargetView:
    return experience.views(FACTS, upload_bytes, MEASURED, now)[1]


def _admitted(experience: Experience, now: float) -> Admission:
    admission = experience.admit("cloud", Kind.CLOUD, "tiny", 100, MEASURED, now)
    assert admission is not None
    return admission


def test_views_are_the_same_object_until_something_has_changed() -> None:
    experience = _experience()
    before = experience.views(FACTS, 100, MEASURED, 0.0)
    assert experience.views(FACTS, 100, MEASURED, 1.0) is before
    assert experience.views(FACTS, 200, MEASURED, 1.0) is not before
    before = experience.views(FACTS, 100, MEASURED, 1.0)
    assert experience.views(FACTS, 100, dict(MEASURED), 1.0) is before
    slower = {"rtt_ms.cloud": Reading("rtt_ms.cloud", 90.0, "probe", 1.0)}
    assert experience.views(FACTS, 100, slower, 1.0) is not before
    before = experience.views(FACTS, 100, MEASURED, 1.0)
    experience.remote_failed(_admitted(experience, 1.0), "tiny", blamed=True, now=1.0)
    assert experience.views(FACTS, 100, MEASURED, 1.0) is not before


def test_a_target_that_answers_slowly_looks_slow_and_is_given_another_chance_later() -> None:
    experience = _experience()
    fresh = _cloud(experience, 0.0).time
    for _ in range(5):
        experience.remote_succeeded(_admitted(experience, 1.0), "tiny", 100, 3.0, 1.0)
    assert _cloud(experience, 1.0).time.median_s == pytest.approx(3.0, rel=0.05)
    assert _cloud(experience, 60.9).time.median_s == pytest.approx(3.0, rel=0.05)
    for _ in range(3):
        time = _cloud(experience, 61.1).time
    assert time == fresh


def test_a_target_that_timed_out_is_given_another_chance_though_nothing_else_has_changed() -> None:
    """Only its failures' forgetting was waited for, of which there were none: it was shut out for good."""
    experience = _experience()
    fresh = _cloud(experience, 0.0).time
    experience.remote_failed(_admitted(experience, 1.0), "tiny", blamed=False, now=1.0, gave_up_s=5.0)
    assert _cloud(experience, 2.0).time.median_s > 1
    for _ in range(MANY):
        time = _cloud(experience, 62.0).time
    assert time == fresh


def test_a_target_that_failed_is_believed_to_fail_until_that_is_forgotten() -> None:
    experience = _experience()
    experience.remote_failed(_admitted(experience, 1.0), "tiny", blamed=False, now=1.0)
    assert _cloud(experience, 2.0).p_fail > 0
    assert _cloud(experience, 62.0).p_fail == 0


def test_a_breaker_that_opened_is_seen_to_half_open_by_time_alone() -> None:
    experience = _experience("[breaker]\nconsecutive = 1\njitter = 0.0\nopen_s = 30.0\n")
    experience.remote_failed(_admitted(experience, 0.0), "tiny", blamed=True, now=0.0)
    assert (_cloud(experience, 29.9).breaker, _cloud(experience, 29.9).breaker_admits) == (BreakerPhase.OPEN, False)
    assert experience.admit("cloud", Kind.CLOUD, "tiny", 100, MEASURED, 29.9) is None
    assert (_cloud(experience, 30.0).breaker, _cloud(experience, 30.0).breaker_admits) == (BreakerPhase.HALF_OPEN, True)
    probe = _admitted(experience, 30.0)
    assert not _cloud(experience, 30.0).breaker_admits
    experience.remote_abandoned(probe)
    assert _cloud(experience, 30.0).breaker_admits


def test_a_device_model_that_is_out_of_use_is_seen_to_be_and_to_come_on_trial_by_time_alone() -> None:
    experience = _experience()
    assert experience.views(FACTS, 100, MEASURED, 0.0)[0].breaker is BreakerPhase.CLOSED
    experience.device_rests("tiny", BreakerState(open_until=30.0), "it crashed")
    out, trial = (experience.views(FACTS, 100, MEASURED, now)[0] for now in (1.0, 30.0))
    assert (out.breaker, out.breaker_admits, out.why_not) == (BreakerPhase.OPEN, False, "it crashed")
    assert (trial.breaker, trial.breaker_admits, trial.why_not) == (BreakerPhase.HALF_OPEN, True, "")
    other = ModelFacts("other", FACTS.targets)
    assert experience.views(other, 100, MEASURED, 1.0)[0].breaker_admits
    experience.device_rests("tiny", CLOSED, "")
    assert experience.views(FACTS, 100, MEASURED, 31.0)[0].breaker is BreakerPhase.CLOSED


def test_at_most_one_of_many_threads_probes_a_half_open_breaker() -> None:
    experience = _experience("[breaker]\nconsecutive = 1\njitter = 0.0\nopen_s = 1.0\n")
    experience.remote_failed(_admitted(experience, 0.0), "tiny", blamed=True, now=0.0)
    admitted: list[Admission] = []

    def ask() -> None:
        if (admission := experience.admit("cloud", Kind.CLOUD, "tiny", 100, MEASURED, 2.0)) is not None:
            admitted.append(admission)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_the_time_of_an_upload_is_predicted_from_its_size() -> None:
    experience = _experience()
    experience.remote_succeeded(_admitted(experience, 0.0), "tiny", 20_000, 2.0, 0.0)
    small, large = (_cloud(experience, 1.0, upload_bytes=size).time.median_s for size in (100, 20_000))
    assert large > small + 1


def test_a_slow_upload_does_not_make_small_requests_look_slow() -> None:
    """What its size explains was taken for slowness of the target."""
    experience = _experience()
    fresh = _cloud(experience, 0.0).time.median_s
    large = experience.admit("cloud", Kind.CLOUD, "tiny", 20_000, MEASURED, 0.0)
    assert large is not None
    experience.remote_succeeded(large, "tiny", 20_000, 2.0, 0.0)
    assert _cloud(experience, 1.0, upload_bytes=100).time.median_s < 2 * fresh
    assert _cloud(experience, 1.0, upload_bytes=20_000).time.median_s == pytest.approx(2.0, rel=0.1)


def test_the_device_is_learnt_of_in_batches_and_a_failure_at_once() -> None:
    experience = _experience()
    for _ in range(40):
        experience.device_ran("tiny", 0.25, 0.0)
    view = experience.views(FACTS, 0, MEASURED, 0.0)[0]
    assert view.time.median_s == pytest.approx(0.25, rel=0.05)
    assert view.p_fail == 0
    experience.device_ran("tiny", 0.0, 0.0, failed=True)
    assert experience.views(FACTS, 0, MEASURED, 0.0)[0].p_fail > 0


def test_another_models_calls_teach_nothing_about_this_one() -> None:
    experience = _experience()
    fresh = _cloud(experience, 0.0).time
    experience.remote_succeeded(_admitted(experience, 0.0), "other", 100, 9.0, 0.0)
    assert _cloud(experience, 0.0).time == fresh


def test_a_policy_that_learns_alike_keeps_what_was_learnt_and_another_starts_afresh() -> None:
    experience = _experience()
    experience.remote_succeeded(_admitted(experience, 0.0), "tiny", 100, 3.0, 0.0)
    experience.adopt(_policy(f"{LASTING}[worth]\nsecond = 9.0\n", version=2))
    assert _cloud(experience, 0.0).time.samples == 1
    experience.adopt(_policy(f"{LASTING}[estimates]\nmemory_samples = 7\n", version=3))
    assert _cloud(experience, 0.0).time.samples == 0


def test_a_policy_with_another_price_keeps_what_was_learnt_of_time() -> None:
    """What a call costs, and how often its answer is wrong, says nothing about how long it takes; a price that changed
    had the agent forget all of its times."""
    experience = _experience()
    experience.remote_succeeded(_admitted(experience, 0.0), "tiny", 100, 3.0, 0.0)
    dearer = "[targets.cloud]\nusd_per_request = 0.01\np_wrong = 0.01\n"
    experience.adopt(_policy(f"{LASTING}{dearer}", version=2))
    assert _cloud(experience, 0.0).time.samples == 1


def test_a_call_that_outlives_the_breaker_it_was_admitted_by_says_nothing_about_the_next() -> None:
    experience = _experience("[breaker]\nconsecutive = 1\n")
    old = _admitted(experience, 0.0)
    experience.remote_failed(_admitted(experience, 0.0), "tiny", blamed=True, now=0.0)
    experience.remote_succeeded(old, "tiny", 100, 0.01, 0.0)
    assert experience.phase("cloud", 0.0) is BreakerPhase.OPEN


def _device(experience: Experience, now: float) -> TargetView:
    return experience.views(FACTS, 100, MEASURED, now)[0]


def test_E6_a_device_that_throttles_shows_within_twenty_answers() -> None:
    experience = _experience()
    for run in range(200):
        experience.device_ran("tiny", 0.001, run * 0.01)
    assert _device(experience, 2.0).time.median_s == pytest.approx(0.001, rel=0.06)
    for run in range(20):
        experience.device_ran("tiny", 0.004, 2.0 + run * 0.01)
    assert _device(experience, 2.3).time.median_s == pytest.approx(0.004, rel=0.06)


def test_usual_runs_are_learnt_from_in_batches_and_an_unusual_one_at_once() -> None:
    experience = _experience()
    for run in range(200):
        experience.device_ran("tiny", 0.001, run * 0.01)
    before = _device(experience, 2.0)
    for run in range(10):
        experience.device_ran("tiny", 0.001, 2.0 + run * 0.01)
        assert _device(experience, 2.1) is before
    experience.device_ran("tiny", 0.01, 2.2)
    assert _device(experience, 2.2).time.pessimistic_s > before.time.pessimistic_s


def test_under_other_beliefs_what_was_learnt_is_forgotten_and_not_read_as_another_time() -> None:
    """Ratios are to what was believed: kept, a millisecond would be read as thirty."""
    experience = _experience()
    for run in range(50):
        experience.device_ran("tiny", 0.001, run * 0.01)
    assert _device(experience, 1.0).time.median_s == pytest.approx(0.001, rel=0.06)
    experience.adopt(_policy("[targets.device]\nprior_ms = [50.0, 200.0]\n", version=2))
    time = _device(experience, 1.0).time
    assert (time.samples, time.quantiles_s[0]) == (0, 0.05)


def test_what_counted_as_uncertain_under_another_threshold_is_forgotten() -> None:
    experience = _experience("[escalation]\nbelow = 0.99\n")
    for run in range(50):
        experience.judged("tiny", True, run * 0.01)
    assert experience.escalation_share("tiny", 1.0) == pytest.approx(1.0, abs=0.06)
    experience.adopt(_policy(f"{LASTING}[escalation]\nbelow = 0.01\n", version=2))
    assert experience.escalation_share("tiny", 1.0) is None


def test_a_request_that_a_target_refuses_says_nothing_about_the_target() -> None:
    experience = _experience()
    for _ in range(20):
        experience.remote_failed(_admitted(experience, 1.0), "tiny", blamed=False, refused=True, now=1.0)
    assert _cloud(experience, 1.0).p_fail == 0.0


def _answered(experience: Experience, now: float, taken_s: float, told: Told) -> None:
    experience.remote_succeeded(_admitted(experience, now), "tiny", 100, taken_s, now, told=told)


def test_a_queue_that_a_server_tells_of_is_added_for_a_few_seconds() -> None:
    experience = _experience()
    for _ in range(30):
        _answered(experience, 0.0, 0.02, Told(0.0))
    usual = _cloud(experience, 0.0).time.median_s
    _answered(experience, 0.0, 0.02, Told(0.5))
    busy = _cloud(experience, 5.0)
    assert busy.queue_wait_s == 0.5
    assert busy.time.median_s > usual + 0.3
    later = _cloud(experience, 5.1)
    assert later.queue_wait_s is None
    assert later.time.median_s == pytest.approx(usual, rel=0.1)


def test_what_a_queue_explains_does_not_make_the_model_look_slow() -> None:
    """Else a wait would count twice: once as told, and once as learnt."""
    experience = _experience()
    for _ in range(20):
        _answered(experience, 0.0, 0.02, Told(0.0))
    for _ in range(20):
        _answered(experience, 0.1, 0.52, Told(0.5))
    assert _cloud(experience, 0.1).time.median_s == pytest.approx(0.52, rel=0.05)
    _answered(experience, 0.2, 0.02, Told(0.0))
    assert _cloud(experience, 0.2).time.median_s == pytest.approx(0.02, rel=0.05)


def test_a_queue_that_does_not_show_in_the_answers_is_not_held_against_their_speed() -> None:
    experience = _experience()
    for _ in range(20):
        _answered(experience, 0.0, 0.02, Told(3600.0))
    assert _cloud(experience, 5.1).time.median_s == pytest.approx(0.02, rel=0.3)


def test_a_server_that_says_when_to_come_again_is_not_asked_before_and_its_breaker_stays_closed() -> None:
    experience = _experience()
    for second in range(0, 60, 3):
        call = _admitted(experience, second)
        experience.remote_failed(call, "tiny", blamed=True, now=second, told=Told(pushback_s=2.0))
        assert experience.admit("cloud", Kind.CLOUD, "tiny", 100, MEASURED, second + 1.99) is None
        assert _cloud(experience, second + 1.99).pushback_s == 2.0
        assert experience.admit("cloud", Kind.CLOUD, "other", 100, MEASURED, second + 1.99) is not None
        assert _cloud(experience, second + 2.21).pushback_s == 0
        assert experience.phase("cloud", second) is BreakerPhase.CLOSED


def test_a_server_that_asks_to_be_spared_is_until_the_time_is_over() -> None:
    experience = _experience()
    _answered(experience, 0.0, 0.02, Told(0.0, stay_local_s=4.0))
    before = experience.views(FACTS, 100, MEASURED, 1.0)
    assert before[1].stay_local_s == 4.0
    assert _cloud(experience, 4.4).stay_local_s == 0
