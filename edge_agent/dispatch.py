"""From what an app asks to a decided call: checks the request, sees the situation, decides, issues the permit.

Refuses with one typed error before anything runs. The fast part of every request: no IO, no lock beyond the estimates',
no import."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from edge_agent.asked import arrays_of, check_label, seconds
from edge_agent.blank import blank_inputs
from edge_agent.call import Call
from edge_agent.errors import AgentError, NoFeasibleTarget, UnknownModel
from edge_agent.experience import Experience, ModelFacts, TargetFacts
from edge_agent.journal import Journal
from edge_agent.keeper import Keeper
from edge_agent.metrics import REFUSED, Metrics
from edge_agent.policies import PolicyFile
from edge_agent.quality import Quality
from edge_agent.releases import Release, sent_bytes_estimate
from edge_agent.result import Result
from edge_agent.signals import Demand, Sampler
from edge_agent.spending import Ledger, Waker
from edge_agent.watchdog import Watchdog
from nearfar_wire.errors import quoted
from router.attempt import Ending, Outcome
from router.closed import Closed, Constraint
from router.engine import Decision
from router.hysteresis import remembered
from router.memo import Memo
from router.naming import did_you_mean
from router.policy import Policy
from router.types import DEVICE, EvaluatedThreshold, Kind, Previous, Request, Situation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress import Door

__all__ = ["Dispatcher"]

_NOT_BY_COST: Final = frozenset({"held", "draw", "audit"})
_MAX_REMEMBERED: Final = 1024
_TICKS: Final = float(1 << 20)
"""A second's, of some microsecond each: a power of two, so that instants of a hundred years are exact."""


