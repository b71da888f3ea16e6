"""One device's agent in virtual time: sees a situation, decides, runs the plan by the machine's commands, and learns.

It does what edge_agent's dispatch.py, call.py and executor.py do, with the same engine, attempt machine and experience;
only waiting is another thing here, an entry in the agenda. What its targets do with a request is the world's."""

from __future__ import annotations

import math
from typing import Final, Protocol

from router.advice import NOT_AGAIN_S, NOTHING_TOLD, Told
from router.attempt import (
    Attempt,
    Cancel,
    Command,
    Ending,
    Event,
    Failed,
    Failure,
    Finish,
    Outcome,
    Run,
    Succeeded,
    Wake,
    Withheld,
    Woke,
    begin,
    step,
)
from router.engine import Decision
from router.experience import Admission, Experience
from router.experience.lesson import CANCELLED, TIMED_OUT
from router.policy import Policy
from router.predict import MEDIAN
from router.simulate.agenda import Agenda
from router.simulate.call import Call
from router.simulate.chance import Chance
from router.simulate.evaluation import Evaluation
from router.simulate.job import Job
from router.simulate.tally import Ended, Tally
from router.simulate.workload import Arrival
from router.simulate.world import World
from router.types import DEVICE, Request, Situation

__all__ = ["Agent", "Chooser", "Pending"]

# What nearfar_wire/status.py says of these words, which the router does not import.
_BLAMES_ENDPOINT: Final = frozenset(
    {"BAD_RESPONSE", "DEADLINE_EXCEEDED", "INTERNAL", "OVERLOADED", "PROTOCOL_ERROR", "UNAVAILABLE", "UNIMPLEMENTED"}
)
_SECURITY: Final = frozenset({"PERMISSION_DENIED", "SECURITY_ERROR", "UNAUTHENTICATED"})


class Chooser(Protocol):
    """Whoever makes the plans: `router.memo.Memo` for a policy, a baseline in its place."""

    def decide(self, policy: Policy, situation: Situation) -> Decision: ...


class _Flight:
    """A run or a call that is under way."""

    __slots__ = ("admission", "due_at", "job", "pending")

    def __init__(self, pending: Pending, job: Job, admission: Admission | None, due_at: float) -> None:
        self.pending = pending
        self.job = job
        self.admission = admission
        self.due_at = due_at
        """When it should have ended, which is before the device is started beside it."""
        job.tag = self

    def due(self, now: float) -> None:
        """See agenda.Due."""
        job = self.job
        if now < job.next_at:
            return  # cancelled, or put off
        self.pending.agent.proceed(self, now)


class Pending:
    """A request between its decision and its end."""

    __slots__ = (
        "agent", "armed_at", "arrival", "decision", "flights", "joules", "number", "received_bytes", "sent_bytes",
        "state", "usd", "wake_at",
    )  # fmt: skip

    def __init__(self, agent: Agent, arrival: Arrival, decision: Decision, number: int) -> None:
        self.agent = agent
        self.arrival = arrival
        self.number = number
        self.decision = decision
        self.state: Attempt
        self.flights: dict[str, _Flight] = {}
        self.wake_at = self.armed_at = math.inf
        self.sent_bytes = self.received_bytes = 0
        self.usd = self.joules = 0.0

    def due(self, now: float) -> None:
        """See agenda.Due."""
        self.armed_at = math.inf
        if not self.state.finished:
            self.agent.woke(self, now)


