"""Policies and situations for hypothesis: as a document and an agent could bring them about, and no others."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from router.choosing.plan import Backup, Escalation, Hedge, Leg, Plan, Retry
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.running.attempt import HAND_BACK_S
from router.signals import LINKS
from router.types import (
    DEVICE,
    BreakerPhase,
    BudgetView,
    EvaluatedThreshold,
    Kind,
    Mode,
    Previous,
    Radio,
    Reading,
    Request,
    Resource,
    Situation,
    TargetView,
    TimeAfter,
    TimeEstimate,
)

__all__ = [
    "KINDS",
    "NAMES",
    "budget_views",
    "draws",
    "estimates",
    "plans",
    "policies",
    "previous_choices",
    "radios",
    "readings",
    "situations",
    "target_views",
]

KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "eu": Kind.CLOUD, "attic": Kind.FOG}
NAMES = list(KINDS)
PLACES = [*NAMES, "fog"]
LABELS = ["public", "personal", "secret"]
NOW = 1000.0

numbers = st.floats(0, 200, allow_nan=False).map(lambda value: round(value, 3))
shares = st.floats(0, 1).map(lambda value: round(value, 4))


def _toml(value: Any) -> str:  # Any: what TOML can hold
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return json.dumps(value)


def _comparison(name: str, operand: st.SearchStrategy[Any], *operators: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.sampled_from(operators), operand).map(lambda pair: {name: {pair[0]: pair[1]}})


_ORDER = ("less_than", "greater_than", "at_least", "at_most")
comparisons = st.one_of(
    _comparison("battery_pct", numbers, *_ORDER),
    _comparison("rtt_ms.cloud", numbers, *_ORDER),
    _comparison("upload_bytes", st.sampled_from([0, 100, 10_000]), *_ORDER),
    _comparison("charging", st.booleans(), "equals"),
    _comparison("link", st.sampled_from(LINKS), "equals"),
    _comparison("link", st.lists(st.sampled_from(LINKS), min_size=1), "one_of"),
    _comparison("label", st.sampled_from(LABELS), "equals"),
    _comparison("model", st.sampled_from(["m", "other"]), "equals"),
    st.just({}),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)
in_time = _comparison("time_left_ms", st.floats(0, 3000), *_ORDER)


_at_zero = st.sampled_from(["stop", "least"])
_budgets = st.fixed_dictionaries(
    {},
    optional={
        "energy": st.fixed_dictionaries({"amount_j": st.floats(0.1, 1e4), "at_zero": _at_zero}),
        "money": st.fixed_dictionaries({"amount_usd": st.floats(0.1, 1e4), "at_zero": _at_zero}),
        "bytes": st.fixed_dictionaries({"amount_mb": st.floats(0.1, 1e4), "at_zero": _at_zero}),
    },
)


@st.composite
def policies(draw: st.DrawFn, *, reads_time_left: bool = True, weighs: bool = False) -> Policy:
    """Policies for four targets. Those with `weighs` fix no order, may escalate, and let a public request anywhere."""
    document: dict[str, Any] = {  # Any: as _toml takes it
        "schema": 1,
        "name": "drawn",
        "version": 1,
        "mode": Mode.AUTO if weighs else draw(st.sampled_from([*Mode, *[Mode.AUTO] * 4])),
        "labels": {label: draw(st.lists(st.sampled_from(PLACES), unique=True)) for label in LABELS},
        "worth": {
            name: draw(st.floats(0, 10))
            for name in ("wrong_answer", "missed_deadline", "failed_request", "second", "dollar", "megabyte", "joule")
        },
        "radio": {"wake": draw(st.booleans()), "silent_wakes": draw(st.sampled_from([1, 3]))},
        "exploration": {"share": draw(st.sampled_from([0.0, 0.0, 0.1, 1.0]))},
        "budgets": draw(_budgets),
        "targets": {
            name: {"p_wrong": draw(shares), "usd_per_request": draw(st.floats(0, 1))}
            for name in draw(st.sets(st.sampled_from(NAMES)))
        },
        "stale_after_s": {"battery_pct": draw(st.floats(0.1, 200))},
    }
    if draw(st.booleans()):
        document["hysteresis"] = {
            "margin": draw(st.floats(0.001, 1)),
            "dwell_s": draw(st.sampled_from([0.0, 0.1, 60.0])),
        }
    if weighs:
        document["labels"]["public"] = NAMES
    document["backup"] = {
        "eps": draw(st.sampled_from([0.001, 0.05, 0.3])),
        "uncertified": draw(st.sampled_from(["return", "hold"])),
    }
    document["retry"] = {"attempts": draw(st.integers(1, 4))}
    if draw(st.booleans()):
        document["hedge"] = {"share": 0.05}
    if weighs or draw(st.booleans()):
        document["escalation"] = {
            "below": draw(shares | st.just("best")),
            "recovers": draw(shares),
            "share": draw(shares),
        }
    when = st.one_of(conditions, in_time) if reads_time_left else conditions
    document["rules"] = []
    for index in range(draw(st.integers(0, 3))):
        rule: dict[str, Any] = {"name": f"r{index}", "when": draw(when)}  # Any: as above
        rule["on_unknown"] = draw(st.sampled_from(["skip", "apply"]))
        rule["forbid"] = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True))
        if not weighs and draw(st.booleans()):
            rule["mode"] = draw(st.sampled_from([*Mode]))
        if draw(st.booleans()):
            rule["escalate_below"] = draw(st.one_of(shares, st.just("never")))
        document["rules"].append(rule)
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in document.items())
    return compile_policy(text.encode(), targets=KINDS)


@st.composite
def estimates(draw: st.DrawFn) -> TimeEstimate:
    """Rising times from a tenth of a millisecond to seconds, with ties."""
    a, b, c, d, e = sorted(draw(_five_times))
    return TimeEstimate((a, b, c, d, e), draw(st.integers(0, 100)))


_times_after = st.one_of(
    st.just(()),
    st.lists(estimates(), min_size=3, max_size=3).map(
        lambda found: tuple(TimeAfter(idle_s, time) for idle_s, time in zip((0.0, 2.0, 12.0), found, strict=True))
    ),
)


@cache
def radios(now: float = NOW) -> st.SearchStrategy[Radio | None]:
    """A radio that was used lately, long ago or never, and requests that come soon after each other or do not."""
    used_at = st.none() | st.floats(0, 100).map(lambda ago: now - ago)
    gaps = st.lists(st.floats(1e-5, 100), max_size=4).map(lambda found: tuple(sorted(found)))
    return st.none() | st.builds(Radio, st.sampled_from([None, *LINKS]), used_at, gaps)


@cache
def budget_views() -> st.SearchStrategy[tuple[BudgetView, ...]]:
    """Budgets that stand well, are used up, or were not begun."""
    left = st.sampled_from([-1.0, 0.0, 1e-9, 5.0])
    each = [st.builds(BudgetView, st.just(resource), left, st.floats(1e-6, 1e3)) for resource in Resource]
    chosen = st.tuples(*(st.none() | view for view in each))
    return chosen.map(lambda views: tuple(view for view in views if view is not None))


@cache
def previous_choices(now: float = NOW) -> st.SearchStrategy[Previous | None]:
    """The last choice, a moment or minutes ago."""
    since = st.sampled_from([0.0, 0.05, 0.1, 60.0, 500.0]).map(lambda ago: now - ago)
    named = st.sampled_from(NAMES).flatmap(lambda name: st.builds(Previous, st.just(name), st.just(name), since))
    return st.none() | named


draws = st.none() | st.floats(0, 1, exclude_max=True)
# Made once: hypothesis looks at a strategy anew wherever it is made anew.
_watts = st.none() | st.floats(0, 10)
_silent = st.sampled_from([0, 0, 1, 5])
_labels = st.sampled_from([*LABELS, None, "no such label"])
_left_s = st.one_of(st.floats(-0.5, 4), st.floats(0, 0.02))
_some_names = st.lists(st.sampled_from(NAMES), unique=True, min_size=1)
_all_names = st.permutations(NAMES)
_share_or_none = st.one_of(st.none(), shares)
_zero_or_share = st.one_of(st.just(0.0), shares)
_five_times = st.lists(st.floats(1e-4, 3), min_size=5, max_size=5)


@st.composite
def target_views(draw: st.DrawFn, name: str, *, well: bool = False) -> TargetView:
    """One of the four targets, in any state of health."""
    kind = KINDS[name]
    remote = kind is not Kind.DEVICE
    phases = [BreakerPhase.CLOSED] * 3 + ([] if well else [BreakerPhase.OPEN, BreakerPhase.HALF_OPEN])
    phase = draw(st.sampled_from(phases))
    serves = well or draw(st.sampled_from([True, True, True, False]))
    return TargetView(
        name,
        kind,
        serves,
        "" if serves else "no such model",
        draw(st.sampled_from([0, 50, 10_000])) if remote else 0,
        1_000_000 if well else draw(st.sampled_from([100, 1_000_000, 1_000_000])),
        draw(estimates()),
        draw(_zero_or_share),
        draw(_share_or_none),
        phase if remote else BreakerPhase.CLOSED,
        not remote or phase is BreakerPhase.CLOSED or (phase is BreakerPhase.HALF_OPEN and draw(st.booleans())),
        draw(st.none() | st.floats(0, 3)) if remote else None,
        0.0 if well or not remote else draw(st.sampled_from([0.0, 0.0, 2.0])),
        0.0 if well or not remote else draw(st.sampled_from([0.0, 0.0, 0.0, 2.0])),
        draw(st.none() | st.integers(0, 100_000)) if remote else None,
        times_after=draw(_times_after) if remote else (),
    )


@cache
def _view(name: str, well: bool) -> st.SearchStrategy[TargetView]:
    return target_views(name, well=well)


@cache
def readings(now: float = NOW) -> st.SearchStrategy[dict[str, Reading]]:
    """Some signals, fresh, old or unknown."""

    def reading(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Reading]:  # Any: a reading's value
        return st.builds(
            Reading, st.just(name), st.one_of(st.none(), value), st.just("drawn"), st.floats(now - 300, now)
        )

    each = {
        "battery_pct": reading("battery_pct", st.floats(0, 100)),
        "rtt_ms.cloud": reading("rtt_ms.cloud", numbers),
        "charging": reading("charging", st.booleans()),
        "link": reading("link", st.sampled_from(LINKS)),
    }
    return st.fixed_dictionaries({}, optional=each)


evaluated_thresholds = st.lists(st.builds(EvaluatedThreshold, shares, shares, st.floats(-0.2, 0.2)), max_size=4).map(
    tuple
)  # in any order: a policy may read what no evaluation of ours has written


@st.composite
def situations(draw: st.DrawFn, *, well: bool = False) -> Situation:
    """Requests with any label, among some of the targets in any order, with any time left or none; where all is `well`,
    public ones, among all of them in good health."""
    names = draw(_all_names if well else _some_names)
    label = "public" if well else draw(_labels)
    left_s = draw(_left_s)
    return Situation(
        Request("r", draw(st.sampled_from(["m", "n"])), label, NOW + left_s, draw(st.booleans())),
        draw(readings()),
        tuple(draw(_view(name, well)) for name in names),
        draw(_share_or_none),
        NOW,
        radio=draw(radios()),
        device_w=draw(_watts),
        thresholds=draw(evaluated_thresholds),
        budgets=draw(budget_views()),
        silent_wakes=draw(_silent),
        draw=draw(draws),
        previous=draw(previous_choices()),
    )


@st.composite
def plans(draw: st.DrawFn, *, backed_up: bool = False) -> Plan:
    """Plans as the machine may get them, including such as no engine would make. Those that are `backed_up` ask remote
    targets first, and have the time for a backup."""
    remotes = draw(st.lists(st.sampled_from(NAMES[1:]), unique=True, min_size=1))
    names = [*remotes, DEVICE] if backed_up else draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    legs = tuple(Leg(name, draw(st.sampled_from([0.0, 0.0, HAND_BACK_S, 0.2, 2.0]))) for name in names)
    if backed_up:
        legs = (*legs[:-1], Leg(DEVICE))
    ask = draw(st.one_of(st.none(), st.builds(Escalation, st.sampled_from([*NAMES[1:], None]), shares)))
    befores = st.sampled_from([0.1, 0.3] if backed_up else [0.1, 0.3, 1.5])
    backup = None
    if backed_up or (names[0] != DEVICE and DEVICE in names and draw(st.booleans())):
        backup = Backup(draw(befores), draw(st.booleans()))
    hedge = (
        draw(st.none() | st.builds(Hedge, st.just(names[1]), st.sampled_from([0.0, 0.1, 0.5]))) if names[1:] else None
    )
    retry = draw(st.none() | st.builds(Retry, st.integers(2, 4), st.just(0.1), st.just(0.2)))
    return Plan(legs, ask, backup=backup, hedge=hedge, retry=retry)
