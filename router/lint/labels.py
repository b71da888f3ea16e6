"""Labels whose requests nothing may answer, because of the mode or of a rule: modes that contradict labels. Pure.

What a label closes nothing opens, so that a mode that closes the rest refuses every such request. What is said is
certain whatever is read; where it would take too long to know, nothing is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from router.lint.holding import always, never
from router.lint.rooms import Universe
from router.lint.standing import ALWAYS_KNOWN, Standing
from router.rules.policy import Policy
from router.types import Kind, Mode

__all__ = ["findings_of_labels"]

Finding = tuple[str, str]

# Rules that speak of labels, by labels: more of them together are looked at by nobody.
_MAX_LOOKS: Final = 2000
_NOTHING: Final[frozenset[str]] = frozenset()
_REMOTE: Final = {kind.value: kind for kind in (Kind.FOG, Kind.CLOUD)}


def findings_of_labels(
    policy: Policy, rules: Sequence[Standing], targets: Mapping[str, Kind] | None
) -> Iterator[Finding]:
    """Yield what nothing may answer, at the rule that is to blame, or else at the label."""
    of_labels = sum("label" in one.rule.when.names() for one in rules)
    if of_labels * len(policy.labels) > _MAX_LOOKS:
        return
    kinds = {Kind.DEVICE.value: Kind.DEVICE, **(_REMOTE if targets is None else {}), **policy.kinds}
    views = [_Label(policy, rules, label, kinds) for label, places in policy.labels.items() if places]
    blamed: set[int] = set()
    for one in rules:
        met = [] if one.never_applies else [view for view in views if view.may_apply(one)]
        found = _of_rule(one, met)
        if found is not None:
            blamed.add(one.index)
            yield found
    for view in views:
        modes, by = view.modes()
        if by not in blamed and not any(map(view.left, modes)):
            yield f"labels.{view.label}", f"every such request is refused: it {view.permits}, and {_always(modes)}"
    if policy.strictest:
        bare = _Label(policy, rules, None, kinds)
        modes, by = bare.modes()
        if by not in blamed and not any(map(bare.left, modes)):
            told = "a request without a label is treated like the strictest, and refused: that"
            yield "labels", f"{told} {bare.permits}, and {_always(modes)}"


def _of_rule(one: Standing, met: Sequence[_Label]) -> Finding | None:
    """Return what a rule leaves no target for, whichever label a request has that it may apply to."""
    rule = one.rule
    if not met:
        return None
    told = f'nothing may answer where it holds: label "{met[0].label}" {met[0].permits}'
    if rule.mode in (Mode.ONLY_ON_DEVICE, Mode.ONLY_IN_CLOUD) and not any(view.left(rule.mode) for view in met):
        return f"rules[{one.index}].mode", f"{told}, and {rule.mode} closes that"
    if rule.forbid and "label" in rule.when.names() and not any(view.left(Mode.AUTO, rule.forbid) for view in met):
        return f"rules[{one.index}].forbid", f"{told}, and the rule forbids that"
    return None


def _always(modes: Sequence[Mode]) -> str:
    return f"the mode is always {' or '.join(dict.fromkeys(modes))}"


class _Label:
    """What may become of requests with one label; None: without one."""

    def __init__(self, policy: Policy, rules: Sequence[Standing], label: str | None, kinds: Mapping[str, Kind]) -> None:
        self.label = label
        self._policy = policy
        self._rules = rules
        self._places = [(name, kind) for name, kind in kinds.items() if policy.permits(label, name, kind)]
        self._known: dict[int, tuple[bool, bool]] = {}

    @property
    def permits(self) -> str:
        if not self._places:
            return "permits nothing that there is"
        kinds = {kind for _, kind in self._places}
        if kinds == {Kind.DEVICE}:
            return "permits the device alone"
        return "permits the device and others" if Kind.DEVICE in kinds else "does not permit the device"

    def left(self, mode: Mode, forbidden: frozenset[str] = _NOTHING) -> bool:
        """Tell whether anything may answer in a mode."""
        closes_device = {Mode.ONLY_ON_DEVICE: False, Mode.ONLY_IN_CLOUD: True}.get(mode)
        return any(
            (kind is Kind.DEVICE) is not closes_device and not forbidden & {name, kind.value}
            for name, kind in self._places
        )

    def modes(self) -> tuple[list[Mode], int | None]:
        """Return the modes that such a request may be decided in, and the one rule that gives it, where one does."""
        modes: list[Mode] = []
        for one in self._rules:
            if one.rule.mode is not None and self.may_apply(one):
                modes.append(one.rule.mode)
                if self._applies(one):
                    return modes, one.index if len(modes) == 1 else None
        return [*modes, self._policy.mode], None

    def may_apply(self, one: Standing) -> bool:
        return self._look(one)[0]

    def _applies(self, one: Standing) -> bool:
        return self._look(one)[1]

    def _look(self, one: Standing) -> tuple[bool, bool]:
        """Return whether a rule may apply to such a request, and whether it certainly does."""
        if "label" not in one.rule.when.names():
            return not one.never_applies, one.always_applies
        known = self._known.get(one.index)
        if known is None:
            known = self._known[one.index] = self._of_label(one)
        return known

    def _of_label(self, one: Standing) -> tuple[bool, bool]:
        rule, others = one.rule, frozenset(one.rule.when.names()) - {"label"}
        if self.label is None:
            # Without a label what is asked of it is unknown, and so may be the whole.
            return not one.never_applies or rule.apply_when_unknown, False
        universe = Universe(frozenset({self.label}), one.universe.models)
        if never(rule.when, universe):
            return rule.apply_when_unknown and not others <= ALWAYS_KNOWN, False
        return True, (rule.apply_when_unknown or others <= ALWAYS_KNOWN) and always(rule.when, universe)
