"""A little world around the pure core: two clouds that can fail, a device that can be slow, a clock that is told.

It does what an agent does, in one thread and without IO: sees a situation, decides, runs the plan by the machine's
commands, asks the breakers, learns. Every call's fate is drawn when it starts and comes as an event when its time has
come; several requests are under way at once. What must never be is held here, as it happens."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from itertools import count

from router.choosing.engine import Decision, decide
from router.choosing.memo import Memo
from router.errors import PolicyError
from router.estimates import Ratios, Share
from router.experience.extras import Extras
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.running import breaker
from router.running.attempt import (
    Attempt,
    Cancel,
    Command,
    Event,
    Failed,
    Failure,
    Finish,
    Outcome,
    Role,
    Run,
    Succeeded,
    Wake,
    Withheld,
    Woke,
)
from router.running.attempt import begin as begin_attempt
from router.running.attempt import step as step_attempt
from router.running.breaker import BreakerState
from router.telling.record import from_json, replay, to_json
from router.types import DEVICE, BreakerPhase, Kind, Reading, Request, Situation, TargetView, TimeEstimate, Value

__all__ = ["KINDS", "Health", "World"]

KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "eu": Kind.CLOUD}
UPLOAD_BYTES = 1000
ALLOWED = {
    (BreakerPhase.CLOSED, BreakerPhase.OPEN),
    (BreakerPhase.HALF_OPEN, BreakerPhase.CLOSED),
    (BreakerPhase.HALF_OPEN, BreakerPhase.OPEN),
}


class Health(Enum):
    """What becomes of a call: seconds to its end, and how it ends."""

    UP = (0.03, None)
    SLOW = (0.6, None)
    SILENT = (1e9, None)
    DOWN = (0.001, Failure("", "UNAVAILABLE"))
    IMPOSTOR = (0.002, Failure("", "SECURITY_ERROR", security=True))
    BUSY = (0.002, Failure("", "OVERLOADED"))

    @property
    def blames_endpoint(self) -> bool:
        return self is Health.DOWN


@dataclass
class Running:
    """A call under way. `epoch` is None for the device."""

    target: str
    health: Health
    started_at: float
    epoch: int | None
    probes: bool
    retried: bool


@dataclass
class Open:
    """A request that has not ended."""

    decision: Decision
    policy: Policy
    state: Attempt
    running: dict[str, Running] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    wake_number: int = 0


class World:
    """See the module."""

    def __init__(self, document: str) -> None:
        self.now = 0.0
        self.policy = compile_policy(document.encode(), targets=KINDS)
        self.extras = Extras(self.policy)
        self.health = dict.fromkeys(KINDS, Health.UP)
        self.score: float | None = 0.9
        self.chance = 0.5
        self.readings: dict[str, Reading] = {}
        self.submitted = 0
        self.open: dict[str, Open] = {}
        self.endings: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.breakers: dict[str, BreakerState] = {}
        self.extra: Counter[Role] = Counter()
        self.kept_back = 0
        self.could_hedge = 0.0
        self._memo = Memo()
        self._numbers = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._learn_afresh()

    def _learn_afresh(self) -> None:
        self._ratios = {name: Ratios(self.policy.estimates) for name in KINDS}
        self._failures = {name: Share(self.policy.estimates) for name in KINDS}
        self._escalations = Share(self.policy.estimates)

    # -- what happens to it -------------------------------------------------------------------------------------------

    def read(self, name: str, value: Value | None) -> None:
        self.readings = {**self.readings, name: Reading(name, value, "world", self.now)}

    def push(self, document: str) -> bool:
        """Put a policy in force, as an agent would: not a bad one, not an older one."""
        try:
            policy = compile_policy(document.encode(), targets=KINDS)
        except PolicyError:
            return False
        if policy.version < self.policy.version:
            return False
        if policy.estimates != self.policy.estimates:
            self.policy = policy
            self._learn_afresh()
        self.policy = policy
        self.extras.adopt(policy)
        return True

    def advance(self, seconds: float) -> None:
        """Let time pass; whatever is due happens at its instant."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            at, _, happen = heapq.heappop(self._due)
            self.now = max(self.now, at)
            happen()
        self.now = until

    def submit(self, label: str | None, left_s: float, *, can_score: bool = True) -> Decision:
        self.submitted += 1
        request = Request(f"r{self.submitted}", "m", label, self.now + left_s, can_score)
        situation = Situation(
            request, self.readings, tuple(map(self._view, KINDS)), self._escalations.value(self.now), self.now
        )
        decision = self._memo.decide(self.policy, situation)
        assert decision == decide(self.policy, situation), "a kept choice is another"
        assert replay(from_json(to_json(decision)).decision, self.policy) == decision, "a record replays otherwise"
        if decision.plan is None:
            self.endings["refused"] += 1
            return decision
        for target in decision.plan.targets - {DEVICE}:
            admits = breaker.admits(self._breaker(target), self.policy.breaker, self.now)
            assert admits, "a target was planned that its breaker closes"
        if decision.plan.hedge is not None and self.policy.hedge is not None:
            self.extras.could_hedge()
            self.could_hedge += self.policy.hedge.share
        state, commands = begin_attempt(decision.plan, request.deadline, self.now)
        self.open[request.id] = Open(decision, self.policy, state)
        self._carry_out(request.id, commands)
        return decision

    def cancel(self, request_id: str, event: Event) -> None:
        self._feed(request_id, event)

    # -- seeing -------------------------------------------------------------------------------------------------------

    def _view(self, name: str) -> TargetView:
        kind, terms = KINDS[name], self.policy.terms_for(name, KINDS[name])
        time = self._ratios[name].estimate(terms.prior_s[2], TimeEstimate(terms.prior_s, 0))
        state, remote = self._breaker(name), kind is not Kind.DEVICE
        return TargetView(
            name,
            kind,
            True,
            "",
            UPLOAD_BYTES if remote else 0,
            UPLOAD_BYTES if remote else 0,
            time,
            self._failures[name].value(self.now) or 0.0,
            None,
            breaker.phase(state, self.now),
            breaker.admits(state, self.policy.breaker, self.now),
        )

    def _breaker(self, name: str) -> BreakerState:
        return self.breakers.get(name, breaker.CLOSED)

    def _running(self, target: str) -> list[Running]:
        return [request.running[target] for request in self.open.values() if target in request.running]

    def _probing(self, name: str) -> int:
        """Return how many probes of the breaker's present epoch are under way."""
        epoch = self._breaker(name).epoch
        return sum(call.probes and call.epoch == epoch for call in self._running(name))

    # -- acting -------------------------------------------------------------------------------------------------------

    def _at(self, instant: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._due, (instant, next(self._numbers), happen))

    def _feed(self, request_id: str, event: Event) -> None:
        request = self.open.get(request_id)
        if request is None:
            return
        if isinstance(event, Succeeded) and event.target == DEVICE and request.state.plan.escalation is not None:
            self._escalations.observe(not (event.score or 0.0) > request.state.plan.escalation.below, self.now)
        request.state, commands = step_attempt(request.state, event, self.now)
        self._carry_out(request_id, commands)

    def _carry_out(self, request_id: str, commands: tuple[Command, ...]) -> None:
        request = self.open[request_id]
        for command in commands:
            if isinstance(command, Wake):
                self._wake(request_id, request, command.at)
            elif isinstance(command, Cancel):
                self._end_call(request, command.target, gave_up=True)
            elif isinstance(command, Run):
                self._run(request_id, request, command)
            else:
                assert isinstance(command, Finish), "no request is audited here"
                self._finish(request_id, request, command)

    def _wake(self, request_id: str, request: Open, at: float) -> None:
        request.wake_number += 1
        number = request.wake_number

        def wake() -> None:
            if request.wake_number == number:
                self._feed(request_id, Woke())

        self._at(at, wake)

    def _run(self, request_id: str, request: Open, run: Run) -> None:
        target, role = run.target, run.role
        label, kind = request.decision.situation.request.label, KINDS[target]
        assert request.policy.permits(label, target, kind), "a request reached a target that its label forbids"
        assert self.now < run.until <= request.decision.situation.request.deadline
        if not self._covered(role, target):
            self._soon(request_id, Withheld(target))
            return
        if role is Role.RETRY:
            assert target in request.failed, "a target was asked again that had not failed"
            assert request.asked.count(target) < self.policy.retry.attempts or request.policy is not self.policy
        else:
            assert target not in request.asked, "a target was asked twice"
        request.asked.append(target)
        self.extra[role] += 1
        epoch, probes = None, False
        if kind is not Kind.DEVICE:
            trying = self._breaker(target).open_until is not None
            if not trying and self.chance < self.extras.p_reject(target, self.now):
                self.extras.kept_back(target, self.now)
                self.kept_back += 1
                self._soon(request_id, Failed(Failure(target, "UNAVAILABLE")))
                return
            admitted = breaker.admit(self._breaker(target), self.policy.breaker, self.now)
            if admitted is None:
                self._soon(request_id, Failed(Failure(target, "UNAVAILABLE")))
                return
            self._becomes(target, admitted)
            epoch, probes = admitted.epoch, admitted.open_until is not None
            assert not probes or self._probing(target) < self.policy.breaker.probes, "a probe too many"
            self.extras.began(target, retried=role is Role.RETRY)
            self.sent[target] += UPLOAD_BYTES
        call = Running(target, self.health[target], self.now, epoch, probes, role is Role.RETRY)
        request.running[target] = call

        def end() -> None:
            if request.running.get(target) is call:
                self._end_call(request, target, gave_up=False)
                failure = call.health.value[1]
                if failure is not None:
                    request.failed.append(target)
                score = self.score if target == DEVICE else None
                event = Succeeded(target, score) if failure is None else self._failed(target, failure)
                self._feed(request_id, event)

        self._at(self.now + call.health.value[0], end)

    def _soon(self, request_id: str, event: Event) -> None:
        """Feed what came of a command once all of its batch have been carried out, as the drivers do."""
        self._at(self.now, lambda: self._feed(request_id, event))

    def _covered(self, role: Role, target: str) -> bool:
        if role is Role.RETRY:
            covered = self.extras.may_retry(target)
            under_way = self._running(target)
            retries = sum(call.retried for call in under_way)
            terms = self.policy.retry
            assert not covered or retries < max(terms.active_min, terms.active_share * len(under_way))
            return covered
        if role is Role.HEDGE:
            healthy = breaker.phase(self._breaker(target), self.now) is BreakerPhase.CLOSED
            return healthy and self.extras.hedges()
        return True

    def _end_call(self, request: Open, target: str, *, gave_up: bool) -> None:
        call = request.running.pop(target, None)
        if call is None:
            return  # its breaker or a budget did not let it through
        taken_s, predicted_s = self.now - call.started_at, self._prior_s(target)
        failed = call.health.value[1] is not None
        if not failed:
            self._ratios[target].observe(taken_s, predicted_s)
        if not gave_up:
            self._failures[target].observe(failed, self.now)
        if call.epoch is None:
            return
        state, settings = self._breaker(target), self.policy.breaker
        answered, blamed = not failed and not gave_up, call.health.blames_endpoint
        if answered:
            state = breaker.succeeded(state, settings, self.now, call.epoch)
        elif blamed:
            state = breaker.failed(state, settings, self.now, call.epoch, chance=0.7)
        else:
            state = breaker.abandoned(state, call.epoch)
        self._becomes(target, state)
        self.extras.ended(target, self.now, answered=answered, blamed=blamed, retried=call.retried)

    def _failed(self, target: str, failure: Failure) -> Failed:
        again_s = 0.0 if failure.code == "UNAVAILABLE" else None
        return Failed(Failure(target, failure.code, security=failure.security), again_s, self.chance)

    def _prior_s(self, target: str) -> float:
        return self.policy.terms_for(target, KINDS[target]).prior_s[2]

    def _becomes(self, target: str, state: BreakerState) -> None:
        before, after = breaker.phase(self._breaker(target), self.now), breaker.phase(state, self.now)
        assert before is after or (before, after) in ALLOWED, "a breaker took a way that there is not"
        self.breakers[target] = state

    def _finish(self, request_id: str, request: Open, command: Finish) -> None:
        outcome: Outcome = command.outcome
        assert not request.running, "something was left running"
        assert self.now <= request.decision.situation.request.deadline, "it ended after its deadline"
        if any(failure.security for failure in outcome.failures):
            assert outcome.target in (None, DEVICE), "another endpoint answered after a security failure"
        self.endings[outcome.ending.value] += 1
        del self.open[request_id]