class Agent:
    """See the module. Many may share one agenda, and their worlds one set of servers."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        chooser: Chooser,
        *,
        evaluation: Evaluation,
        chance: Chance,
        agenda: Agenda,
        tally: Tally,
    ) -> None:
        self.experience = Experience(policy, chance=chance.uniform)
        self._chance = chance.uniform
        self.open: dict[int, Pending] = {}
        """Requests that have not ended, by number."""
        self.requests = 0
        """How many have come."""
        self.policy = policy
        self._world = world
        self._chooser = chooser
        self._facts = evaluation.facts
        self._reference = evaluation.reference
        self._agenda = agenda
        self._tally = tally
        self._arrivals = world.arrivals()
        self._upcoming: Arrival | None = None

    # -- requests come, and end ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Put the first request down; each puts down the next."""
        self._put_next()

    def due(self, now: float) -> None:
        """See agenda.Due: a request has come."""
        arrival = self._upcoming
        assert arrival is not None
        self._put_next()
        self._decide(arrival, now)

    def _put_next(self) -> None:
        arrival = self._upcoming = next(self._arrivals, None)
        if arrival is not None:
            self._agenda.put(arrival.at, self)

    def _decide(self, arrival: Arrival, now: float) -> None:
        self.requests += 1
        model = arrival.model
        readings = self._world.readings(now)
        self.experience.arrived(now)
        views = self.experience.views(self._facts[model], arrival.upload_bytes, readings, now)
        share = self.experience.escalation_share(model, now)
        # Its number is enough of a name: nobody outside ever sees it.
        request = Request(str(self.requests), model, arrival.label, now + arrival.deadline_s, True)
        situation = Situation(
            request,
            readings,
            views,
            share,
            now,
            None,
            self.experience.radio(readings, now),
            self.experience.device_w,
            thresholds=self._facts[arrival.model].thresholds,
        )
        decision = self._chooser.decide(self.policy, situation)
        pending = Pending(self, arrival, decision, self.requests)
        self.open[pending.number] = pending
        if decision.plan is None:
            self._account(pending, None, now)
            return
        if decision.plan.hedge is not None:
            self.experience.could_hedge()
        pending.state, commands = begin(decision.plan, request.deadline, now)
        self._settle(pending, commands, now)

    # -- the machine --------------------------------------------------------------------------------------------------

    def woke(self, pending: Pending, now: float) -> None:
        """An instant that the machine asked for has come, or one before it."""
        if now >= pending.wake_at:
            pending.wake_at = math.inf
            self._feed(pending, Woke(), now)
        else:
            self._arm(pending)

    def proceed(self, flight: _Flight, now: float) -> None:
        """Something is due with a run or a call."""
        job, pending = flight.job, flight.pending
        self._turn_to(job.proceed(now))
        if not job.done:
            self._put(job)
            self._arm(pending)
            return
        del pending.flights[job.target]
        pending.joules += job.energy_j
        event = self._device_ended(flight, now) if flight.admission is None else self._call_ended(flight, now)
        self._feed(pending, event, now)

    def _feed(self, pending: Pending, event: Event, now: float) -> None:
        pending.state, commands = step(pending.state, event, now)
        self._settle(pending, commands, now)

    def _settle(self, pending: Pending, commands: tuple[Command, ...], now: float) -> None:
        """Carry out commands, and those that they bring at once, until there is something to wait for."""
        while True:
            event: Event | None = None
            for command in commands:
                kind = type(command)
                if kind is Wake:
                    pending.wake_at = command.at  # type: ignore[union-attr]  # as its type says; isinstance costs more
                elif kind is Run:
                    event = self._run(pending, command, now) or event  # type: ignore[arg-type]  # as above
                elif kind is Cancel:
                    self._cancel(pending, command.target, now)  # type: ignore[union-attr]  # as above
                elif kind is Finish:
                    self._account(pending, command.outcome, now)  # type: ignore[union-attr]  # as above
                    return
            if event is None:
                self._arm(pending)
                return
            pending.state, commands = step(pending.state, event, now)

    def _arm(self, pending: Pending) -> None:
        """Put the machine's instant down, unless something else will happen to the request before it."""
        at = pending.wake_at
        if at >= pending.armed_at:
            return
        for flight in pending.flights.values():
            if flight.job.next_at <= at:
                return
        pending.armed_at = at
        self._agenda.put(at, pending)

    def _put(self, job: Job) -> None:
        if job.next_at < math.inf:
            self._agenda.put(job.next_at, job.tag)  # type: ignore[arg-type]  # the flight, which put itself there

    def _turn_to(self, job: Job | None) -> None:
        """Some job's turn has come, perhaps another agent's."""
        if job is not None:
            self._put(job)

    # -- commands -----------------------------------------------------------------------------------------------------

    def _run(self, pending: Pending, run: Run, now: float) -> Event | None:
        """Ask a target; returns the event where there is nothing to wait for."""
        target, arrival = run.target, pending.arrival
        if not self.experience.covers(run.role, target, arrival.model, now):
            return Withheld(target)
        if target == DEVICE:
            job: Job = self._world.run_device(arrival.model, now, pending.number)
            pending.flights[target] = _Flight(pending, job, None, run.until)
            self._put(job)
            return None
        if self.experience.keeps_back(target, now):
            return Failed(Failure(target, "UNAVAILABLE", "kept back: it failed too many calls lately"))
        situation, backup = pending.decision.situation, pending.state.plan.backup
        view = next(view for view in situation.targets if view.name == target)
        admission = self.experience.admit(
            target, view.kind, arrival.model, view.upload_bytes, situation.readings, now, role=run.role
        )
        if admission is None:
            return Failed(Failure(target, "UNAVAILABLE", "it was closed meanwhile, by itself or its breaker"))
        again = pending.state.asked.count(target) - 1
        job = self._world.call(
            target, arrival.model, now, pending.number, again, upload_bytes=arrival.upload_bytes, until=run.until
        )
        pending.usd += self._world.servers[target].model.usd_per_request
        due_at = run.until if backup is None else min(run.until, situation.request.deadline - backup.before_s)
        pending.flights[target] = _Flight(pending, job, admission, due_at)
        self._put(job)
        return None

    def _cancel(self, pending: Pending, target: str, now: float) -> None:
        flight = pending.flights.pop(target, None)
        if flight is None:
            return
        job, admission = flight.job, flight.admission
        self._turn_to(job.cancel(now))
        pending.joules += job.energy_j
        if admission is not None:
            self._account_call(pending, job)
            code = TIMED_OUT if now >= flight.due_at else CANCELLED
            self._learn_failure(flight, code, now)
        else:
            # So long it would have taken at the least; which is news only where less was believed.
            taken_s = now - job.started_at
            if taken_s > pending.decision.situation.targets[0].time.quantiles_s[MEDIAN]:
                self.experience.device_ran(pending.arrival.model, taken_s, now)

    # -- what came of them --------------------------------------------------------------------------------------------

    def _device_ended(self, flight: _Flight, now: float) -> Event:
        job, pending = flight.job, flight.pending
        model = pending.arrival.model
        failed = bool(job.failure)
        self.experience.device_ran(model, now - job.started_at, now, failed=failed)
        if failed:
            return Failed(Failure(DEVICE, job.failure, job.detail))
        escalation = pending.state.plan.escalation
        if escalation is None:
            return Succeeded(DEVICE)
        score = pending.arrival.truth.score
        self.experience.judged(model, not score > escalation.below, now)
        return Succeeded(DEVICE, score)

    def _call_ended(self, flight: _Flight, now: float) -> Event:
        job, pending, admission = flight.job, flight.pending, flight.admission
        assert isinstance(job, Call) and admission is not None
        self._account_call(pending, job)
        if job.failure:
            self._learn_failure(flight, job.failure, now)
            failure = Failure(job.target, job.failure, job.detail, job.failure in _SECURITY)
            if job.failure != "UNAVAILABLE" or job.pushback_s == NOT_AGAIN_S:
                return Failed(failure)
            again_s = self.experience.peace_s(job.target, pending.arrival.model, now)
            return Failed(failure, again_s, self._chance())
        self.experience.remote_succeeded(
            admission,
            pending.arrival.model,
            job.sent_bytes,
            now - job.started_at,
            now,
            told=_told(job),
            received_bytes=job.download_bytes,
        )
        return Succeeded(job.target)

    def _learn_failure(self, flight: _Flight, code: str, now: float) -> None:
        job, admission = flight.job, flight.admission
        assert isinstance(job, Call) and admission is not None
        self.experience.remote_ended(
            admission,
            flight.pending.arrival.model,
            code,
            blames_endpoint=code in _BLAMES_ENDPOINT,
            had_s=flight.due_at - job.started_at,
            taken_s=now - job.started_at,
            now=now,
            told=_told(job),
        )

    @staticmethod
    def _account_call(pending: Pending, job: Job) -> None:
        assert isinstance(job, Call)
        pending.sent_bytes += job.sent_bytes
        if not job.failure:
            pending.received_bytes += job.download_bytes

    def _account(self, pending: Pending, outcome: Outcome | None, now: float) -> None:
        """Count a request that ended; without an outcome it was refused before anything ran."""
        del self.open[pending.number]
        arrival = pending.arrival
        target = None if outcome is None else outcome.target
        ending = Ending.FAILED if outcome is None else outcome.ending
        self._tally.add(
            Ended(
                target,
                now - pending.decision.situation.now,
                0.0 if target is None else 1 - arrival.truth.p_right[target],
                self._lost(arrival) if target == DEVICE else 0.0,
                ending is Ending.DEADLINE_EXCEEDED or (outcome is not None and outcome.late),
                ending is Ending.FAILED,
                outcome is not None and outcome.escalated,
                pending.joules,
                pending.usd,
                pending.sent_bytes,
                pending.received_bytes,
            )
        )

    def _lost(self, arrival: Arrival) -> float:
        reference = self._reference[arrival.model]
        right = arrival.truth.right
        return 0.0 if reference is None else float(right[reference]) - float(right[DEVICE])


def _told(call: Call) -> Told:
    if call.told_queue_s is None and not call.pushback_s:
        return NOTHING_TOLD
    return Told(call.told_queue_s, call.told_stay_local_s, call.pushback_s)
