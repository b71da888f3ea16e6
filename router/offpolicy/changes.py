"""Which decisions are others under another policy, and what turned them. Pure.

A decision turns for one reason, the first that would have been enough: that one of the two was drawn and does not
cost least, the mode, a door that is closed under one of the two, a plan that only one of them has; and where both
weighed the same plans, the part of the cost that speaks most for the other choice. What of the cost has changed can
only be told where the policy that was in force is known; else it is what tips the scales under the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from router.choosing.closed import Closed, Constraint
from router.choosing.engine import Decision
from router.choosing.objective import Candidate
from router.choosing.plan import Plan
from router.naming import shown
from router.rules.policy import Policy
from router.spending.prospects import priced
from router.telling.counterfactual import changes, told
from router.telling.explain import why_first
from router.types import Mode
from router.values import value

__all__ = ["OTHERS", "Changes", "Example", "Turn", "because", "turned_by"]

_EXAMPLES: Final = 3
_MOST_TURNS: Final = 1000
_MOST_BACK: Final = 3
_MOST_LETTERS: Final = 200
"""Of a sentence of ours with a name of somebody else's in it."""


@value
class Turn:
    """Decisions that became others for the same reason. `choice` and `instead` are equal where only the plan's terms
    are others."""

    choice: str
    instead: str
    why: str


OTHERS: Final = Turn("others", "others", "of more kinds than are told apart here")


@value
class Example:
    """One of them. `place` is where its record stands."""

    request: str
    place: str
    was: Decision
    now: Decision

    def in_words(self) -> tuple[str, str]:
        """Return why it was decided as it was, and why it would be decided otherwise."""
        return why_first(self.was), why_first(self.now)

    def back(self, policy: Policy) -> list[str]:
        """Return what would have had `policy` decide as it was decided, each thing alone."""
        found = (change for change in changes(policy, self.now) if change.instead.choice == self.was.choice)
        return [told(change) for change, _ in zip(found, range(_MOST_BACK), strict=False)]


class Changes:
    """Counts decisions by what became of them, with some examples of each."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.records = self.chosen_otherwise = self.planned_otherwise = 0
        self._turns: dict[tuple[str, str, str], Turn] = {}
        self.counts: dict[Turn, int] = {}
        self.examples: dict[Turn, list[Example]] = {}

    def add(self, was: Decision, now: Decision, place: str, before: Policy | None) -> None:
        """Count one decision. `before` is the policy that made it, where it is known."""
        if was.plan == now.plan and was.choice == now.choice:
            self.records += 1
            return
        turn = self._turn(was.choice, now.choice, because(was, now, self._policy, before))
        # From here on nothing can go wrong: a record that does is not half counted.
        self.records += 1
        if was.choice == now.choice:
            self.planned_otherwise += 1
        else:
            self.chosen_otherwise += 1
        if turn not in self.counts and len(self.counts) >= _MOST_TURNS:
            turn = OTHERS
        self.counts[turn] = self.counts.get(turn, 0) + 1
        kept = self.examples.setdefault(turn, [])
        if len(kept) < _EXAMPLES:
            kept.append(Example(shown(was.situation.request.id), place, was, now))

    def _turn(self, choice: str, instead: str, why: str) -> Turn:
        key = (choice, instead, why)
        turn = self._turns.get(key)
        if turn is None:
            turn = Turn(shown(choice), shown(instead), shown(why, _MOST_LETTERS))
            if len(self._turns) < _MOST_TURNS:
                self._turns[key] = turn
        return turn

    def ranked(self) -> list[tuple[Turn, int]]:
        """Return the turns, the most frequent first."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0].choice, item[0].instead, item[0].why))


def because(was: Decision, now: Decision, policy: Policy, before: Policy | None) -> str:
    """Return what turned a decision; `now` is what `policy` decides in its situation."""
    return next(_reasons(was, now, policy, before))


def _reasons(was: Decision, now: Decision, policy: Policy, before: Policy | None) -> Iterator[str]:
    if was.choice == now.choice:
        yield _otherwise_planned(was.plan, now.plan)
        return
    for decision, word in ((was, "was"), (now, "is now")):
        if decision.chosen_by == "audit":
            yield f"it {word} drawn for an audit"
        elif _chance_alone(decision):
            yield f"it {word} drawn to explore"
    if was.mode is not now.mode:
        yield _mode(was, now)
    yield from _doors(was, now)
    if now.chosen_by == "held" or was.chosen_by == "held":
        yield "the last choice is stayed with" if now.chosen_by == "held" else "the last choice was stayed with"
    yield from _plans(was, now)
    yield _weighed(was, now, policy, before)


def _chance_alone(decision: Decision) -> bool:
    """Whether a plan was drawn that would not have been chosen: chance also draws what costs least."""
    if decision.chosen_by != "draw":
        return False
    least = min((candidate.cost for candidate in decision.candidates), default=0.0)
    return not any(each.name == decision.choice and each.cost <= least for each in decision.candidates)


