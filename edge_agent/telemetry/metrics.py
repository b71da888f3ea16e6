"""What the agent counts.

A request costs an append: what ended is noted, and counted in batches, or when somebody looks. The counts are plain
numbers, which exposition.py turns into Prometheus' shapes at a scrape. One lock over everything, because `+=` on a
shared number is not atomic, and because a scrape then shows one instant: the requests of a model and target are the
sum of their outcomes and the count of their histogram, always.

Every label is bounded: after its first hundred values, further ones are counted as "other"."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Final

from edge_agent.telemetry.counts import BOUNDS_S, OUTCOMES, REFUSED, Counts, PairCounts
from router.choosing.engine import Decision
from router.choosing.ruling import ReadingUsed
from router.rules.probation import Tally
from router.running.attempt import Ending, Outcome

__all__ = ["MAX_VALUES", "OTHER", "Metrics"]

_NOT_BY_COST: Final = frozenset({"held", "draw", "audit"})

OTHER: Final = "other"
NO_TARGET: Final = "none"
MAX_VALUES: Final = 100
"""Of one label. Names of models come from the app's callers, and must not fill a registry."""

# Noted at once and counted in batches: between two runs of a model every line of Python is cold.
_FOLD: Final = 64
_Ended = tuple[Decision, tuple[str, ...], Outcome | None, float, Mapping[str, int]]

_NOTHING_SENT: Final[Mapping[str, int]] = MappingProxyType({})


