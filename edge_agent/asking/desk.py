"""Where the requests of one model and one label are decided, under one policy.

What they have in common is looked up once, when the desk is set up: who may be asked, what is promised, what all their
calls act with. What follows from a plan, as the permit for it, is found once for each plan; and what was decided a
moment ago is decided anew only where something has changed (standing.py). Used by any thread: what is kept is replaced
whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_agent.asking.request_ids import RequestIds
from edge_agent.asking.standing import Standing, again
from edge_agent.asking.weight import weighing
from edge_agent.call import Call
from edge_agent.call.again import again_s
from edge_agent.call.setting import Setting
from edge_agent.experience import ModelFacts
from edge_agent.signals import Demand, Sampler
from edge_agent.spending import Ledger
from router.choosing.closed import Closed, Constraint
from router.choosing.engine import Decision
from router.choosing.hysteresis import remembered
from router.choosing.memo import Memo
from router.choosing.plan import Plan
from router.choosing.usual import Usual, usual
from router.rules.policy import Policy
from router.types import BudgetView, Kind, Previous, Promise, Reading, Request, Situation, TargetView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress import Door, Permit

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Desk", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every desk of an agent looks at. `door` None: there is nowhere to go."""

    sampler: Sampler
    ledger: Ledger
    memo: Memo
    ids: RequestIds
    door: Door | None
    demands: Mapping[str, Demand]
    draw: Callable[[], float]


