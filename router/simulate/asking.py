"""A simulated agent's runs and calls: begun, cancelled, ended, with what each of them teaches and is charged. What
edge_agent/call does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from router.experience import Experience
from router.experience.lesson import CANCELLED, TIMED_OUT
from router.running.advice import NOT_AGAIN_S, NOTHING_TOLD, Told
from router.running.attempt import Event, Failed, Failure, Role, Run, Succeeded, Withheld
from router.simulate.agenda import Agenda
from router.simulate.call import Call
from router.simulate.errands import Errands
from router.simulate.evaluation import Evaluation
from router.simulate.job import Job
from router.simulate.under_way import Flight, Pending
from router.simulate.world import World
from router.spending.purse import Purse
from router.types import DEVICE, Kind

__all__ = ["Asking"]

# What nearfar_wire/status.py says of these words, which the router does not import.
_BLAMES_ENDPOINT: Final = frozenset(
    {"BAD_RESPONSE", "DEADLINE_EXCEEDED", "INTERNAL", "OVERLOADED", "PROTOCOL_ERROR", "UNAVAILABLE", "UNIMPLEMENTED"}
)
_SECURITY: Final = frozenset({"PERMISSION_DENIED", "SECURITY_ERROR", "UNAUTHENTICATED"})


class Asking:
    """One agent's."""

    def __init__(
        self,
        world: World,
        experience: Experience,
        purse: Purse,
        errands: Errands,
        *,
        evaluation: Evaluation,
        agenda: Agenda,
        chance: Callable[[], float],
    ) -> None:
        self._world = world
        self._experience = experience
        self._purse = purse
        self._errands = errands
        self._agenda = agenda
        self._chance = chance
        self._certified = evaluation.certified
        self._reference = evaluation.reference
        self._kinds: dict[str, Kind] = {server.name: server.kind for server in world.setting.servers}
        self._usd = {server.name: server.usd_per_request for server in world.setting.servers}

    def begin(self, pending: Pending, run: Run, now: float) -> Event | None:
        """Ask a target; return the event where there is nothing to wait for."""
        target, role = run.target, run.role
        if role is not Role.LEG and role is not Role.ESCALATION:
            if not self._experience.covers(role, target, pending.arrival.model, now):
                return Withheld(target)
            pending.besides = (*pending.besides, role)
        if target == DEVICE:
            job = self._world.run_device(pending.arrival.model, now, pending.number)
            pending.flights[target] = Flight(pending, job, None, run.until)
            self._agenda.put_job(job)
            return None
        return self._call(pending, run, now)

    def _call(self, pending: Pending, run: Run, now: float) -> Event | None:
        target, arrival, experience, flights = run.target, pending.arrival, self._experience, pending.flights
        if experience.keeps_back(target, now):
            return Failed(Failure(target, "UNAVAILABLE", "kept back: it failed too many calls lately"))
        situation, backup = pending.decision.situation, pending.state.plan.backup
        for view in situation.targets:
            if view.name == target:
                break
        admission = experience.admit(
            target, view.kind, arrival.model, view.upload_bytes, situation.readings, now, role=run.role
        )
        if admission is None:
            return Failed(Failure(target, "UNAVAILABLE", "it was closed meanwhile, by itself or its breaker"))
        radio = experience.radio(situation.readings, now)
        if not self._purse.admits(target, view.kind, radio.kind):
            experience.remote_abandoned(admission)
            return Failed(Failure(target, "UNAVAILABLE", "the budget for it was used up meanwhile"))
        self._errands.called()
        self._purse.call_began(target, view.kind, view.upload_bytes)
        # Another call under way keeps the radio awake, and pays for that.
        under_way = bool(flights) and any(flight.admission is not None for flight in flights.values())
        idle_s = 0.0 if under_way else math.inf if radio.used_at is None else max(0.0, now - radio.used_at)
        again = pending.state.asked.count(target) - 1
        job = self._world.call(
            target, arrival.model, now, pending.number, again, upload_bytes=arrival.upload_bytes, until=run.until
        )
        due_at = run.until if backup is None else min(run.until, situation.request.deadline - backup.before_s)
        flights[target] = Flight(pending, job, admission, due_at, idle_s)
        self._agenda.put_job(job)
        return None

    def cancel(self, pending: Pending, target: str, now: float) -> None:
        """Stop what asks a target, where something does."""
        flight = pending.flights.pop(target, None)
        if flight is None:
            return
        job = flight.job
        other = job.cancel(now)
        if other is not None:
            self._agenda.put_job(other)
        job.tag = None
        pending.joules += job.energy_j
        if flight.admission is not None:
            assert isinstance(job, Call)
            self._account(flight, job, now)
            self._learn_failure(flight, job, TIMED_OUT if now >= flight.due_at else CANCELLED, now)
            return
        taken_s = now - job.started_at
        self._purse.device_ran(taken_s, pending.decision.situation.device_w)
        self._experience.device_given_up(pending.arrival.model, taken_s, now)

    def ended(self, flight: Flight, now: float) -> Event:
        """A run or a call is done: learn from it, and return what it is to the request."""
        pending, job = flight.pending, flight.job
        del pending.flights[job.target]
        # Nobody looks at it again: without this each would hold the other until the collector of cycles comes.
        job.tag = None
        pending.joules += job.energy_j
        if flight.admission is None:
            return self._device_ended(pending, job, now)
        assert isinstance(job, Call)
        return self._call_ended(flight, job, now)

    def _device_ended(self, pending: Pending, job: Job, now: float) -> Event:
        model, taken_s = pending.arrival.model, now - job.started_at
        failed = bool(job.failure)
        self._purse.device_ran(taken_s, pending.decision.situation.device_w)
        self._experience.device_ran(model, taken_s, now, failed=failed)
        if failed:
            return Failed(Failure(DEVICE, job.failure, job.detail))
        escalation = pending.state.plan.escalation
        if escalation is None:
            return Succeeded(DEVICE)
        score = pending.arrival.truth.score
        if escalation.by == "gain":
            return Succeeded(DEVICE, self._certified[model].score(score))
        self._experience.judged(model, not escalation.is_certain(score), now)
        return Succeeded(DEVICE, score)

    def _call_ended(self, flight: Flight, job: Call, now: float) -> Event:
        pending, admission = flight.pending, flight.admission
        assert admission is not None
        model = pending.arrival.model
        self._account(flight, job, now)
        if job.failure:
            self._learn_failure(flight, job, job.failure, now)
            failure = Failure(job.target, job.failure, job.detail, job.failure in _SECURITY)
            if job.failure != "UNAVAILABLE" or job.pushback_s == NOT_AGAIN_S:
                return Failed(failure)
            return Failed(failure, self._experience.peace_s(job.target, model, now), self._chance())
        self._experience.remote_succeeded(
            admission,
            model,
            job.sent_bytes,
            now - job.started_at,
            now,
            told=_told(job),
            received_bytes=job.download_bytes,
        )
        return Succeeded(job.target, covered=job.target == self._reference[model])

    def _learn_failure(self, flight: Flight, job: Call, code: str, now: float) -> None:
        admission = flight.admission
        assert admission is not None
        self._experience.remote_ended(
            admission,
            flight.pending.arrival.model,
            code,
            blames_endpoint=code in _BLAMES_ENDPOINT,
            had_s=flight.due_at - job.started_at,
            taken_s=now - job.started_at,
            now=now,
            told=_told(job),
        )

    def _account(self, flight: Flight, job: Call, now: float) -> None:
        pending = flight.pending
        received_bytes = 0 if job.failure else job.download_bytes
        pending.sent_bytes += job.sent_bytes
        pending.received_bytes += received_bytes
        if job.reached:
            pending.usd += self._usd[job.target]
        if self._purse.states:
            radio = pending.decision.situation.radio
            # An agent's books, which know of no other call that it was not sent.
            booked_bytes = 0 if job.unsent else job.upload_bytes
            if job.unsent:
                self._purse.call_corrected(job.target, self._kinds[job.target], -job.upload_bytes, sent=False)
            link, taken_s = None if radio is None else radio.kind, now - job.started_at
            self._purse.call_ended(link, taken_s, booked_bytes, received_bytes, flight.idle_s)


def _told(call: Call) -> Told:
    if call.told_queue_s is None and not call.pushback_s:
        return NOTHING_TOLD
    return Told(call.told_queue_s, call.told_stay_local_s, call.pushback_s)
