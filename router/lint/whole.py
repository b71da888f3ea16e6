"""What is in a policy and can change no decision, or cannot be meant: rules that never hold, come too late or
contradict each other, targets that nobody may reach.

Pure. A policy with such parts is valid, and is taken; `nearfar-policy check` tells its author. What is said here is
certain; what could not be shown is not said. Fields that make no document better or worse by themselves (worth,
breaker, estimates) are not judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from router.lint.labels import findings_of_labels
from router.lint.rooms import Universe
from router.lint.rules import findings_of_rule, names_of
from router.lint.standing import Standing, always_between_them, standings
from router.lint.together import contradictions
from router.rules.policy import EscalationTerms, Policy
from router.types import Kind, Mode, Resource

__all__ = ["LintWarning", "lint"]


@dataclass(frozen=True, slots=True)
class LintWarning:
    """A part to look at. `path` is its place in the document, such as `rules[3].when`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def lint(
    policy: Policy, *, targets: Mapping[str, Kind] | None = None, models: Collection[str] | None = None
) -> tuple[LintWarning, ...]:
    """Return what the policy's author should look at, in the document's order.

    `targets` and `models` are those that exist, where they are known: more can be told then."""
    universe = Universe(frozenset(policy.labels), None if models is None else frozenset(models))
    return tuple(LintWarning(path, message) for path, message in _findings(policy, universe, targets))


_Finding = tuple[str, str]
_ROUNDED: Final = 1e-9
_DAY_S: Final = 86_400.0
READ_EVERY_S: Final[Mapping[str, float]] = {
    **dict.fromkeys(("battery_pct", "charging", "discharge_w"), 30.0),
    **dict.fromkeys(("memory_free_mb", "temperature_c", "throttled", "rtt_ms"), 3.0),
}
"""How often agents read these signals, unless their configuration says otherwise."""


def _findings(policy: Policy, universe: Universe, targets: Mapping[str, Kind] | None) -> Iterator[_Finding]:
    rules = standings(policy, universe)
    modes = _possible_modes(policy, rules)
    if policy.mode not in modes:
        forced = always_between_them([one for one in rules if one.rule.mode is not None], universe)
        yield "mode", f"never used: {_always(forced, 'applies and gives another')}"
    yield from _labels(policy)
    yield from findings_of_labels(policy, rules, targets)
    yield from _targets(policy, rules, modes, universe)
    together: dict[int, list[_Finding]] = {}
    for found in contradictions(policy, rules, modes, targets):
        together.setdefault(int(found.path[6 : found.path.index("]")]), []).append((found.path, found.message))
    for one in rules:
        own = tuple(findings_of_rule(policy, one, rules[: one.index], modes))
        yield from own
        # What never counts contradicts nothing.
        idle = {path for path, message in own if message.startswith("never counts")}
        yield from (found for found in together.get(one.index, ()) if found[0] not in idle)
    yield from _escalation(policy, modes)
    yield from _promise(policy, modes)
    yield from _budgets(policy)
    yield from _choosing(policy, modes)
    yield from _worth(policy, modes)
    for name in policy.stale_after_s:
        # The round trip is read by every prediction, whether a rule speaks of it or not. NAME counts for NAME.TARGET.
        read = {part for named in policy.named_signals for part in (named, named.partition(".")[0])}
        if not name.startswith("rtt_ms") and name not in read:
            yield f"stale_after_s.{name}", "no rule reads this signal"
        elif policy.stale_after_s[name] < (every_s := READ_EVERY_S.get(name.partition(".")[0], 0.0)):
            told = f"agents read it every {every_s:g} s, unless they are configured otherwise"
            yield f"stale_after_s.{name}", f"{told}: until the next reading it is unknown"


def _possible_modes(policy: Policy, rules: Sequence[Standing]) -> frozenset[Mode]:
    """The modes that some request may be decided in."""
    giving = [one for one in rules if one.rule.mode is not None and not one.never_applies]
    modes: set[Mode] = set()
    for one in giving:
        assert one.rule.mode is not None
        modes.add(one.rule.mode)
        if one.always_applies:
            return frozenset(modes)
    if always_between_them(giving, giving[0].universe if giving else Universe(frozenset())):
        return frozenset(modes)
    return frozenset(modes | {policy.mode})


def _always(rules: Sequence[Standing], does: str) -> str:
    if len(rules) == 1:
        return f'rule "{rules[0].rule.name}" always {does}'
    return f"one of the rules {names_of(rules)} always {does}"


# -- labels, targets, escalation ---------------------------------------------------------------------------------------


