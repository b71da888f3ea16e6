"""A policy replayed on the records of another one, one record after the other. Pure: whoever reads files hands them in.

What is kept does not grow with the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from router.choosing.engine import Decision, decide
from router.choosing.hysteresis import WAKES
from router.choosing.objective import Expectation
from router.errors import RecordError
from router.naming import shown
from router.offpolicy.audited import Audited
from router.offpolicy.changes import Changes
from router.offpolicy.course import same_course
from router.offpolicy.estimate import Estimates, estimates
from router.offpolicy.exploring import Needs
from router.offpolicy.odds import Odds, Wanted, drawn_plan, logged, wanted
from router.offpolicy.outcome import FIGURES, Known, expected_of, known_of
from router.offpolicy.sound import unsound
from router.offpolicy.sums import Sample, Sums
from router.rules.policy import Policy
from router.simulate.intervals import Draws
from router.types import DEVICE, Kind

if TYPE_CHECKING:  # its reader brings pydantic along, which nobody here needs
    from router.cascade.audits import AuditRecord
    from router.telling.record import Record

__all__ = ["Replay", "sample_of"]

_MOST_NAMES: Final = 32


class Replay:
    """See the module. `known` are policies by their digest: of records that one of them made more can be told. `audits`
    are what is known of right and wrong, by request."""

    def __init__(
        self,
        policy: Policy,
        *,
        known: Mapping[str, Policy] | None = None,
        most_weight: float | None = None,
        audits: Mapping[str, AuditRecord] | None = None,
    ) -> None:
        self.policy = policy
        self._audits = audits or {}
        self.judging = Audited()
        self.changes = Changes(policy)
        self._known = known or {}
        self._sums = Sums(most_weight)
        self._needs = Needs(policy.explores)
        self.audited = self.without_odds = self.without_end = 0
        """Records that say nothing for estimates: drawn for an audit, of impossible odds, or of no end."""
        self.unnamed: Counter[str] = Counter()
        """Targets that the policy does not name: taken as their kind suggests."""
        self.unknown_labels: Counter[str] = Counter()
        """Labels that the policy does not have: taken for none, where an agent would refuse the request."""

    def add(self, record: Record, place: str = "") -> None:
        """Decide a record's request again, and count what follows.

        Raises RecordError: it is of a situation that cannot have been; nothing of it is counted."""
        decision, policy = record.decision, self.policy
        if problem := unsound(record):
            raise RecordError(f"no record of anything that was: {problem}")
        try:
            wants = wanted(policy, decision)
            again = _with_draw(policy, decision, wants)
            odds = logged(decision)
            sample = None if odds is None else sample_of(record, policy, wants, odds)
            self.changes.add(decision, again, place, self._known.get(decision.policy_digest))
        except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
            # A boundary: whoever wrote the line may have written anything that a record can hold.
            raise RecordError(f"cannot be decided again ({type(error).__name__})") from error
        self._strange(decision)
        audit = self._audits.get(decision.situation.request.id)
        if audit is not None:
            self.judging.add(audit, decision.plan, wants.greedy.plan)
        if decision.chosen_by == "audit" or wants.greedy.chosen_by == "audit":
            self.audited += 1
        elif odds is None or sample is None:
            self.without_odds += 1
        elif record.outcome is None and decision.plan is not None:
            self.without_end += 1
        else:
            self._sums.add(sample)
            self._count_needs(decision, wants, odds)

    def estimates(self, chance: Draws) -> Estimates:
        """Return what the records tell of what the policy would have come to."""
        return estimates(self._sums, self._needs, chance)

    def _count_needs(self, decision: Decision, wants: Wanted, odds: Odds) -> None:
        arms = [candidate.name for candidate in decision.candidates if not candidate.name.endswith(WAKES)]
        differs = _greedy(odds) != wants.greedy.choice
        reachable = not differs or wants.greedy.choice in arms
        self._needs.add(max(1, len(arms)), differs=differs, reachable=reachable)

    def _strange(self, decision: Decision) -> None:
        policy = self.policy
        for view in decision.situation.targets:
            named = view.name in policy.kinds or view.name in policy.terms or view.name == view.kind.value
            if not named:
                _count(self.unnamed, view.name)
        label = decision.situation.request.label
        if label is not None and label not in policy.labels:
            _count(self.unknown_labels, label)


def _count(names: Counter[str], name: str) -> None:
    name = shown(name)
    if name in names or len(names) < _MOST_NAMES:
        names[name] += 1


def _with_draw(policy: Policy, decision: Decision, wants: Wanted) -> Decision:
    """Return what the policy decides with the draw that was drawn: whoever is drawn under both does the same."""
    situation = decision.situation
    return wants.greedy if wants.greedy.situation is situation else decide(policy, situation)


def sample_of(record: Record, policy: Policy, wants: Wanted, odds: Odds) -> Sample:
    """Return what a record is to an estimate of `policy`, which `wants` so much of what had such `odds`."""
    decision = record.decision
    expected = _expected(decision, wants.greedy)
    here = expected.get(decision.choice)
    p_wrong = _p_wrong(record, policy) if here is None else here.p_wrong
    # Whether a model is used depends on the situation alone, and never on what was drawn in it: that would be a bias.
    modelled = here is not None and all(name in expected for name in (*odds, *wants.odds))
    share = wants.odds.get(decision.choice, 0.0)
    weight = share / odds[decision.choice] if share else 0.0
    return Sample(
        weight,
        known_of(record, policy, p_wrong),
        _direct(policy, wants, expected) if modelled else None,
        expected_of(here, policy) if modelled and here is not None else None,
        _greedy(odds) != wants.greedy.choice,
        sum(wants.odds[name] for name in wants.odds if name not in odds),
        weight > 0 and _astray(record, policy, wants),
    )


def _greedy(odds: Odds) -> str:
    """Return what is taken where nothing is drawn."""
    return max(odds, key=lambda name: odds[name])


def _astray(record: Record, policy: Policy, wants: Wanted) -> bool:
    decision = record.decision
    would: Decision | None = wants.greedy
    if wants.greedy.choice != decision.choice:
        would = drawn_plan(policy, wants, decision.choice)
    if would is None or would.plan == decision.plan:
        return would is None
    left_s = decision.situation.request.deadline - decision.situation.now
    return not same_course(decision.plan, would.plan, record.outcome, record.taken_s or 0.0, left_s)


def _expected(decision: Decision, again: Decision) -> dict[str, Expectation]:
    """Return what is expected of the plans by their names: by the policy that is replayed, and of those that it does
    not have by the one that was in force. Both look at the same estimates."""
    return {candidate.name: candidate.expected for of in (decision, again) for candidate in of.candidates}


def _direct(policy: Policy, wants: Wanted, expected: Mapping[str, Expectation]) -> Known:
    parts = [(share, expected_of(expected[name], policy)) for name, share in wants.odds.items()]
    if len(parts) == 1:
        return parts[0][1]
    return tuple(
        None if parts[0][1][place] is None else sum(share * (known[place] or 0.0) for share, known in parts)
        for place in range(len(FIGURES))
    )


def _p_wrong(record: Record, policy: Policy) -> float | None:
    """Return how probably the answer is wrong where nothing was weighed: by the target that gave it."""
    target = None if record.outcome is None else record.outcome.target
    if target is None:
        return 0.0
    view = next((view for view in record.decision.situation.targets if view.name == target), None)
    if view is None:
        return policy.terms_for(DEVICE, Kind.DEVICE).p_wrong if target == DEVICE else None
    return policy.terms_for(view.name, view.kind).p_wrong if view.p_wrong is None else view.p_wrong
