"""One device's agent in virtual time: sees a situation, decides, runs the plan by the machine's commands, and learns.

It does what edge_agent's dispatch.py, call.py and executor.py do, with the same engine, attempt machine and experience;
only waiting is another thing here, an entry in the agenda. What its targets do with a request is the world's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from router.advice import NOT_AGAIN_S, NOTHING_TOLD, Told
from router.attempt import (
    Attempt,
    Audit,
    Cancel,
    Command,
    Ending,
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
    begin,
    step,
)
from router.engine import Decision
from router.experience import Admission, Experience
from router.experience.lesson import CANCELLED, TIMED_OUT
from router.hysteresis import remembered
from router.options import WAKE_BYTES
from router.policy import Policy
from router.predict import MEDIAN
from router.promise import audited
from router.purse import Purse
from router.radio import WakeLog
from router.simulate.agenda import Agenda
from router.simulate.call import Call
from router.simulate.chance import Chance, Keyed
from router.simulate.evaluation import Evaluation
from router.simulate.job import Job
from router.simulate.tally import Ended, Tally
from router.simulate.workload import Arrival
from router.simulate.world import World
from router.types import DEVICE, BudgetView, Kind, Previous, Reading, Request, Situation

__all__ = ["Agent", "Chooser", "Pending"]

# What nearfar_wire/status.py says of these words, which the router does not import.
_BLAMES_ENDPOINT: Final = frozenset(
    {"BAD_RESPONSE", "DEADLINE_EXCEEDED", "INTERNAL", "OVERLOADED", "PROTOCOL_ERROR", "UNAVAILABLE", "UNIMPLEMENTED"}
)
# A request's call for an audit has chance of its own, behind any that it may have made for itself.
_AUDITS: Final = 1 << 10
_BESIDES: Final = (Role.BACKUP, Role.HEDGE, Role.RETRY)
_SECURITY: Final = frozenset({"PERMISSION_DENIED", "SECURITY_ERROR", "UNAUTHENTICATED"})


class Chooser(Protocol):
    """Whoever makes the plans: `router.memo.Memo` for a policy, a baseline in its place."""

    def decide(self, policy: Policy, situation: Situation) -> Decision: ...


class _Flight:
    """A run or a call that is under way. `idle_s`: for how long the radio had not been used before."""

    __slots__ = ("admission", "due_at", "idle_s", "job", "pending")

    def __init__(
        self, pending: Pending, job: Job, admission: Admission | None, due_at: float, idle_s: float = 0.0
    ) -> None:
        self.pending = pending
        self.idle_s = idle_s
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


class _Waking:
    """A wake of the radio that is under way, for the requests to come: nobody waits for it."""

    __slots__ = ("_agent", "_idle_s", "_job", "_link", "_readings")

    def __init__(
        self, agent: Agent, job: Job, link: str | None, idle_s: float, readings: Mapping[str, Reading]
    ) -> None:
        self._agent = agent
        self._job = job
        self._link = link
        self._idle_s = idle_s
        self._readings = readings
        job.tag = self

    def due(self, now: float) -> None:
        """See agenda.Due."""
        job = self._job
        if now >= job.next_at and not job.done:
            self._agent.turn_to(job.proceed(now))
            if job.done:
                self._agent.woken(job, self._link, self._idle_s, self._readings, now)
            else:
                self._agent.put(job)


class _Auditing:
    """A call that an audit makes: nobody waits for it."""

    __slots__ = ("_agent", "_job", "_usd")

    def __init__(self, agent: Agent, job: Call, usd: float) -> None:
        self._agent = agent
        self._job = job
        self._usd = usd
        job.tag = self

    def due(self, now: float) -> None:
        """See agenda.Due."""
        job = self._job
        if now >= job.next_at and not job.done:
            self._agent.turn_to(job.proceed(now))
            if job.done:
                self._agent.audited(job, self._usd, now)
            else:
                self._agent.put(job)


class Pending:
    """A request between its decision and its end."""

    __slots__ = (
        "agent", "armed_at", "arrival", "besides", "decision", "flights", "joules", "number", "received_bytes",
        "sent_bytes", "state", "usd", "wake_at",
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
        self.besides: tuple[Role, ...] = ()
        """What was started for it beside the plan's legs and its escalation."""

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
        seed: int,
        agenda: Agenda,
        tally: Tally,
    ) -> None:
        self._chance = Chance(seed, "agent").uniform
        self.experience = Experience(policy, chance=self._chance)
        self.open: dict[int, Pending] = {}
        """Requests that have not ended, by number."""
        self.requests = 0
        """How many have come."""
        self.policy = policy
        self.purse = Purse(policy, now=0.0, utc_s=0.0)
        """What was spent of the policy's budgets. The world begins with a day of UTC."""
        self._meter = tally.meter()
        self._wakes = WakeLog()
        self._waking = False
        self._previous: dict[tuple[str, str | None], Previous | None] = {}
        # By the request's number: whatever else is drawn, and however often, the same ones are made to explore.
        self._draws = Keyed(seed, "exploring")
        self._kinds: dict[str, Kind] = {server.name: server.kind for server in world.setting.servers}
        self._world = world
        self._chooser = chooser
        self._audits = Keyed(seed, "audits")
        self._certified = evaluation.certified
        self._facts = evaluation.facts
        self._reference = evaluation.reference
        self._agenda = agenda
        self._tally = tally
        self._arrivals = world.arrivals()
        self._upcoming: Arrival | None = None

    # -- requests come, and end ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run each model a few times, as an agent does that starts, and put the first request down; each puts down the
        next."""
        for name in self._facts:
            for taken_s in self._world.warm_up(name):
                self.experience.device_ran(name, taken_s, 0.0)
        self._put_next()

    def adopt(self, policy: Policy, now: float) -> None:
        """Go on under another policy, as an agent does whose file was replaced: what was learnt stays."""
        self.experience.adopt(policy)
        self.purse.adopt(policy, now=now, utc_s=now)
        self.policy = policy

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
        # Nobody outside ever sees it: it needs no name of its own.
        request = Request(
            arrival.stream, arrival.model, arrival.label, now + arrival.deadline_s, True, self._is_audited()
        )
        situation = self._situation(request, arrival.upload_bytes, now)
        decision = self._chooser.decide(self.policy, situation)
        if self.policy.hysteresis is not None:
            self._remember(decision)
        pending = Pending(self, arrival, decision, self.requests)
        self.open[pending.number] = pending
        if decision.plan is None:
            self._account(pending, None, now)
            return
        if decision.plan.hedge is not None:
            self.experience.could_hedge()
        pending.state, commands = begin(decision.plan, request.deadline, now)
        self._settle(pending, commands, now)

    def _situation(self, request: Request, upload_bytes: int, now: float) -> Situation:
        policy, experience = self.policy, self.experience
        readings = self._world.readings(now)
        experience.arrived(now)
        views = experience.views(self._facts[request.model], upload_bytes, readings, now)
        if self._world.device.off:
            # Whoever carries it may press as long as they like: it neither runs a model nor sends anything.
            views = tuple(replace(view, serves=False, why_not="the battery is empty") for view in views)
        radio = experience.radio(readings, now) if len(views) > 1 else None
        return Situation(
            request,
            readings,
            views,
            experience.escalation_share(request.model, now),
            now,
            self._certified[request.model].promise if self._certified else None,
            radio,
            experience.device_w,
            self._budgets(readings, now) if policy.budgets else (),
            0 if radio is None or self._wakes.pending_at is None else self._silent_wakes(radio.kind, now),
            self._draws.uniform(self.requests) if policy.explores else None,
            None if policy.hysteresis is None else self._previous.get((request.model, request.label)),
            self._facts[request.model].thresholds,
        )

    def _is_audited(self) -> bool:
        terms = self.policy.promise
        return terms is not None and bool(self._certified) and audited(terms, self._audits.uniform(self.requests))

    def _budgets(self, readings: Mapping[str, Reading], now: float) -> tuple[BudgetView, ...]:
        reading = readings.get("charging")
        self.purse.charging(reading is not None and reading.value is True, now=now, utc_s=now)
        return self.purse.views(now=now, utc_s=now)

    def _silent_wakes(self, link: str | None, now: float) -> int:
        return self._wakes.silent_at(now, self.policy.energy.power_of(link).tail_s)

    def _remember(self, decision: Decision) -> None:
        request, plan = decision.situation.request, decision.plan
        key = request.model, request.label
        first = None if plan is None else plan.legs[0].target
        self._previous[key] = remembered(
            self._previous.get(key), decision.choice, first, decision.situation.now, drawn=decision.chosen_by == "draw"
        )

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
        self.turn_to(job.proceed(now))
        if not job.done:
            self.put(job)
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
                elif kind is Audit:
                    self._audit(pending, command.target, now)  # type: ignore[union-attr]  # as above
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

    def put(self, job: Job) -> None:
        """Put down when something is due with a job next."""
        if job.next_at < math.inf:
            self._agenda.put(job.next_at, job.tag)  # type: ignore[arg-type]  # the flight, which put itself there

    def turn_to(self, job: Job | None) -> None:
        """Some job's turn has come, perhaps another agent's."""
        if job is not None:
            self.put(job)

    # -- commands -----------------------------------------------------------------------------------------------------

    def _run(self, pending: Pending, run: Run, now: float) -> Event | None:
        """Ask a target; returns the event where there is nothing to wait for."""
        target, arrival = run.target, pending.arrival
        if not self.experience.covers(run.role, target, arrival.model, now):
            return Withheld(target)
        if run.role in _BESIDES:
            pending.besides = (*pending.besides, run.role)
        if target == DEVICE:
            job: Job = self._world.run_device(arrival.model, now, pending.number)
            pending.flights[target] = _Flight(pending, job, None, run.until)
            self.put(job)
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
        radio = self.experience.radio(situation.readings, now)
        if not self.purse.admits(target, view.kind, radio.kind):
            self.experience.remote_abandoned(admission)
            return Failed(Failure(target, "UNAVAILABLE", "the budget for it was used up meanwhile"))
        self._wakes = self._wakes.called()
        self.purse.call_began(target, view.kind, view.upload_bytes)
        # Another call under way keeps the radio awake, and pays for that.
        under_way = any(flight.admission is not None for flight in pending.flights.values())
        idle_s = 0.0 if under_way else math.inf if radio.used_at is None else max(0.0, now - radio.used_at)
        job = self._world.call(
            target, arrival.model, now, pending.number, again, upload_bytes=arrival.upload_bytes, until=run.until
        )
        pending.usd += self._world.servers[target].model.usd_per_request
        due_at = run.until if backup is None else min(run.until, situation.request.deadline - backup.before_s)
        pending.flights[target] = _Flight(pending, job, admission, due_at, idle_s)
        self.put(job)
        return None

    def _cancel(self, pending: Pending, target: str, now: float) -> None:
        flight = pending.flights.pop(target, None)
        if flight is None:
            return
        job, admission = flight.job, flight.admission
        self.turn_to(job.cancel(now))
        pending.joules += job.energy_j
        if admission is not None:
            self._account_call(flight, now)
            code = TIMED_OUT if now >= flight.due_at else CANCELLED
            self._learn_failure(flight, code, now)
        else:
            # So long it would have taken at the least; which is news only where less was believed.
            taken_s = now - job.started_at
            self.purse.device_ran(taken_s, pending.decision.situation.device_w)
            if taken_s > pending.decision.situation.targets[0].time.quantiles_s[MEDIAN]:
                self.experience.device_ran(pending.arrival.model, taken_s, now)

    # -- what came of them --------------------------------------------------------------------------------------------

    def _device_ended(self, flight: _Flight, now: float) -> Event:
        job, pending = flight.job, flight.pending
        model = pending.arrival.model
        failed = bool(job.failure)
        self.purse.device_ran(now - job.started_at, pending.decision.situation.device_w)
        self.experience.device_ran(model, now - job.started_at, now, failed=failed)
        if failed:
            return Failed(Failure(DEVICE, job.failure, job.detail))
        escalation = pending.state.plan.escalation
        if escalation is None:
            return Succeeded(DEVICE)
        score = pending.arrival.truth.score
        if escalation.by == "gain":
            score = self._certified[model].score(score)
        self.experience.judged(model, not score > escalation.below, now)
        return Succeeded(DEVICE, score)

    def _call_ended(self, flight: _Flight, now: float) -> Event:
        job, pending, admission = flight.job, flight.pending, flight.admission
        assert isinstance(job, Call) and admission is not None
        self._account_call(flight, now)
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
        covered = job.target == self._reference[pending.arrival.model]
        return Succeeded(job.target, covered=covered)

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

    def _account_call(self, flight: _Flight, now: float) -> None:
        pending, job = flight.pending, flight.job
        assert isinstance(job, Call)
        received_bytes = 0 if job.failure else job.download_bytes
        pending.sent_bytes += job.sent_bytes
        pending.received_bytes += received_bytes
        if self.policy.budgets:
            radio = pending.decision.situation.radio
            more_bytes = job.sent_bytes - job.upload_bytes
            self.purse.call_corrected(job.target, self._kinds[job.target], more_bytes)
            link, taken_s = None if radio is None else radio.kind, now - job.started_at
            self.purse.call_ended(link, taken_s, job.sent_bytes, received_bytes, flight.idle_s)

    def _audit(self, pending: Pending, target: str, now: float) -> None:
        """Ask as well, and wait for nothing: what an audit tells is the journal's, what it costs is the device's."""
        arrival = pending.arrival
        job = self._world.call(
            target, arrival.model, now, pending.number, _AUDITS, upload_bytes=arrival.upload_bytes, until=math.inf
        )
        _Auditing(self, job, self._world.servers[target].model.usd_per_request)
        self.put(job)

    def audited(self, job: Call, usd: float, now: float) -> None:
        """An audit has ended, however it did."""
        self._tally.spend(job.energy_j, job.sent_bytes, usd)
        self._meter.add(now, job.energy_j, usd, job.sent_bytes)

    # -- the radio, for the requests to come --------------------------------------------------------------------------

    def _wake(self, target: str, decision: Decision, now: float) -> None:
        """Wake the radio, unless that is under way already."""
        job = None if self._waking else self._world.probe(target, now)
        if job is None or job.next_at == math.inf:  # into a black hole
            return
        self._waking = True
        radio, readings = decision.situation.radio, decision.situation.readings
        idle_s = math.inf if radio is None or radio.used_at is None else max(0.0, now - radio.used_at)
        _Waking(self, job, None if radio is None else radio.kind, idle_s, readings)
        self.put(job)

    def woken(self, job: Job, link: str | None, idle_s: float, readings: Mapping[str, Reading], now: float) -> None:
        """A wake has ended, however it did."""
        self._waking = False
        self.experience.radio_used(readings, now)
        self._wakes = self._wakes.woke(now)
        self.purse.call_ended(link, now - job.started_at, WAKE_BYTES, WAKE_BYTES, idle_s)
        self._tally.woke(job.energy_j, 2 * WAKE_BYTES)
        self._meter.add(now, job.energy_j, 0.0, 2 * WAKE_BYTES)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _account(self, pending: Pending, outcome: Outcome | None, now: float) -> None:
        """Count a request that ended; without an outcome it was refused before anything ran."""
        del self.open[pending.number]
        arrival = pending.arrival
        target = None if outcome is None else outcome.target
        plan = pending.decision.plan
        if plan is not None and plan.wake is not None and target is not None and not pending.sent_bytes:
            self._wake(plan.wake, pending.decision, now)
        ending = Ending.FAILED if outcome is None else outcome.ending
        covered = plan is not None and plan.promised and target is not None
        self._meter.add(now, pending.joules, pending.usd, pending.sent_bytes + pending.received_bytes)
        self._tally.add(
            Ended(
                target,
                now - pending.decision.situation.now,
                0.0 if target is None else 1 - arrival.truth.p_right[target],
                self._lost(arrival, target),
                ending is Ending.DEADLINE_EXCEEDED or (outcome is not None and outcome.late),
                ending is Ending.FAILED,
                outcome is not None and outcome.escalated,
                pending.joules,
                pending.usd,
                pending.sent_bytes,
                pending.received_bytes,
                self._lost_of_promised(arrival, target) if covered else None,
                pending.besides,
                pending.decision.rules,
                pending.number,
            )
        )

    def _lost(self, arrival: Arrival, target: str | None) -> float:
        reference = self._reference[arrival.model]
        p_right = arrival.truth.p_right
        return 0.0 if reference is None else p_right[reference] - (0.0 if target is None else p_right[target])

    def _lost_of_promised(self, arrival: Arrival, target: str | None) -> int:
        reference = self._reference[arrival.model]
        right = arrival.truth.right
        return 0 if reference is None or target != DEVICE else int(right[reference]) - int(right[DEVICE])


def _told(call: Call) -> Told:
    if call.told_queue_s is None and not call.pushback_s:
        return NOTHING_TOLD
    return Told(call.told_queue_s, call.told_stay_local_s, call.pushback_s)
