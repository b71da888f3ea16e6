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

from router import breaker
from router.attempt import Attempt, Cancel, Command, Event, Failed, Failure, Finish, Outcome, Run, Succeeded, Wake, Woke
from router.attempt import begin as begin_attempt
from router.attempt import step as step_attempt
from router.breaker import BreakerState
from router.compile import compile_policy
from router.engine import Decision, decide
from router.errors import PolicyError
from router.estimates import Ratios, Share
from router.memo import Memo
from router.policy import Policy
from router.record import from_json, replay, to_json
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


@dataclass
class Open:
    """A request that has not ended."""

    decision: Decision
    policy: Policy
    state: Attempt
    running: Running | None = None
    asked: list[str] = field(default_factory=list)
    wake_number: int = 0


class World:
    """See the module."""

    def __init__(self, document: str) -> None:
        self.now = 0.0
        self.policy = compile_policy(document.encode(), targets=KINDS)
        self.health = dict.fromkeys(KINDS, Health.UP)
        self.score: float | None = 0.9
        self.readings: dict[str, Reading] = {}
        self.submitted = 0
        self.open: dict[str, Open] = {}
        self.endings: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.breakers: dict[str, BreakerState] = {}
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

    def _probing(self, name: str) -> int:
        """Return how many probes of the breaker's present epoch are under way."""
        running = [request.running for request in self.open.values() if request.running is not None]
        epoch = self._breaker(name).epoch
        return sum(call.probes and call.target == name and call.epoch == epoch for call in running)

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
                self._end_call(request, gave_up=True)
            elif isinstance(command, Run):
                self._run(request_id, request, command.target)
            else:
                self._finish(request_id, request, command)

    def _wake(self, request_id: str, request: Open, at: float) -> None:
        request.wake_number += 1
        number = request.wake_number

        def wake() -> None:
            if request.wake_number == number:
                self._feed(request_id, Woke())

        self._at(at, wake)

    def _run(self, request_id: str, request: Open, target: str) -> None:
        label, kind = request.decision.situation.request.label, KINDS[target]
        assert request.policy.permits(label, target, kind), "a request reached a target that its label forbids"
        assert target not in request.asked, "a target was asked twice"
        request.asked.append(target)
        epoch, probes = None, False
        if kind is not Kind.DEVICE:
            admitted = breaker.admit(self._breaker(target), self.policy.breaker, self.now)
            if admitted is None:
                self._at(self.now, lambda: self._feed(request_id, Failed(Failure(target, "UNAVAILABLE"))))
                return
            self._becomes(target, admitted)
            epoch, probes = admitted.epoch, admitted.open_until is not None
            assert not probes or self._probing(target) < self.policy.breaker.probes, "a probe too many"
            self.sent[target] += UPLOAD_BYTES
        call = request.running = Running(target, self.health[target], self.now, epoch, probes)

        def end() -> None:
            if request.running is call:
                self._end_call(request, gave_up=False)
                failure = call.health.value[1]
                score = self.score if target == DEVICE else None
                event = Succeeded(target, score) if failure is None else _failed(target, failure)
                self._feed(request_id, event)

        self._at(self.now + call.health.value[0], end)

    def _end_call(self, request: Open, *, gave_up: bool) -> None:
        call, request.running = request.running, None
        if call is None:
            return  # the breaker did not let it through
        taken_s, predicted_s = self.now - call.started_at, self._prior_s(call.target)
        failed = call.health.value[1] is not None
        if not failed:
            self._ratios[call.target].observe(taken_s, predicted_s)
        if not gave_up:
            self._failures[call.target].observe(failed, self.now)
        if call.epoch is None:
            return
        state, settings = self._breaker(call.target), self.policy.breaker
        if not failed and not gave_up:
            state = breaker.succeeded(state, settings, self.now, call.epoch)
        elif call.health.blames_endpoint:
            state = breaker.failed(state, settings, self.now, call.epoch, chance=0.7)
        else:
            state = breaker.abandoned(state, call.epoch)
        self._becomes(call.target, state)

    def _prior_s(self, target: str) -> float:
        return self.policy.terms_for(target, KINDS[target]).prior_s[2]

    def _becomes(self, target: str, state: BreakerState) -> None:
        before, after = breaker.phase(self._breaker(target), self.now), breaker.phase(state, self.now)
        assert before is after or (before, after) in ALLOWED, "a breaker took a way that there is not"
        self.breakers[target] = state

    def _finish(self, request_id: str, request: Open, command: Finish) -> None:
        outcome: Outcome = command.outcome
        assert request.running is None, "something was left running"
        assert self.now <= request.decision.situation.request.deadline, "it ended after its deadline"
        if any(failure.security for failure in outcome.failures):
            first = next(i for i, failure in enumerate(outcome.failures) if failure.security)
            after = request.asked[request.asked.index(outcome.failures[first].target) + 1 :]
            assert set(after) <= {DEVICE}, "another endpoint was asked after a security failure"
        self.endings[outcome.ending.value] += 1
        del self.open[request_id]


def _failed(target: str, failure: Failure) -> Failed:
    return Failed(Failure(target, failure.code, security=failure.security))