class _Label:
    """The values of one label that are told apart: the first ones to come."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: set[str] = set()

    def admit(self, value: str) -> str:
        if value in self._values:
            return value
        if len(self._values) >= MAX_VALUES:
            return OTHER
        self._values.add(value)
        return value


class _Pair:
    __slots__ = ("buckets", "outcomes", "seconds")

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0


class Metrics:
    """One agent's. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: deque[_Ended] = deque()
        self._requests = 0
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._escalations: Counter[str] = Counter()
        self._deadline_misses: Counter[str] = Counter()
        self._sent_bytes: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._security_failures: Counter[str] = Counter()
        self._policy_reloads: Counter[str] = Counter()
        self._evaluated: Counter[str] = Counter()
        self._applied: Counter[str] = Counter()
        self._rules = _Label()
        self._unknown: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._certified: Counter[tuple[str, str]] = Counter()
        self._audits: Counter[tuple[str, str]] = Counter()
        self._ep_fallbacks: Counter[str] = Counter()
        self._device_troubles: Counter[tuple[str, str, str]] = Counter()
        self._chosen_by: Counter[tuple[str, str]] = Counter()
        self._radio_wakes: Counter[str] = Counter()
        self._extra_runs: Counter[tuple[str, str]] = Counter()
        self._withheld: Counter[tuple[str, str]] = Counter()
        self._throttled: Counter[str] = Counter()
        self._shadowed: Counter[tuple[str, str, str, str]] = Counter()
        self._shadow_missed: Counter[str] = Counter()
        self._shadow_reloads: Counter[str] = Counter()
        self._models, self._targets, self._codes, self._reloads = _Label(), _Label(), _Label(), _Label()
        self._choices = _Label()

    def ended(
        self,
        decision: Decision,
        rules: tuple[str, ...],
        outcome: Outcome | None,
        seconds: float,
        sent_bytes: Mapping[str, int] = _NOTHING_SENT,
    ) -> None:
        """Count one decided request that has ended, after so many seconds. `outcome` None: nothing could be asked.

        `rules` are all that its policy has, `sent_bytes` is by target. A deadline is missed by an answer that is late,
        and by the ending that says so; a target's failure counts, whoever answered."""
        self._ended.append((decision, rules, outcome, seconds, sent_bytes))
        if len(self._ended) >= _FOLD:
            with self._lock:
                self._fold()

    def refused(self, model: str) -> None:
        """Count one request that was not in order, and was not decided."""
        with self._lock:
            self._count(model, NO_TARGET, REFUSED, 0.0)

    def _fold(self) -> None:
        """Count what has ended since the last time. The lock is held."""
        alike: Counter[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = Counter()
        last: tuple[ReadingUsed, ...] | None = None
        unknown: tuple[str, ...] = ()
        while self._ended:
            decision, rules, outcome, seconds, sent_bytes = self._ended.popleft()
            model = decision.situation.request.model
            if rules:
                if decision.readings is not last:  # mostly they are the same object, decision after decision
                    last = decision.readings
                    unknown = tuple(used.name for used in last if not used.known)
                alike[rules, decision.rules, unknown] += 1
            if decision.chosen_by in _NOT_BY_COST:
                self._chosen_by[self._models.admit(model), decision.chosen_by] += 1
            if outcome is None:
                self._count(model, NO_TARGET, REFUSED, seconds)
                continue
            self._count(model, outcome.target or NO_TARGET, outcome.ending.value, seconds)
            self._fold_outcome(model, outcome)
            for name, size_bytes in sent_bytes.items():
                self._sent_bytes[self._targets.admit(name)] += size_bytes
        for (rules, applied, signals), number in alike.items():
            self._fold_rules(rules, applied, signals, number)

    def _count(self, model: str, target: str, outcome: str, seconds: float) -> None:
        pair = self._pairs.get((model, target)) or self._bounded_pair(model, target)
        pair.outcomes[outcome] += 1
        pair.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        pair.seconds += seconds
        self._requests += 1

    def _fold_outcome(self, model: str, outcome: Outcome) -> None:
        if outcome.escalated:
            self._escalations[self._models.admit(model)] += 1
        if outcome.certified is not None:
            self._certified[self._models.admit(model), "yes" if outcome.certified else "no"] += 1
        if outcome.late or outcome.ending is Ending.DEADLINE_EXCEEDED:
            self._deadline_misses[self._models.admit(model)] += 1
        for failure in outcome.failures:
            target = self._targets.admit(failure.target)
            self._failures[target, self._codes.admit(failure.code)] += 1
            if failure.security:
                self._security_failures[target] += 1

    def _bounded_pair(self, model: str, target: str) -> _Pair:
        return self._pairs.setdefault((self._models.admit(model), self._targets.admit(target)), _Pair())

    def _fold_rules(
        self, rules: tuple[str, ...], applied: tuple[str, ...], unknown: tuple[str, ...], number: int
    ) -> None:
        for rule in rules:
            self._evaluated[self._rules.admit(rule)] += number
        for signal in unknown:
            self._unknown[signal] += number
        for rule in applied:
            self._applied[self._rules.admit(rule)] += number

    def policy_reload(self, outcome: str) -> None:
        """Count one change of the policy in force, or of its file: "adopted", "adopted_under_same_version",
        "refused" or "taken_back"."""
        with self._lock:
            self._policy_reloads[self._reloads.admit(outcome)] += 1

    def audit(self, model: str, outcome: str) -> None:
        """Count one audit by what came of it: "agrees", "disagrees", "escalated", "failed" or "skipped"."""
        with self._lock:
            self._audits[self._models.admit(model), outcome] += 1

    def records(self, outcome: str, number: int) -> None:
        """Count decision records that were to be written to a file, as "written" or "dropped"."""
        with self._lock:
            self._records[outcome] += number

    def woke(self, outcome: str) -> None:
        """Count one wake of the radio by what came of it, "woken" or "failed"."""
        with self._lock:
            self._radio_wakes[outcome] += 1

    def ep_fallback(self, model: str) -> None:
        """Count one load of a model that runs on another execution provider than the one that is preferred."""
        with self._lock:
            self._ep_fallbacks[self._models.admit(model)] += 1

    def device_trouble(self, model: str, trouble: str, remedy: str) -> None:
        """Count one time that something was wrong with a model on the device, by what was done about it."""
        with self._lock:
            self._device_troubles[self._models.admit(model), trouble, remedy] += 1

    def extra_run(self, role: str, target: str, *, withheld: bool) -> None:
        """Count one time that a target was to be asked beside or after another run, or that this was `withheld`."""
        with self._lock:
            (self._withheld if withheld else self._extra_runs)[role, self._targets.admit(target)] += 1

    def throttled(self, target: str) -> None:
        """Count one call that was kept back from a target that fails many."""
        with self._lock:
            self._throttled[self._targets.admit(target)] += 1

    def shadowed(self, model: str, acted: str, shadow: str, why: str | None) -> None:
        """Count one request that a policy which does not act decided too: see router.telling.shadow.Why."""
        with self._lock:
            model, acted, shadow = self._models.admit(model), self._choices.admit(acted), self._choices.admit(shadow)
            self._shadowed[model, acted, shadow, why or "agrees"] += 1

    def shadow_missed(self, why: str, number: int) -> None:
        """Count requests that such a policy did not decide, because they were "dropped" or it "failed"."""
        with self._lock:
            self._shadow_missed[why] += number

    def shadow_reload(self, outcome: str) -> None:
        """Count one change of such a policy's file: "adopted" or "refused"."""
        with self._lock:
            self._shadow_reloads[outcome] += 1

    def counts(self) -> Counts:
        """Return everything counted so far."""
        with self._lock:
            self._fold()
            return Counts(
                requests=self._requests,
                pairs={
                    names: PairCounts(dict(pair.outcomes), tuple(pair.buckets), pair.seconds)
                    for names, pair in self._pairs.items()
                },
                escalations=dict(self._escalations),
                deadline_misses=dict(self._deadline_misses),
                sent_bytes=dict(self._sent_bytes),
                failures=dict(self._failures),
                security_failures=dict(self._security_failures),
                policy_reloads=dict(self._policy_reloads),
                certified=dict(self._certified),
                audits=dict(self._audits),
                rules={rule: (number, self._applied[rule]) for rule, number in self._evaluated.items()},
                unknown_signals=dict(self._unknown),
                records=dict(self._records),
                ep_fallbacks=dict(self._ep_fallbacks),
                device_troubles=dict(self._device_troubles),
                chosen_by=dict(self._chosen_by),
                radio_wakes=dict(self._radio_wakes),
                extra_runs=dict(self._extra_runs),
                withheld=dict(self._withheld),
                throttled=dict(self._throttled),
                shadowed=dict(self._shadowed),
                shadow_missed=dict(self._shadow_missed),
                shadow_reloads=dict(self._shadow_reloads),
            )

    def tally(self, remotes: Container[str]) -> Tally:
        """Return the counts that a new policy is judged by; `remotes` are the targets that are not the device."""
        with self._lock:
            self._fold()
            answered = Ending.ANSWERED.value
            failed = sum(
                number
                for pair in self._pairs.values()
                for outcome, number in pair.outcomes.items()
                if outcome not in (answered, Ending.CANCELLED.value)
            )
            remote = sum(pair.outcomes[answered] for (_, target), pair in self._pairs.items() if target in remotes)
            return Tally(self._requests, failed, remote)

    def totals(self) -> dict[str, int | dict[str, int]]:
        """Return the counts summed over models and, but for bytes, over targets: for people without Prometheus."""
        counts = self.counts()
        pairs = counts.pairs.values()
        return {
            "requests": counts.requests,
            "outcomes": {outcome: sum(pair.outcomes[outcome] for pair in pairs) for outcome in OUTCOMES},
            "escalations": sum(counts.escalations.values()),
            "deadline_misses": sum(counts.deadline_misses.values()),
            "failures": sum(counts.failures.values()),
            "security_failures": sum(counts.security_failures.values()),
            "policy_reloads": dict(counts.policy_reloads),
            "audits": sum(counts.audits.values()),
            "ep_fallbacks": sum(counts.ep_fallbacks.values()),
            "device_troubles": sum(counts.device_troubles.values()),
            "explored": sum(number for (_, why), number in counts.chosen_by.items() if why == "draw"),
            "radio_wakes": sum(counts.radio_wakes.values()),
            "extra_runs": sum(counts.extra_runs.values()),
            "withheld": sum(counts.withheld.values()),
            "throttled": sum(counts.throttled.values()),
            "shadow_differs": sum(number for (*_, why), number in counts.shadowed.items() if why != "agrees"),
            "sent_bytes": dict(counts.sent_bytes),
        }