class Dispatcher:
    """What every request of an agent goes through, whichever front it came by."""

    def __init__(
        self,
        *,
        releases: Mapping[str, Release],
        policies: PolicyFile,
        experience: Experience,
        sampler: Sampler,
        door: Door | None,
        demands: Mapping[str, Demand],
        journal: Journal,
        metrics: Metrics,
        clock: Callable[[], float],
        default_deadline_s: float,
        max_deadline_s: float,
        qualities: Mapping[str, Quality],
        keepers: Mapping[str, Keeper],
        watchdog: Watchdog,
        ledger: Ledger,
        waker: Waker,
        chance: random.Random,
    ) -> None:
        self._ledger = ledger
        self._waker = waker
        self._draw = chance.random
        self._previous: dict[tuple[str, str | None], Previous] = {}
        self._keepers = keepers
        self._watchdog = watchdog
        self._qualities = qualities
        self._releases = releases
        self._facts = {name: _facts(release, door) for name, release in releases.items()}
        self._memo = Memo()
        self._policies = policies
        self._experience = experience
        self._sampler = sampler
        self._door = door
        self._demands = demands
        self._wanted_before: tuple[Policy | None, tuple[Closed, ...] | None, tuple[str, ...]] = (None, None, ())
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._default_deadline_s = default_deadline_s
        self._max_deadline_s = max_deadline_s

    def open(
        self, model: str, inputs: Mapping[str, Any], deadline_ms: float | None, label: str | None
    ) -> Call:  # Any: arrays, or what numpy makes arrays of
        """Return the decided call for a request.

        Raises RequestError, DeadlineExceeded, NoFeasibleTarget: refused, and nothing ran or left."""
        # To the microsecond, both of them: their sum is exact then, and requests that are given the same time have the
        # very same left, by which one decision can do for all of them.
        now = int(self._clock() * _TICKS) / _TICKS
        policy = self._policies.current
        try:
            release = self._release(model)
            left_s = (
                self._default_deadline_s if deadline_ms is None else seconds(model, deadline_ms, self._max_deadline_s)
            )
            deadline = now + max(1, round(left_s * _TICKS)) / _TICKS
            if label is not None:
                check_label(policy, label)
            arrays = arrays_of(release, inputs)
            if self._door is not None:
                self._experience.arrived(now)
            decision = self._decide(policy, release, arrays, label, deadline, now)
        except AgentError:
            known = isinstance(model, str) and model in self._releases
            self._metrics.request(model if known else "unknown", None, REFUSED, 0.0)
            raise
        if policy.rule_names:
            self._metrics.decided(policy.rule_names, decision.rules, decision.readings)
        if decision.chosen_by in _NOT_BY_COST:
            self._metrics.chosen_by(model, decision.chosen_by)
        if policy.hysteresis is not None:
            self._remember(decision)
        if self._door is not None:
            for target in self._wanted(policy, decision):
                self._demands[target].at = now
        if decision.plan is None:
            self._journal.add(decision, None)
            self._metrics.request(model, None, REFUSED, 0.0)
            raise NoFeasibleTarget(model, decision.closed)
        permit = None if self._door is None else self._door.permit(decision, policy)
        return Call(
            release,
            arrays,
            decision,
            decision.plan,
            policy,
            permit,
            self._experience,
            self._clock,
            self._metrics,
            None if policy.promise is None else self._qualities[release.name],
            keeper=self._keepers.get(model),
            watchdog=self._watchdog,
            ledger=self._ledger,
        )

    def _remember(self, decision: Decision) -> None:
        """Keep in mind what was chosen, for the next request of the same model and label."""
        request, plan = decision.situation.request, decision.plan
        key, first = (request.model, request.label), None if plan is None else plan.legs[0].target
        before = self._previous.get(key)
        drawn = decision.chosen_by == "draw"
        after = remembered(before, decision.choice, first, decision.situation.now, drawn=drawn)
        if after is not None and after is not before:
            # Models and labels are the configuration's and the policy's; over many policies there are more of them.
            if len(self._previous) >= _MAX_REMEMBERED:
                self._previous.clear()
            self._previous[key] = after

    def _wanted(self, policy: Policy, decision: Decision) -> tuple[str, ...]:
        """Return what `_wanting` yields, which follows from the policy and what is closed: looked at again only where
        either is another object. An agent's targets are always the same."""
        policy_then, closed_then, names = self._wanted_before
        if policy_then is not policy or closed_then is not decision.closed:
            names = tuple(_wanting(policy, decision))
            self._wanted_before = (policy, decision.closed, names)
        return names

    def close(self, call: Call, outcome: Outcome) -> Result:
        """Account for a call that ended. Raises the error that the app gets instead of an answer."""
        now = self._clock()
        concluded = call.conclude(outcome, now)
        self._account(call, outcome, now)
        if isinstance(concluded, AgentError):
            raise concluded
        if call.plan.wake is not None and not call.sent_bytes:
            self._wake(call, call.plan.wake)
        return concluded

    def _wake(self, call: Call, target: str) -> None:
        """Wake the radio for the requests to come: the policy lets this one go to the target, and it did not."""
        remote = call.permitted(target)
        situation = call.decision.situation
        if remote is not None:
            self._waker.wake(remote, situation.radio, situation.readings)

    def abandon(self, call: Call) -> None:
        """Account for a call whose driver was interrupted: a cancelled task, a closed agent, a key pressed."""
        self._account(call, Outcome(Ending.CANCELLED, None, ()), self._clock())

    def _account(self, call: Call, outcome: Outcome, now: float) -> None:
        situation, journal = call.decision.situation, self._journal
        # Added up only where somebody asked for records.
        expense = call.expense() if journal.keeps_records else None
        journal.add(call.decision, outcome, now - situation.now, expense)
        self._metrics.request(
            situation.request.model,
            outcome.target,
            outcome.ending.value,
            now - situation.now,
            call.sent_bytes,
            escalated=outcome.escalated,
            late=outcome.late,
            certified=outcome.certified,
        )
        for failure in outcome.failures:
            self._metrics.failure(failure.target, failure.code, security=failure.security)

    def look(self, model: str, label: str | None, overrides: Mapping[str, Any]) -> Decision:  # Any: Reading values
        """Decide for an imaginary request of one row, with some readings replaced. Runs and sends nothing.

        Raises UnknownModel, UnknownLabel."""
        now = self._clock()
        policy = self._policies.current
        release = self._release(model)
        if label is not None:
            check_label(policy, label)
        arrays = blank_inputs(release.inputs)
        return self._decide(policy, release, arrays, label, now + self._default_deadline_s, now, overrides)

    def _release(self, model: str) -> Release:
        release = self._releases.get(model) if isinstance(model, str) else None
        if release is None:
            named = quoted(model) if isinstance(model, str) else f"named by a {type(model).__name__}"
            raise UnknownModel(f"no model {named} is configured{did_you_mean(str(model), self._releases)}")
        return release

    def _decide(
        self,
        policy: Policy,
        release: Release,
        arrays: Mapping[str, NDArray[Any]],
        label: str | None,
        deadline: float,
        now: float,
        overrides: Mapping[str, Any] | None = None,
    ) -> Decision:  # Any, here and above: arrays of each datatype; Reading values
        measured = self._sampler.snapshot()
        readings = {**measured, **overrides} if overrides else measured
        facts = self._facts[release.name]
        upload_bytes = sent_bytes_estimate(release.manifest, arrays) if len(facts.targets) > 1 else 0
        experience = self._experience
        see = experience.views if overrides is None else experience.imagine
        views = see(facts, upload_bytes, readings, now)
        radio = experience.radio(readings, now) if len(views) > 1 else None
        watts = experience.device_w
        can_score = release.manifest.score is not None
        # Random, and no number: a cloud that sees some requests must not be able to count those that it may not see.
        share = experience.escalation_share(release.name, now)
        terms, promise, audit = policy.promise, None, False
        if terms is not None:
            quality = self._qualities[release.name]
            audit = overrides is None and quality.draw(terms)
            promise = quality.promise_for(terms, _rows(release, arrays))
        request = Request(os.urandom(8).hex(), release.name, label, deadline, can_score, audit)
        situation = Situation(
            request,
            readings,
            views,
            share,
            now,
            promise,
            radio,
            watts,
            self._ledger.views(measured, now) if policy.budgets else (),
            0 if radio is None else self._ledger.silent_wakes(radio.kind, now),
            self._draw() if policy.explores and overrides is None else None,
            None if policy.hysteresis is None else self._previous.get((release.name, label)),
            facts.thresholds,
        )
        return self._memo.decide(policy, situation)


