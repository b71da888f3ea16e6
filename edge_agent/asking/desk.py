"""Where the requests of one model and one label are decided, under one policy.

What they have in common is looked up once, when the desk is set up: who may be asked, what is promised, what all their
calls act with. What follows from a plan, as the permit for it, is found once for each plan; the same request a moment
later gets the same. Used by any thread: what is kept is replaced whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_agent.asking.request_ids import RequestIds
from edge_agent.asking.weight import weighing
from edge_agent.call import Call
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
from router.types import Kind, Previous, Request, Situation

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
        "_around", "_batched", "_can_score", "_chosen", "_experience", "_explores", "_facts", "_label", "_planned",
        "_quality", "_setting", "_stays", "_terms", "_wanted", "_weigh", "policy", "previous", "release",
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
        self._explores = self.policy.explores > 0
        self._stays = self.policy.hysteresis is not None
        self._can_score = self.release.manifest.score is not None
        self._weigh = weighing(self.release.manifest)
        # A request has as many rows as the first axis that may vary and is an input's first.
        self._batched = next((spec.name for spec in self.release.inputs if spec.shape and spec.shape[0] == -1), None)
        self._chosen: Plan | None = None
        self._planned: tuple[Plan | None, Permit | None, Usual | None] = (None, None, None)
        self._wanted: tuple[tuple[Closed, ...] | None, tuple[Demand, ...]] = (None, ())

    def decide(
        self,
        arrays: Arrays,
        deadline: float,
        now: float,
        overrides: Mapping[str, Any] | None = None,  # Any: Reading values
    ) -> Decision:
        """Decide for a request that is in order; with `overrides`, readings to be imagined, for none that was made."""
        around, experience, facts = self._around, self._experience, self._facts
        readings = measured = around.sampler.snapshot()
        model, see, imagined = facts.model, experience.views, overrides is not None
        if overrides is not None:
            readings, see = {**measured, **overrides}, experience.imagine
        if around.door is None:
            views, radio, silent_wakes = see(facts, 0, readings, now), None, 0
        else:
            views = see(facts, self._weigh(arrays), readings, now)
            radio = experience.radio(readings, now)
            silent_wakes = around.ledger.silent_wakes(radio.kind, now)
        terms, quality, promise, audit = self._terms, self._quality, None, False
        if terms is not None and quality is not None:
            audit = not imagined and quality.draw(terms)
            rows = 1 if self._batched is None else len(arrays[self._batched])
            promise = quality.promise(terms) if rows <= 1 else quality.promise_for(terms, rows)
        situation = Situation(
            Request(around.ids.take(), model, self._label, deadline, self._can_score, audit),
            readings,
            views,
            experience.escalation_share(model, now),
            now,
            promise,
            radio,
            experience.device_w,
            around.ledger.views(measured, now),
            silent_wakes,
            around.draw() if self._explores and not imagined else None,
            self.previous if self._stays else None,
            facts.thresholds,
        )
        return around.memo.decide(self.policy, situation)

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
