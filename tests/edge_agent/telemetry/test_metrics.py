"""What the agent counts, and what a registry shows of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from edge_agent.telemetry.counts import BOUNDS_S, OUTCOMES, REFUSED, Gauges
from edge_agent.telemetry.exposition import register
from edge_agent.telemetry.metrics import MAX_VALUES, OTHER, Metrics
from router.choosing.ruling import ReadingUsed
from router.rules.probation import Tally
from router.running.attempt import Ending, Failure
from router.types import BreakerPhase, BudgetView, Resource
from tests.builders.ended import ended

DOWN = Failure("cloud", "UNAVAILABLE")
IMPOSTOR = Failure("cloud", "SECURITY_ERROR", security=True)


def gauges(
    breakers: Mapping[str, BreakerPhase] | None = None,
    policy: tuple[str, int, str] = ("default", 1, "sha256:00"),
    signals: Mapping[str, bool] | None = None,
) -> Gauges:
    return Gauges(
        lambda: breakers or {},
        lambda: policy,
        lambda: signals or {},
        lambda: {"cpu_load": 1.5},
        lambda: {("battery_pct", "change"): 3},
        lambda: {"m": False},
        lambda: {"m": "in_force"},
        lambda: [BudgetView(Resource.ENERGY, 12.5, 0.25)],
        lambda: ("next", 8, "sha256:cd"),
    )


def shown(metrics: Metrics, told: Gauges | None = None) -> dict[str, float]:
    """Every sample of a scrape, such as `nearfar_requests_total{model="m",...}`, labels in order of the alphabet."""
    registry = CollectorRegistry()
    register(registry, metrics.counts, told or gauges())
    samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = ",".join(f"{label}={value}" for label, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


# -- counting ----------------------------------------------------------------------------------------------------------


def test_the_outcomes_are_the_router_s_endings_and_refused() -> None:
    assert set(OUTCOMES) == {ending.value for ending in Ending} | {REFUSED}


requests = st.lists(
    st.tuples(
        st.sampled_from(["digits", "voices", "maps"]),
        st.sampled_from(["device", "cloud", None]),
        st.sampled_from(OUTCOMES),
        st.floats(0, 100),
        st.dictionaries(st.sampled_from(["cloud", "fog"]), st.integers(0, 10**6)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=40,
)


@given(requests)
def test_requests_are_the_sum_of_their_outcomes_and_of_their_histogram(
    told: list[tuple[str, str | None, str, float, dict[str, int], bool, bool]],
) -> None:
    metrics = Metrics()
    for model, target, outcome, seconds, sent, escalated, late in told:
        ended(metrics, model, target, outcome, seconds, sent, escalated=escalated, late=late)
    asked = [(sent, escalated) for _, _, outcome, _, sent, escalated, _ in told if outcome != REFUSED]
    counts = metrics.counts()
    assert counts.requests == len(told)
    assert counts.requests == sum(sum(pair.outcomes.values()) for pair in counts.pairs.values())
    for pair in counts.pairs.values():
        assert sum(pair.buckets) == sum(pair.outcomes.values())
    assert counts.sent_bytes.get("cloud", 0) == sum(sent.get("cloud", 0) for sent, _ in asked)
    assert sum(counts.escalations.values()) == sum(escalated for _, escalated in asked)


def test_threads_lose_no_count() -> None:
    metrics = Metrics()
    each, workers = 2000, 4

    def work() -> None:
        for _ in range(each):
            ended(metrics, "digits", "cloud", "answered", 0.001, {"cloud": 3}, failures=[DOWN])

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval_s)
    totals = metrics.totals()
    assert totals["requests"] == totals["failures"] == each * workers
    assert totals["sent_bytes"] == {"cloud": 3 * each * workers}


@pytest.mark.parametrize(
    ("outcome", "late", "misses"),
    [("answered", False, 0), ("answered", True, 1), ("deadline_exceeded", False, 1), ("deadline_exceeded", True, 1)],
)
def test_a_deadline_is_missed_by_a_late_answer_and_by_none(outcome: str, late: bool, misses: int) -> None:
    metrics = Metrics()
    ended(metrics, "digits", "device", outcome, 0.1, late=late)
    assert metrics.totals()["deadline_misses"] == misses


def test_a_request_that_is_not_in_order_is_counted_as_refused() -> None:
    metrics = Metrics()
    metrics.refused("digits")
    assert metrics.totals()["requests"] == 1
    assert metrics.counts().pairs["digits", "none"].outcomes[REFUSED] == 1


def test_only_a_security_failure_is_counted_apart() -> None:
    metrics = Metrics()
    ended(metrics, failures=[DOWN, IMPOSTOR])
    assert (metrics.totals()["failures"], metrics.totals()["security_failures"]) == (2, 1)


def test_totals_tell_people_without_prometheus() -> None:
    metrics = Metrics()
    ended(metrics, "digits", "device", "answered", 0.001, escalated=True, chosen_by="draw")
    ended(metrics, "voices", "cloud", "failed", 0.2, {"cloud": 300}, failures=[IMPOSTOR], chosen_by="held")
    metrics.policy_reload("refused")
    metrics.audit("digits", "agrees")
    metrics.ep_fallback("voices")
    metrics.device_trouble("digits", "runaway", "put_out")
    metrics.woke("failed")
    metrics.extra_run("hedge", "cloud", withheld=False)
    metrics.extra_run("retry", "cloud", withheld=True)
    metrics.throttled("cloud")
    metrics.throttled("cloud")
    metrics.shadowed("digits", "device", "cloud", "cost")
    metrics.shadowed("digits", "device", "device", None)
    assert metrics.totals() == {
        "requests": 2,
        "outcomes": {"answered": 1, "failed": 1, "deadline_exceeded": 0, "cancelled": 0, "refused": 0},
        "escalations": 1,
        "deadline_misses": 0,
        "failures": 1,
        "security_failures": 1,
        "policy_reloads": {"refused": 1},
        "audits": 1,
        "ep_fallbacks": 1,
        "device_troubles": 1,
        "explored": 1,
        "radio_wakes": 1,
        "extra_runs": 1,
        "withheld": 1,
        "throttled": 2,
        "shadow_differs": 1,
        "sent_bytes": {"cloud": 300},
    }


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_rules_are_counted_where_they_were_looked_at_and_where_they_applied() -> None:
    metrics = Metrics()
    for number in range(200):
        ended(metrics, rules=("low", "hot"), applied=("low",) if number % 4 == 0 else ())
    samples = shown(metrics)
    assert samples["nearfar_rule_evaluations_total{rule=low}"] == 200
    assert samples["nearfar_rule_applications_total{rule=low}"] == 50
    assert samples["nearfar_rule_evaluations_total{rule=hot}"] == 200
    assert samples["nearfar_rule_applications_total{rule=hot}"] == 0


def test_a_decision_whose_rules_speak_of_what_is_unknown_is_counted_for_each_such_signal() -> None:
    metrics = Metrics()
    known = ReadingUsed("battery_pct", 10.0, "sensor", 1.0, True)
    too_old = ReadingUsed("battery_pct", 10.0, "sensor", 1.0, False)
    never_read = ReadingUsed("link", None, "", 0.0, False)
    for readings in ((known, never_read), (too_old, never_read)):
        for _ in range(100):
            ended(metrics, rules=("low",), readings=readings)
    ended(metrics, rules=("low",), readings=(known,))
    assert metrics.counts().unknown_signals == {"link": 200, "battery_pct": 100}
    samples = shown(metrics)
    assert samples["nearfar_signal_unknown_decisions_total{signal=link}"] == 200
    assert samples["nearfar_signal_unknown_decisions_total{signal=battery_pct}"] == 100


def test_what_a_new_policy_is_judged_by_is_counted_over_all_models() -> None:
    metrics = Metrics()
    ended(metrics, "a", "device", "answered", 0.01)
    ended(metrics, "a", "cloud", "answered", 0.01)
    ended(metrics, "b", "cloud", "failed", 0.01)
    ended(metrics, "b", None, REFUSED, 0.0)
    ended(metrics, "b", None, "cancelled", 0.0)
    assert metrics.tally({"cloud"}) == Tally(requests=5, failed=2, remote=1)


def test_after_a_hundred_values_of_a_label_the_rest_is_other_and_no_count_is_lost() -> None:
    metrics = Metrics()
    for i in range(10_000):
        target, failure = f"target-{i}", Failure(f"target-{i}", f"code-{i}", security=True)
        ended(metrics, f"model-{i}", target, sent_bytes={target: 1}, failures=[failure], escalated=True, late=True)
        metrics.policy_reload(f"outcome-{i}")
        metrics.device_trouble(f"model-{i}", "crash", "open_anew")
    counts = metrics.counts()
    assert counts.requests == 10_000
    assert counts.pairs[OTHER, OTHER].outcomes["answered"] == 10_000 - MAX_VALUES
    labelled: list[Mapping[str, int]] = [
        counts.escalations,
        counts.deadline_misses,
        counts.sent_bytes,
        counts.security_failures,
        counts.policy_reloads,
    ]
    for numbers in labelled:
        assert len(numbers) == MAX_VALUES + 1
        assert sum(numbers.values()) == 10_000
    assert len(counts.pairs) == len(counts.failures) == len(counts.device_troubles) == MAX_VALUES + 1


# -- Prometheus --------------------------------------------------------------------------------------------------------


def test_a_scrape_shows_every_metric_with_its_labels() -> None:
    metrics = Metrics()
    ended(metrics, "digits", "device", "answered", 0.001, certified=True)
    ended(
        metrics, "digits", "cloud", "answered", 0.02, {"cloud": 300},
        failures=[IMPOSTOR], escalated=True, late=True, certified=False, chosen_by="draw",
    )  # fmt: skip
    metrics.audit("digits", "disagrees")
    ended(metrics, "digits", None, REFUSED, 0.0)
    metrics.policy_reload("loaded")
    metrics.device_trouble("digits", "crash", "open_anew")
    metrics.records("written", 3)
    metrics.woke("woken")
    metrics.extra_run("backup", "device", withheld=False)
    metrics.extra_run("hedge", "cloud", withheld=True)
    metrics.throttled("cloud")
    metrics.shadowed("digits", "device", "cloud", "cost")
    metrics.shadowed("digits", "device", "device", None)
    metrics.shadow_missed("dropped", 4)
    metrics.shadow_reload("adopted")
    told = gauges({"cloud": BreakerPhase.OPEN}, ("mine", 7, "sha256:ab"), {"cpu_load": True, "battery_pct": False})
    samples = {name: value for name, value in shown(metrics, told).items() if "request_seconds" not in name}
    assert samples == {
        "nearfar_requests_total{model=digits,outcome=answered,target=device}": 1,
        "nearfar_requests_total{model=digits,outcome=answered,target=cloud}": 1,
        "nearfar_requests_total{model=digits,outcome=refused,target=none}": 1,
        "nearfar_escalations_total{model=digits}": 1,
        "nearfar_deadline_misses_total{model=digits}": 1,
        "nearfar_failures_total{code=SECURITY_ERROR,target=cloud}": 1,
        "nearfar_security_failures_total{target=cloud}": 1,
        "nearfar_sent_bytes_total{target=cloud}": 300,
        "nearfar_policy_reloads_total{outcome=loaded}": 1,
        "nearfar_records_total{outcome=written}": 3,
        "nearfar_extra_runs_total{role=backup,target=device}": 1,
        "nearfar_withheld_runs_total{role=hedge,target=cloud}": 1,
        "nearfar_throttled_total{target=cloud}": 1,
        "nearfar_certified_answers_total{certified=yes,model=digits}": 1,
        "nearfar_certified_answers_total{certified=no,model=digits}": 1,
        "nearfar_audits_total{model=digits,outcome=disagrees}": 1,
        "nearfar_device_troubles_total{model=digits,remedy=open_anew,trouble=crash}": 1,
        "nearfar_choices_not_by_cost_total{model=digits,reason=draw}": 1,
        "nearfar_radio_wakes_total{outcome=woken}": 1,
        "nearfar_budget_left{resource=energy}": 12.5,
        "nearfar_budget_price{resource=energy}": 0.25,
        "nearfar_device_out_of_use{model=m}": 0,
        "nearfar_promise_state{model=m,state=in_force}": 1,
        "nearfar_breaker_state{target=cloud}": 2,
        "nearfar_policy_info{digest=sha256:ab,name=mine,version=7}": 1,
        "nearfar_shadow_decisions_total{acted=device,model=digits,shadow=cloud,why=cost}": 1,
        "nearfar_shadow_decisions_total{acted=device,model=digits,shadow=device,why=agrees}": 1,
        "nearfar_shadow_missed_total{why=dropped}": 4,
        "nearfar_shadow_reloads_total{outcome=adopted}": 1,
        "nearfar_shadow_info{digest=sha256:cd,name=next,version=8}": 1,
        "nearfar_signal_age_seconds{signal=cpu_load}": 1.5,
        "nearfar_signal_refusals_total{signal=battery_pct,why=change}": 3,
        "nearfar_signal_known{signal=cpu_load}": 1,
        "nearfar_signal_known{signal=battery_pct}": 0,
    }


@pytest.mark.parametrize(
    ("phase", "state"), [(BreakerPhase.CLOSED, 0), (BreakerPhase.HALF_OPEN, 1), (BreakerPhase.OPEN, 2)]
)
def test_each_phase_of_a_breaker_has_its_number(phase: BreakerPhase, state: int) -> None:
    assert shown(Metrics(), gauges({"cloud": phase}))["nearfar_breaker_state{target=cloud}"] == state


def test_the_histogram_is_cumulative_and_a_bound_holds_what_equals_it() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.0011, 0.5, 60.0):
        ended(metrics, "m", "device", "answered", seconds)
    samples = shown(metrics)

    def below(bound: object) -> float:
        return samples[f"nearfar_request_seconds_bucket{{le={bound},model=m,target=device}}"]

    assert [below(bound) for bound in (0.0005, 0.001, 0.0025, 0.25, 0.5, 10.0, "+Inf")] == [0, 1, 2, 2, 3, 3, 4]
    assert samples["nearfar_request_seconds_count{model=m,target=device}"] == 4
    assert samples["nearfar_request_seconds_sum{model=m,target=device}"] == pytest.approx(60.5021)


def test_the_bounds_rise() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))


def test_a_scrape_shows_what_is_so_at_that_moment() -> None:
    metrics, registry, known = Metrics(), CollectorRegistry(), {"cpu_load": False}
    register(registry, metrics.counts, gauges(signals=known))
    known["cpu_load"] = True
    ended(metrics, "m", "device", "answered", 0.1)
    assert registry.get_sample_value("nearfar_signal_known", {"signal": "cpu_load"}) == 1
    labels = {"model": "m", "target": "device", "outcome": "answered"}
    assert registry.get_sample_value("nearfar_requests_total", labels) == 1


def test_two_agents_have_registries_of_their_own_and_one_refuses_both() -> None:
    one, other, registry = Metrics(), Metrics(), CollectorRegistry()
    register(registry, one.counts, gauges())
    with pytest.raises(ValueError, match="nearfar_requests"):
        register(registry, other.counts, gauges())
    register(CollectorRegistry(), other.counts, gauges())


def test_a_closed_agent_s_metrics_leave_the_registry_to_the_next_one() -> None:
    registry = CollectorRegistry()
    take_out = register(registry, Metrics().counts, gauges())
    take_out()
    assert generate_latest(registry) == b""
    register(registry, Metrics().counts, gauges())


@pytest.mark.wide
def test_without_a_registry_prometheus_is_never_loaded() -> None:
    code = (
        "import sys; from edge_agent.telemetry.metrics import Metrics; m = Metrics(); m.refused('m');"
        "m.totals(); sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
