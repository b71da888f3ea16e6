"""One device's agent in virtual time: sees a situation, decides, runs the plan by the machine's commands, and learns.

It does what edge_agent's dispatch.py, call.py and executor.py do, with the same engine, attempt machine and experience;
only waiting is another thing here, an entry in the agenda. What its targets do with a request is the world's; what its
calls teach and cost is in asking.py, and what a request came to in counting.py."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from router.choosing.engine import Decision
from router.choosing.hysteresis import remembered
from router.experience import Experience
from router.rules.policy import Policy
from router.rules.promise import audited
from router.running.attempt import Audit, Cancel, Command, Event, Finish, Outcome, Run, Wake, Woke, begin, step
from router.simulate.agenda import Agenda
from router.simulate.asking import Asking
from router.simulate.chance import Chance, Keyed
from router.simulate.counting import Counting
from router.simulate.errands import Errands
from router.simulate.evaluation import Evaluation
from router.simulate.tally import Tally
from router.simulate.under_way import Flight, Pending
from router.simulate.workload import Arrival
from router.simulate.world import World
from router.spending.purse import Purse
from router.types import BudgetView, Previous, Reading, Request, Situation

__all__ = ["Agent", "Chooser"]


class Chooser(Protocol):
    """Whoever makes the plans: `router.choosing.memo.Memo` for a policy, a baseline in its place."""

    def decide(self, policy: Policy, situation: Situation) -> Decision: ...


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
        chance = Chance(seed, "agent").uniform
        self.experience = Experience(policy, chance=chance)
        self.open: dict[int, Pending] = {}
        """Requests that have not ended, by number."""
        self.requests = 0
        """How many have come."""
        self.policy = policy
        self.purse = Purse(policy, now=0.0, utc_s=0.0)
        """What was spent of the policy's budgets. The world begins with a day of UTC."""
        meter = tally.meter()
        self._errands = Errands(world, self.experience, self.purse, agenda=agenda, tally=tally, meter=meter)
        self._asking = Asking(
            world, self.experience, self.purse, self._errands, evaluation=evaluation, agenda=agenda, chance=chance
        )
        self._counting = Counting(tally, meter, evaluation)
        self._previous: dict[tuple[str, str | None], Previous | None] = {}
        # By the request's number: whatever else is drawn, and however often, the same ones are made to explore.
        self._draws = Keyed(seed, "exploring")
        self._world = world
        self._chooser = chooser
        self._audits = Keyed(seed, "audits")
        self._certified = evaluation.certified
        self._facts = evaluation.facts
        self._agenda = agenda
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
            self._end(pending, None, now)
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
            self._errands.silent_wakes(policy, radio, now),
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

    def proceed(self, flight: Flight, now: float) -> None:
        """Something is due with a run or a call."""
        job = flight.job
        other = job.proceed(now)
        if other is not None:  # its turn has come; perhaps it is another agent's
            self._agenda.put_job(other)
        if job.done:
            self._feed(flight.pending, self._asking.ended(flight, now), now)
        else:
            self._agenda.put_job(job)
            self._arm(flight.pending)

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
                    event = self._asking.begin(pending, command, now) or event  # type: ignore[arg-type]  # as above
                elif kind is Cancel:
                    self._asking.cancel(pending, command.target, now)  # type: ignore[union-attr]  # as above
                elif kind is Audit:
                    self._audit(pending, command.target, now)  # type: ignore[union-attr]  # as above
                elif kind is Finish:
                    self._end(pending, command.outcome, now)  # type: ignore[union-attr]  # as above
                    return
            if event is None:
                self._arm(pending)
                return
            pending.state, commands = step(pending.state, event, now)

    def _audit(self, pending: Pending, target: str, now: float) -> None:
        readings = pending.decision.situation.readings
        radio = self.experience.radio(readings, now)
        self._errands.audit(pending.arrival, pending.number, target, radio, readings, now)

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

    def _end(self, pending: Pending, outcome: Outcome | None, now: float) -> None:
        """A request has ended; without an outcome it was refused before anything ran."""
        del self.open[pending.number]
        decision = pending.decision
        plan = decision.plan
        answered = outcome is not None and outcome.target is not None
        if plan is not None and plan.wake is not None and answered and not pending.sent_bytes:
            self._errands.wake(plan.wake, decision.situation.radio, decision.situation.readings, now)
        self._counting.count(pending, outcome, now)
