"""Which rules certainly apply whenever another one does, alone or between them. Pure.

A rule that skips what is unknown applies where one of its condition's boxes holds, and then all facts that the box
names are known. So another rule applies as well if what the box leaves lies within that one's boxes over the same
facts. Of rules that apply to what is unknown only plain conjunctions are compared, fact by fact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from router.lint.holding import always, boxes_of
from router.lint.rooms import Box, Universe, minus
from router.rules.policy import Policy, Rule
from router.rules.predicates import AllOf, Compare, Predicate

__all__ = ["ALWAYS_KNOWN", "Standing", "always_between_them", "covering", "never_unknown", "standings"]

ALWAYS_KNOWN: Final = frozenset({"model", "time_left_ms", "upload_bytes"})
# How often the boxes of one rule are cut, before nothing is said of rules that cover it only between them.
MAX_CUTS: Final = 400
# How many boxes of two rules are compared, before nothing is said of the two.
MAX_PAIRS: Final = 1024


@dataclass(frozen=True, slots=True)
class _Boxed:
    box: Box
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule, with what its condition comes to. `boxes` is None where there are too many."""

    index: int
    rule: Rule
    universe: Universe
    boxes: tuple[_Boxed, ...] | None
    never_holds: bool
    always_applies: bool
    plain: bool

    @property
    def never_applies(self) -> bool:
        return self.never_holds and not self.rule.apply_when_unknown

    def applies_whenever(self, other: Standing) -> bool:
        """Tell whether it is certain that this rule applies to each request that `other` applies to."""
        if self.always_applies or other.never_applies:
            return True
        if other.rule.apply_when_unknown and not self.rule.apply_when_unknown:
            return False
        if other.rule.apply_when_unknown and not (self.plain and other.plain):
            return self.rule.when == other.rule.when
        if self.boxes is None or not other.boxes or len(self.boxes) * len(other.boxes) > MAX_PAIRS:
            return self.rule.when == other.rule.when
        return all(any(_inside(box, mine) for mine in self.boxes) for box in other.boxes)


def standings(policy: Policy, universe: Universe) -> tuple[Standing, ...]:
    """Return the standing of each rule, in the policy's order."""
    return tuple(_standing(index, rule, universe) for index, rule in enumerate(policy.rules))


def _standing(index: int, rule: Rule, universe: Universe) -> Standing:
    boxes = boxes_of(rule.when, universe)
    boxed = None if boxes is None else tuple(_Boxed(box, frozenset(box)) for box in boxes)
    applies = rule.when.holds(lambda _: None) is True or (
        (rule.apply_when_unknown or never_unknown(rule.when)) and always(rule.when, universe)
    )
    return Standing(index, rule, universe, boxed, boxed == (), applies, _plain(rule.when))


def never_unknown(condition: Predicate) -> bool:
    """Tell whether the condition is never unknown, whatever the readings are."""
    return ALWAYS_KNOWN.issuperset(condition.names()) or condition.holds(lambda _: None) is not None


def covering(earlier: Iterable[Standing], later: Standing) -> tuple[Standing, ...]:
    """Return the rules one of which certainly applies whenever `later` does: a single one where one is enough, none
    where it is not certain."""
    candidates = list(earlier)
    for one in candidates:
        if one.applies_whenever(later):
            return (one,)
    if later.rule.apply_when_unknown or not later.boxes:
        return ()
    return _between_them(candidates, [boxed.box for boxed in later.boxes], later.universe)


def always_between_them(rules: Sequence[Standing], universe: Universe) -> tuple[Standing, ...]:
    """Return the rules one of which certainly applies to every request, none where it is not certain."""
    single = next((one for one in rules if one.always_applies), None)
    return (single,) if single is not None else _between_them(rules, [{}], universe)


def _between_them(candidates: Iterable[Standing], boxes: list[Box], universe: Universe) -> tuple[Standing, ...]:
    """Cut away what the candidates' boxes hold, until nothing is left."""
    cuts = 0
    used: list[Standing] = []
    names = frozenset.intersection(*(frozenset(box) for box in boxes)) | ALWAYS_KNOWN
    candidates = list(candidates)
    if any(_bare_corner(box, candidates, high=high) for box in boxes for high in (True, False)):
        return ()
    for one in candidates:
        for mine in one.boxes or ():
            if not mine.names <= names:
                continue  # it may speak of something unknown
            left: list[Box] = []
            for box in boxes:
                left += minus(box, mine.box, universe)
                cuts += 1
            if left != boxes and one not in used[-1:]:
                used.append(one)
            boxes = left
            if not boxes:
                return tuple(used)
            if cuts > MAX_CUTS or len(boxes) > MAX_CUTS:
                return ()
    return ()


def _bare_corner(box: Box, candidates: Iterable[Standing], *, high: bool) -> bool:
    """Tell whether a corner of the box is in no box of any candidate: then they cannot cover it, which is soon seen."""
    corner = {name: room.corner(high=high) or room.example() for name, room in box.items()}
    return not any(
        all(name not in corner or room.has(corner[name]) for name, room in boxed.box.items())
        for one in candidates
        for boxed in one.boxes or ()
    )


def _inside(boxed: _Boxed, other: _Boxed) -> bool:
    if not other.names <= boxed.names:
        return False
    return all(boxed.box[name].inside(room) for name, room in other.box.items())


def _plain(condition: Predicate) -> bool:
    if isinstance(condition, AllOf):
        return all(isinstance(part, Compare) for part in condition.parts)
    return isinstance(condition, Compare)