def _labels(policy: Policy) -> Iterator[_Finding]:
    for label, places in policy.labels.items():
        if not places:
            yield f"labels.{label}", "permits no target: every such request is refused"
    if not policy.strictest and all(policy.labels.values()):
        yield "labels", "no target is permitted by every label: a request without a label is refused"


def _targets(
    policy: Policy, rules: Sequence[Standing], modes: frozenset[Mode], universe: Universe
) -> Iterator[_Finding]:
    for name, kind in policy.kinds.items():
        if not any(policy.permits(label, name, kind) for label in policy.labels):
            yield f"targets.{name}", "no label permits it: it is never asked"
        elif modes == {Mode.ONLY_ON_DEVICE if kind is not Kind.DEVICE else Mode.ONLY_IN_CLOUD}:
            yield f"targets.{name}", f"the mode is always {min(modes)}: it is never asked"
        else:
            closing = always_between_them([one for one in rules if one.rule.forbid & {name, kind.value}], universe)
            if closing:
                yield f"targets.{name}", f"{_always(closing, 'forbids it')}: it is never asked"


def _escalation(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    terms = policy.escalation
    if terms is not None and not terms.said:
        return
    if Mode.AUTO not in modes:
        yield "escalation", "only mode auto escalates, and it is never in force"
        return
    if terms is None:
        return
    if terms.below >= 1:
        yield "escalation.below", "no score is above 1: every answer of the device escalates"
    if terms.recovers == 0 and not terms.best:
        yield "escalation.recovers", "asking is believed to set nothing right: it never pays"
    if (gain := _believed_gain(policy, terms)) > terms.share + _ROUNDED:
        yield (
            "escalation.share",
            f"{terms.share:.3g} of all requests are believed to be asked, and {gain:.3g} to be set right by it "
            "(recovers, of what the device has wrong and a remote target right): it cannot be more than are asked",
        )


def _believed_gain(policy: Policy, terms: EscalationTerms) -> float:
    """Return the share of all requests that asking is believed to set right, where nothing was evaluated."""
    near = policy.terms_for(Kind.DEVICE.value, Kind.DEVICE).p_wrong
    named = [policy.terms_for(name, kind).p_wrong for name, kind in policy.kinds.items() if kind is not Kind.DEVICE]
    return max((terms.recovers * (near - far) for far in named), default=0.0)


def _promise(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    if policy.promise is None:
        return
    if Mode.AUTO not in modes:
        yield "promise", "only mode auto keeps a promise, and it is never in force"
    elif policy.promise.audit == 0:
        yield "promise.audit", "without audits nobody notices that a promise no longer holds"


def _budgets(policy: Policy) -> Iterator[_Finding]:
    money = any(budget.resource is Resource.MONEY for budget in policy.budgets)
    if money and not any(terms.usd_per_request for terms in policy.terms.values()):
        yield "budgets.money", "no target has a price, `usd_per_request`: nothing is ever counted"
    for name, terms in policy.terms.items():
        for budget in policy.budgets:
            if budget.resource is Resource.MONEY and terms.usd_per_request > budget.amount:
                price, period = terms.usd_per_request, "hour" if budget.period_s < _DAY_S else "day"
                told = f"one request to {name} costs {price:g}, and {budget.amount:g} is all there is"
                yield "budgets.money.amount_usd", f"{told}: after the first one of each {period} it is used up"
    for budget in policy.budgets:
        takes = budget.resource is Resource.ENERGY and policy.energy.cpu_w > 0
        if takes and budget.at_zero == "stop" and not budget.at_zero_said:
            yield (
                "budgets.energy",
                "when it is used up nothing answers until the next period, because the device takes of it as well: say "
                'at_zero = "least", to have whoever takes least answer, or at_zero = "stop", if that is meant',
            )


def _worth(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    if Mode.AUTO in modes and not any(astuple(policy.worth)) and not policy.budgets:
        yield "worth", "nothing is worth anything: every plan costs the same, and mode auto has nothing to weigh"


def _choosing(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    if policy.hedge is not None and modes == {Mode.ONLY_ON_DEVICE}:
        yield "hedge", "the mode is always only_on_device: there is nobody to ask beside it"
    if Mode.AUTO not in modes:
        if policy.explores:
            yield "exploration.share", "only mode auto explores, and it is never in force"
        if policy.radio.wake:
            yield "radio.wake", "only mode auto wakes the radio, and it is never in force"
        if policy.hysteresis is not None and policy.hysteresis.margin:
            yield "hysteresis.margin", "only mode auto compares costs, and it is never in force"