class Desk:
    """See the module."""

    __slots__ = (
        "_around", "_audited", "_batched", "_can_score", "_chosen", "_experience", "_explores", "_facts", "_label",
        "_planned", "_quality", "_setting", "_standing", "_stays", "_terms", "_wanted", "_weigh", "policy", "previous",
        "release",
    )  # fmt: skip

    def __init__(
        self,
        setting: Setting,
        label: str | None,
        facts: ModelFacts,
        around: Surroundings,
        previous: Previous | None = None,
    ) -> None:
        """`previous` is what was chosen last for the model and the label, under whatever policy."""
        self.policy = setting.policy
        self.release = setting.release
        self.previous = previous
        self._setting = setting
        self._label = label
        self._facts = facts
        self._around = around
        self._experience = setting.experience
        self._quality = setting.quality
        self._terms = self.policy.promise
        self._audited = 0.0
        if self._terms is not None and self._quality is not None:
            self._audited = self._quality.audits(self._terms)
        self._explores = self.policy.explores
        self._stays = self.policy.hysteresis is not None
        self._can_score = self.release.manifest.score is not None
        self._weigh = weighing(self.release.manifest)
        # A request has as many rows as the first axis that may vary and is an input's first.
        self._batched = next((spec.name for spec in self.release.inputs if spec.shape and spec.shape[0] == -1), None)
        self._chosen: Plan | None = None
        self._standing: Standing | None = None
        self._planned: tuple[Plan | None, Permit | None, Usual | None] = (None, None, None)
        self._wanted: tuple[tuple[Closed, ...] | None, tuple[Demand, ...]] = (None, ())

    def decide(self, arrays: Arrays, deadline: float, now: float) -> Decision:
        """Decide for a request that is in order."""
        around, terms, quality, last = self._around, self._terms, self._quality, self._standing
        readings = around.sampler.snapshot()
        upload_bytes = 0 if around.door is None else self._weigh(arrays)
        rows = 1 if self._batched is None or terms is None else len(arrays[self._batched])
        audit = self._audited > 0 and around.draw() < self._audited
        draw = around.draw() if self._explores else None
        request = Request(around.ids.take(), self._facts.model, self._label, deadline, self._can_score, audit)
        # See standing.py. In place, because it is on every request's way.
        if (
            last is not None
            and last.since <= now < last.until
            and readings is last.readings
            and upload_bytes == last.upload_bytes
            and rows == last.rows
            and self._experience.learning.version == last.learnt
            and (quality is None or quality.changes == last.promised)
            and around.ledger.purse.stands is last.budgets
            and around.ledger.wakes is last.wakes
            and self.previous is last.previous
            and ((left_s := deadline - now) == last.left_s or left_s >= last.ample_s)
            and not audit
            and (draw is None or draw >= self._explores)
        ):
            return again(last.decision, request, now, draw)
        views = self._experience.views(self._facts, upload_bytes, readings, now)
        budgets = around.ledger.views(readings, now)
        situation = self._situation(request, readings, views, budgets, rows, now, draw)
        decision = around.memo.decide(self.policy, situation)
        if not audit:
            self._standing = self._stands(decision, readings, upload_bytes, rows)
        return decision

    def imagine(self, arrays: Arrays, deadline: float, now: float, overrides: Mapping[str, Any]) -> Decision:
        """Decide for a request that nobody made, with some readings replaced. Any: Reading values."""
        around, facts = self._around, self._facts
        measured = around.sampler.snapshot()
        readings = {**measured, **overrides}
        upload_bytes = 0 if around.door is None else self._weigh(arrays)
        rows = 1 if self._batched is None else len(arrays[self._batched])
        request = Request(around.ids.take(), facts.model, self._label, deadline, self._can_score)
        views = self._experience.imagine(facts, upload_bytes, readings, now)
        # A charger that is imagined charges nothing.
        budgets = around.ledger.views(measured, now)
        situation = self._situation(request, readings, views, budgets, rows, now, None)
        return around.memo.decide(self.policy, situation)

    def _situation(
        self,
        request: Request,
        readings: Mapping[str, Reading],
        views: tuple[TargetView, ...],
        budgets: tuple[BudgetView, ...],
        rows: int,
        now: float,
        draw: float | None,
    ) -> Situation:
        around, experience, facts = self._around, self._experience, self._facts
        radio, silent_wakes = None, 0
        if around.door is not None:
            radio = experience.radio(readings, now)
            silent_wakes = around.ledger.silent_wakes(radio.kind, now)
        return Situation(
            request,
            readings,
            views,
            experience.escalation_share(facts.model, now),
            now,
            self._promise(rows),
            radio,
            experience.device_w,
            budgets,
            silent_wakes,
            draw,
            self.previous if self._stays else None,
            facts.thresholds,
        )

    def _promise(self, rows: int) -> Promise | None:
        terms, quality = self._terms, self._quality
        return None if terms is None or quality is None else quality.promise_for(terms, rows)

    def _stands(
        self, decision: Decision, readings: Mapping[str, Reading], upload_bytes: int, rows: int
    ) -> Standing | None:
        """Return what the decision that was made just now holds for; None where for nothing more."""
        experience, ledger, quality, situation = (
            self._experience,
            self._around.ledger,
            self._quality,
            decision.situation,
        )
        # Before anything is looked at: what has changed since then has changed its number.
        learnt, promised, wakes = experience.learning.version, 0 if quality is None else quality.changes, ledger.wakes
        hold = self._around.memo.hold(self.policy, decision)
        if hold is None or self._promise(rows) != situation.promise:
            return None
        until = min(
            hold.until,
            experience.hold_until(self._facts, upload_bytes, readings, situation),
            ledger.hold_until(readings, situation),
        )
        if until <= situation.now:
            return None
        return Standing(
            decision,
            situation.now,
            until,
            hold.left_s,
            hold.ample_s,
            readings,
            upload_bytes,
            rows,
            learnt,
            promised,
            situation.budgets,
            wakes,
            self.previous,
        )

    def note(self, decision: Decision) -> None:
        """Note what was decided for a request that was made: for hysteresis, and what is worth measuring."""
        plan, now = decision.plan, decision.situation.now
        if self._stays and plan is not self._chosen:
            # The same plan again is the same choice again.
            first, drawn = None if plan is None else plan.legs[0].target, decision.chosen_by == "draw"
            self.previous = remembered(self.previous, decision.choice, first, now, drawn=drawn)
            self._chosen = plan
        closed, demands = self._wanted
        if closed is not decision.closed:
            # Which follows from nothing else: the policy is the desk's, an agent's targets are always the same.
            demands = tuple(self._around.demands[target] for target in _wanting(self.policy, decision))
            self._wanted = (decision.closed, demands)
        for demand in demands:
            demand.at = now

    def again_s(self, decision: Decision) -> Mapping[str, float]:
        """Return in how many seconds the targets that were closed are asked again."""
        return again_s(self._setting, decision)

    def call(self, arrays: Arrays, decision: Decision, plan: Plan) -> Call:
        """Return the call that carries a plan out, with the permit for the remote targets that it names."""
        planned, permit, course = self._planned
        if planned is not plan:
            door = self._around.door
            permit, course = None if door is None else door.permit(decision, self.policy), usual(plan)
            self._planned = (plan, permit, course)
        if plan.hedge is not None:
            self._setting.experience.could_hedge()
        situation = decision.situation
        if course is not None and situation.request.deadline - situation.now <= course.reserve_s:
            course = None
        return Call(self._setting, arrays, decision, plan, permit, course)


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