def _mode(was: Decision, now: Decision) -> str:
    new, gone = _apart(now.rules, was.rules), _apart(was.rules, now.rules)
    turned = f"mode {now.mode.value} instead of {was.mode.value}"
    if new:
        return f"{turned}: rule {new[0]} applies"
    return f"{turned}: rule {gone[0]} does not apply" if gone else turned


def _apart(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    return [name for name in ours if name not in theirs]


# -- doors -------------------------------------------------------------------------------------------------------------


def _doors(was: Decision, now: Decision) -> Iterator[str]:
    closed_now = {part.target: part for part in now.closed}
    closed_then = {part.target: part for part in was.closed}
    for target in _asked(was.plan):
        if target in closed_now and target not in closed_then:
            yield f"{target} closed by {_door(closed_now[target], now)}"
    for target in _asked(now.plan):
        if target in closed_then and target not in closed_now:
            yield f"{target} no longer closed by {_door(closed_then[target], was)}"
    if now.plan is None or was.plan is None:
        yield "every target is closed" if now.plan is None else "not every target is closed"


def _asked(plan: Plan | None) -> list[str]:
    """Return whom a plan asks if nothing goes wrong."""
    if plan is None:
        return []
    to = None if plan.escalation is None else plan.escalation.to
    return [plan.legs[0].target, *([] if to is None else [to])]


def _door(closed: Closed, decision: Decision) -> str:
    if closed.constraint is Constraint.RULE:
        return closed.detail.removesuffix(" forbids it")
    if closed.constraint is Constraint.LABEL:
        label = decision.situation.request.label
        return "the want of a label" if label is None else f'label "{label}"'
    if closed.constraint is Constraint.MODE:
        return f"mode {decision.mode.value}"
    return closed.constraint.value


# -- plans and costs ---------------------------------------------------------------------------------------------------


def _plans(was: Decision, now: Decision) -> Iterator[str]:
    """Tell of a plan that only one of the two had to choose from."""
    if was.mode is not Mode.AUTO or now.mode is not Mode.AUTO:
        return
    names_then, names_now = ({candidate.name for candidate in of.candidates} for of in (was, now))
    rules = [*_apart(now.rules, was.rules), *_apart(was.rules, now.rules)]
    by = f", by rule {rules[0]}" if rules else ""
    if was.choice not in names_now:
        yield f'"{was.choice}" is no plan of it{by}'
    if now.choice not in names_then:
        yield f'"{now.choice}" was no plan before{by}'


def _weighed(was: Decision, now: Decision, policy: Policy, before: Policy | None) -> str:
    rows = turned_by(was, now, policy, before)
    if not rows:
        return "another order of the targets"
    name, _ = max(rows.items(), key=lambda row: row[1])
    return f"cost: {name}"


def turned_by(was: Decision, now: Decision, policy: Policy, before: Policy | None) -> Mapping[str, float]:
    """Return for each part of the cost by how much it speaks for the new choice and against the old one: more than
    before, where it is known what it said then. Empty where the two were not weighed against each other."""
    gains = _gains(now, was.choice, now.choice, policy)
    if gains is None:
        return {}
    earlier = None if before is None else _gains(was, was.choice, now.choice, before)
    return gains if earlier is None else {name: gain - earlier[name] for name, gain in gains.items()}


def _gains(decision: Decision, left: str, taken: str, policy: Policy) -> dict[str, float] | None:
    plans = {candidate.name: candidate for candidate in decision.candidates}
    if left not in plans or taken not in plans:
        return None
    old, new = (_parts(plans[name], decision, policy) for name in (left, taken))
    return {name: old[name] - new[name] for name in old}


def _parts(candidate: Candidate, decision: Decision, policy: Policy) -> dict[str, float]:
    worth, expected = priced(policy, decision.situation), candidate.expected
    return {
        "wrong answers": worth.wrong_answer * expected.p_wrong,
        "missed deadlines": worth.missed_deadline * expected.p_miss,
        "failed requests": worth.failed_request * expected.p_fail,
        "seconds": worth.second * expected.seconds,
        "dollars": worth.dollar * expected.usd,
        "megabytes": worth.megabyte * expected.megabytes,
        "joules": worth.joule * expected.joules,
        "an awake radio": -decision.awake_worth * expected.radio,
    }


def _otherwise_planned(was: Plan | None, now: Plan | None) -> str:
    assert was is not None
    assert now is not None
    names = [
        (was.escalation != now.escalation, "the threshold"),
        ([leg.target for leg in was.legs] != [leg.target for leg in now.legs], "who is asked behind"),
        (was.legs != now.legs, "when a target is given up"),
        (was.backup != now.backup, "the backup"),
        (was.hedge != now.hedge, "the hedge"),
        (was.retry != now.retry, "retries"),
        (was.wake != now.wake or was.audit != now.audit, "wakes and audits"),
    ]
    told = next((name for differs, name in names if differs), "what it promises")
    return f"other terms: {told}"