def _rows(release: Release, arrays: Mapping[str, NDArray[Any]]) -> int:  # Any: arrays of each datatype
    """Return how many rows a request has: the size of the first axis that may vary and is an input's first."""
    return next((len(arrays[spec.name]) for spec in release.inputs if spec.shape and spec.shape[0] == -1), 1)


def _facts(release: Release, door: Door | None) -> ModelFacts:
    """Return what never changes about a release's targets."""
    evaluation, remote_side = release.manifest.evaluation, release.manifest.remote
    device_wrong = None if evaluation is None else evaluation.device_wrong
    remote_wrong = None if evaluation is None else evaluation.remote_wrong
    runs = release.runtime is not None
    targets = [TargetFacts(DEVICE, Kind.DEVICE, runs, release.why_no_runtime, 0, device_wrong)]
    served = remote_side is not None
    why_not = "" if served else "its release names no model there"
    for name, remote in door.remotes.items() if door is not None else ():
        targets.append(TargetFacts(name, remote.kind, served, why_not, remote.max_message_bytes, remote_wrong))
    evaluated = () if evaluation is None else evaluation.thresholds
    thresholds = tuple(EvaluatedThreshold(found.below, found.share, found.gain) for found in evaluated)
    return ModelFacts(release.name, tuple(targets), thresholds)


def _wanting(policy: Policy, decision: Decision) -> Iterator[str]:
    """Yield the remote targets whose round trip is worth measuring for requests like this one.

    Where the label closes a target it is worth nothing, and then that endpoint must not hear of us at all. A mode or a
    rule may close it for the moment; the round trip matters then only if some rule reads it."""
    closed_by = {closed.target: closed.constraint for closed in decision.closed}
    reads_rtt = any(name.startswith("rtt_ms") for name in policy.named_signals)
    for view in decision.situation.targets:
        constraint = closed_by.get(view.name)
        if view.kind is Kind.DEVICE or constraint in (Constraint.LABEL, Constraint.NOT_SERVED):
            continue
        if reads_rtt or constraint not in (Constraint.MODE, Constraint.RULE):
            yield view.name
