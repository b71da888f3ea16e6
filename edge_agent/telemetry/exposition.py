"""The agent's counts in the shapes of Prometheus, made anew at each scrape. Imported only where an app has a registry.

Labels are the router's and the agent's own words and names of models, targets and policies; never an input or a label
of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from edge_agent.telemetry.counts import BOUNDS_S, Counts, Gauges, PairCounts
from router.types import BreakerPhase

__all__ = ["Exposition", "register"]

_PHASES: Final = {BreakerPhase.CLOSED: 0, BreakerPhase.HALF_OPEN: 1, BreakerPhase.OPEN: 2}

Rows = Iterable[tuple[Sequence[str], float]]
"""Values of the labels, and the number."""


class Exposition(Collector):
    """What a registry asks."""

    def __init__(self, counts: Callable[[], Counts], gauges: Gauges) -> None:
        self._counts = counts
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _counters(self._counts())
        yield from _gauges(self._gauges)

    # A registry that finds the same names twice refuses the second: two agents' counts must not look like one's.
    describe = collect


def register(registry: CollectorRegistry, counts: Callable[[], Counts], gauges: Gauges) -> Callable[[], None]:
    """Let an app's registry show the metrics; returns what takes them out again.

    Raises ValueError: the registry shows another agent already. Give each agent one of its own."""
    exposition = Exposition(counts, gauges)
    registry.register(exposition)
    return lambda: registry.unregister(exposition)


def _counters(counts: Counts) -> Iterator[Metric]:
    ended = [((*names, how), n) for names, pair in counts.pairs.items() for how, n in pair.outcomes.items() if n]
    by_model = (
        ("nearfar_escalations", "Device answers for which the cloud was asked too.", counts.escalations),
        ("nearfar_deadline_misses", "Requests that did not end within their deadline.", counts.deadline_misses),
        (
            "nearfar_ep_fallbacks",
            "Loads of a device model that runs on another execution provider than the preferred one.",
            counts.ep_fallbacks,
        ),
    )
    by_target = (
        ("nearfar_security_failures", "Failures of identity or transport security.", counts.security_failures),
        (
            "nearfar_sent_bytes",
            "Bytes of requests handed to the network.",
            counts.sent_bytes,
        ),
        ("nearfar_throttled", "Calls kept back from a target that failed many lately.", counts.throttled),
    )
    yield _counter("nearfar_requests", "Requests that ended.", ("model", "target", "outcome"), ended)
    yield _times("nearfar_request_seconds", "Time from the call to its end.", counts.pairs)
    for name, about, numbers in by_model:
        yield _counter(name, about, ("model",), _rows(numbers))
    for name, about, numbers in by_target:
        yield _counter(name, about, ("target",), _rows(numbers))
    failures = counts.failures.items()
    yield _counter("nearfar_failures", "Failures of targets within requests.", ("target", "code"), failures)
    certified, audits = counts.certified.items(), counts.audits.items()
    about = "Answers for which a promise was asked."
    yield _counter("nearfar_certified_answers", about, ("model", "certified"), certified)
    yield _counter("nearfar_audits", "Requests that were also put to a remote target.", ("model", "outcome"), audits)
    troubles, about = counts.device_troubles.items(), "What went wrong with models on the device, and what was done."
    yield _counter("nearfar_device_troubles", about, ("model", "trouble", "remedy"), troubles)
    chosen, about = (
        counts.chosen_by.items(),
        "Plans that were held, or drawn to explore or to audit, whatever they cost.",
    )
    yield _counter("nearfar_choices_not_by_cost", about, ("model", "reason"), chosen)
    wakes, about = _rows(counts.radio_wakes), "Wakes of the radio for requests to come."
    yield _counter("nearfar_radio_wakes", about, ("outcome",), wakes)
    extra, about = counts.extra_runs.items(), "Targets asked beside or after another run: backups, hedges, retries."
    yield _counter("nearfar_extra_runs", about, ("role", "target"), extra)
    withheld, about = counts.withheld.items(), "Hedges and retries that their budget did not cover."
    yield _counter("nearfar_withheld_runs", about, ("role", "target"), withheld)
    reloads = _rows(counts.policy_reloads)
    evaluated = _rows({rule: number for rule, (number, _) in counts.rules.items()})
    yield _counter("nearfar_rule_evaluations", "Decisions that looked at a rule of the policy.", ("rule",), evaluated)
    applied = _rows({rule: number for rule, (_, number) in counts.rules.items()})
    yield _counter("nearfar_rule_applications", "Decisions that a rule of the policy applied to.", ("rule",), applied)
    unknown, about = _rows(counts.unknown_signals), "Decisions whose rules spoke of a signal that was unknown."
    yield _counter("nearfar_signal_unknown_decisions", about, ("signal",), unknown)
    records, about = _rows(counts.records), "Decision records that were to be written to a file."
    yield _counter("nearfar_records", about, ("outcome",), records)
    shadowed, about = counts.shadowed.items(), "Requests that a policy which only looks on decided too."
    yield _counter("nearfar_shadow_decisions", about, ("model", "acted", "shadow", "why"), shadowed)
    missed, about = _rows(counts.shadow_missed), "Requests that it did not decide."
    yield _counter("nearfar_shadow_missed", about, ("why",), missed)
    looked, about = _rows(counts.shadow_reloads), "Changes of its file that were seen."
    yield _counter("nearfar_shadow_reloads", about, ("outcome",), looked)
    yield _counter("nearfar_policy_reloads", "Changes of the policy file that were seen.", ("outcome",), reloads)


def _gauges(gauges: Gauges) -> Iterator[Metric]:
    phases = _rows({name: _PHASES[phase] for name, phase in gauges.breakers().items()})
    yield _gauge("nearfar_breaker_state", "0 closed, 1 half-open, 2 open.", ("target",), phases)
    name, version, digest = gauges.policy()
    in_force = [((name, str(version), digest), 1)]
    yield _gauge("nearfar_policy_info", "The policy in force.", ("name", "version", "digest"), in_force)
    looking = gauges.shadow()
    looks_on = [] if looking is None else [((looking[0], str(looking[1]), looking[2]), 1)]
    yield _gauge("nearfar_shadow_info", "The policy that only looks on.", ("name", "version", "digest"), looks_on)
    out = _rows({model: int(is_out) for model, is_out in gauges.out_of_use().items()})
    yield _gauge("nearfar_device_out_of_use", "1 where a model is out of use on the device.", ("model",), out)
    states = [((model, state), 1) for model, state in gauges.promises().items()]
    yield _gauge("nearfar_promise_state", "What the policy's promise is worth now.", ("model", "state"), states)
    budgets = gauges.budgets()
    left = [((budget.resource.value,), budget.left) for budget in budgets]
    yield _gauge("nearfar_budget_left", "What may still be spent: J, dollars or MB.", ("resource",), left)
    prices = [((budget.resource.value,), budget.price) for budget in budgets]
    yield _gauge("nearfar_budget_price", "What a J, a dollar or a MB costs beside its worth.", ("resource",), prices)
    known = _rows({name: int(is_known) for name, is_known in gauges.signals().items()})
    ages = [((name,), age_s) for name, age_s in gauges.ages_s().items()]
    about = "Time since what is shown was read, which is longer ago where a change is doubted."
    yield _gauge("nearfar_signal_age_seconds", about, ("signal",), ages)
    refused, about = gauges.refusals().items(), "Values that were not taken as they were told, by what was wrong."
    yield _counter("nearfar_signal_refusals", about, ("signal", "why"), refused)
    yield _gauge("nearfar_signal_known", "1 where a decision may use it; 0: unknown or too old.", ("signal",), known)


def _rows(numbers: Mapping[str, int]) -> Rows:
    return [((value,), number) for value, number in numbers.items()]


def _counter(name: str, about: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _gauge(name: str, about: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _times(name: str, about: str, pairs: Mapping[tuple[str, str], PairCounts]) -> Metric:
    family = HistogramMetricFamily(name, about, labels=("model", "target"))
    for names, pair in pairs.items():
        family.add_metric(names, _cumulative(pair.buckets), pair.seconds)
    return family


def _cumulative(buckets: Sequence[int]) -> list[tuple[str, float]]:
    """Each bound with the count of what is at or below it."""
    bounds = (*map(str, BOUNDS_S), "+Inf")
    return list(zip(bounds, accumulate(buckets), strict=True))
