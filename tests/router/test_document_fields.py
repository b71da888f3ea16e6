"""No dead knobs: every field of the policy document, changed alone, changes what is decided, learnt or refused.

One row a field. A field that is added without a row fails the last test here."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from router.choosing.engine import decide
from router.cli.imagine import Imagined, imagine
from router.document import PolicyDocument
from router.errors import PolicyError
from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.rules.probation import NOTHING_USUAL, Tally, begin, learn, observe
from router.rules.promise import audited, promise_of
from router.running import breaker, hedge, retry, throttle
from router.signals import SIGNALS, Signal, signal
from router.spending.purse import Purse
from router.types import BudgetView, Kind, Previous, Radio, Reading, Resource, Situation, TimeAfter, Value
from tests.builders.certificates_of_loss import certificate
from tests.router.situations import NOW, policy_of, readings_of, situation, target, times

Effect = Callable[[Policy], object]

LOW = situation(readings={"battery_pct": 10.0})
AGED = Situation(LOW.request, readings_of({"battery_pct": 10.0}, NOW - 100), LOW.targets, None, NOW)
RULE = '[[rules]]\nname = "r"\nwhen = {{ {when} }}\n{effects}\n'


def _rule(effects: str = 'forbid = ["cloud"]', when: str = "battery_pct = { less_than = 20 }") -> str:
    return RULE.format(when=when, effects=effects)


def _decides(of: Situation) -> Effect:
    def choice_and_cost(policy: Policy) -> object:
        decision = decide(policy, of)
        return decision.plan, decision.rules, decision.closed, [c.cost for c in decision.candidates]

    return choice_and_cost


def _fails(policy: Policy, calls: int, every_s: float = 0.0, *, succeeds_at: int | None = None) -> breaker.BreakerState:
    state, settings = breaker.CLOSED, policy.breaker
    for call in range(calls):
        if call == succeeds_at:
            state = breaker.succeeded(state, settings, call * every_s, state.epoch)
        else:
            state = breaker.failed(state, settings, call * every_s, state.epoch, chance=0.9)
    return state


def _pause(policy: Policy) -> object:
    return _fails(policy, 5).open_until


def _later_pause(policy: Policy) -> object:
    return _fails(policy, 40).open_until


def _opens_by_share(policy: Policy) -> object:
    # Twenty calls of which one succeeds, never many failures in a row.
    return breaker.phase(_fails(policy, 20, 0.5, succeeds_at=3), 9.6)


def _probes(policy: Policy) -> object:
    state = _fails(policy, 5)
    admitted = breaker.admit(state, policy.breaker, 1000.0)
    assert admitted is not None
    return breaker.admits(admitted, policy.breaker, 1000.0)


def _learns(policy: Policy) -> object:
    experience = Experience(policy, chance=lambda: 0.5)
    facts = ModelFacts("m", (TargetFacts("device", Kind.DEVICE, True, "", 0, None),))
    for at in range(40):
        experience.device_ran("m", 0.01 if at < 30 else 0.04, at / 100)
    return [experience.views(facts, 0, {}, now)[0].time for now in (1.0, *(30.0 + look for look in range(25)))]


def _identity(policy: Policy) -> object:
    return policy.name, policy.version


def _imagined(policy: Policy) -> object:
    """What is decided where nothing but the policy's own beliefs is known, for the cloud that it names."""
    decision = decide(policy, imagine(policy, Imagined("public", "m", 1000, 50, 1000, ())))
    return decision.choice, [candidate.cost for candidate in decision.candidates]


def _keeps_back(policy: Policy) -> object:
    state = throttle.UNTRIED
    for call in range(4000):
        state = throttle.counted(state, policy.throttle, call / 20, accepted=call % 5 < 2 or call < 1500)
    return throttle.p_reject(state, policy.throttle, 200.0)


def _retries(policy: Policy) -> object:
    state, covered = retry.IDLE, []
    for call in range(12):
        covered.append(retry.may_retry(state, policy.retry))
        state = retry.ended(retry.begun(state), policy.retry, blamed=call % 2 == 0, answered=call % 2 == 1)
    return covered


def _retries_under_way(policy: Policy) -> object:
    return [retry.may_retry(retry.RetryState(0.0, 30, retrying), policy.retry) for retrying in range(30)]


def _hedges(policy: Policy) -> object:
    assert policy.hedge is not None
    return hedge.earn(hedge.NO_TOKENS, policy.hedge)


CLOUD_FIRST = _decides(situation())
CLOUD_ALONE = _decides(situation(target("cloud")))
ASKS_CLOUD = _decides(situation(target("device"), target("cloud", p_fail=0.1), left_ms=100))
HURRIED = _decides(situation(target("cloud", median_ms=60, p_fail=0.1), left_ms=70))
CELLULAR = _decides(replace(situation(), radio=Radio("cellular", NOW - 5)))
ASLEEP = _decides(replace(situation(), radio=Radio("cellular", None)))
ANSWERED = _decides(
    replace(situation(target("device"), target("cloud", download_bytes=50_000)), radio=Radio("cellular", NOW - 5))
)
SLOW = "worth.second = 0.3\n"
WAKEFUL = _decides(
    replace(
        situation(
            target("device"),
            target("cloud", time=times(900), times_after=(TimeAfter(0.0, times(50)), TimeAfter(9.0, times(900)))),
            left_ms=5000,
        ),
        radio=Radio("cellular", NOW - 60, (1.0, 2.0)),
        silent_wakes=1,
    )
)
ENERGETIC = "worth.joule = 0.01\n"
ESCALATING = "[escalation]\nbelow = 0.8\n"
PRICEY = "[targets.cloud]\nusd_per_request = 0.2\n"

# field: (document without, document with, what it changes)
PAID = "[targets.cloud]\nusd_per_request = 0.5\n[budgets]\n"
JOULES, DOLLARS, MEGABYTES = "amount_j = 1000", "amount_usd = 10", "amount_mb = 10"
GONE = [BudgetView(resource, 0.0, 1.0) for resource in Resource]


def _budget(table: str, more: str) -> str:
    return f"{PAID}{table} = {{ {more} }}\n"


def _spends(policy: Policy) -> object:
    purse = Purse(policy, now=0.0, utc_s=0.0)
    stages = [purse.views(now=0.0, utc_s=0.0)]
    purse.call_began("cloud", Kind.CLOUD, 4_000_000)
    purse.device_ran(200.0, None)
    purse.charging(True, now=30.0, utc_s=30.0)
    purse.charging(False, now=40.0, utc_s=40.0)
    return [*stages, *(purse.views(now=at, utc_s=at) for at in (50.0, 120.0, 4000.0))]


def _rows_of_budget(resource: str, amount: str, changed: str, other_period: str) -> dict[str, tuple[str, str, Effect]]:
    def row(more: str, effect: Effect = _spends) -> tuple[str, str, Effect]:
        return _budget(resource, amount), _budget(resource, f"{amount}, {more}"), effect

    path = f"budgets.{resource}."
    return {
        f"{path}{amount.partition(' ')[0]}": (_budget(resource, amount), _budget(resource, changed), _spends),
        f"{path}per": row(f'per = "{other_period}"'),
        f"{path}eta": row("eta = 0.5"),
        f"{path}step_s": row("step_s = 45"),
        f"{path}price_min": row("price_min = 0.5"),
        f"{path}price_max": row(f"price_max = {0.002 / float(amount.partition('= ')[2]):f}"),
        f"{path}at_zero": row('at_zero = "least"', _decides(replace(situation(target("cloud")), budgets=tuple(GONE)))),
    }


PROMISING = "[promise]\nmax_loss = 0.02\n"


def _promises(policy: Policy) -> object:
    return promise_of(policy.promise, certificate(), why_uncovered="", alarm="")


def _probation(more: Tally, now: float) -> Effect:
    def verdict(policy: Policy) -> object:
        assert policy.revert is not None
        begun = begin(learn(NOTHING_USUAL, Tally(100, 1, 10), 0.0), policy.revert, 0.0)
        assert begun is not None
        after = observe(begun, more, now)
        return None if after is None else after.verdict

    return verdict


FIELDS: dict[str, tuple[str, str, Effect]] = {
    "name": ("", "NAME", _identity),
    "version": ("", "VERSION", _identity),
    "mode": ("", 'mode = "only_in_cloud"', _decides(LOW)),
    "labels": ("", 'labels.public = ["device"]', _decides(LOW)),
    "targets.kind": (
        '[targets.cabin]\nkind = "cloud"\n' + _rule('forbid = ["fog"]'),
        '[targets.cabin]\nkind = "fog"\n' + _rule('forbid = ["fog"]'),
        _imagined,
    ),
    "targets.p_wrong": ("", "[targets.cloud]\np_wrong = 0.2", _decides(LOW)),
    "targets.prior_ms": ("", "[targets.cloud]\nprior_ms = [5, 500]", _imagined),
    "targets.usd_per_request": ("", "[targets.cloud]\nusd_per_request = 0.2", _decides(LOW)),
    "rules.name": (_rule(), _rule().replace('"r"', '"s"'), _decides(LOW)),
    "rules.when": (_rule(), _rule(when="battery_pct = { less_than = 5 }"), _decides(LOW)),
    "rules.on_unknown": (_rule(), _rule('forbid = ["cloud"]\non_unknown = "apply"'), _decides(situation())),
    "rules.mode": (_rule(), _rule('forbid = ["cloud"]\nmode = "only_in_cloud"'), _decides(LOW)),
    "rules.forbid": (_rule(), _rule('forbid = ["device"]'), _decides(LOW)),
    "rules.escalate_below": (_rule('mode = "auto"'), _rule('mode = "auto"\nescalate_below = 0.5'), _decides(LOW)),
    "worth.wrong_answer": ("", "worth.wrong_answer = 2", ASKS_CLOUD),
    "worth.missed_deadline": ("", "worth.missed_deadline = 2", HURRIED),
    "worth.failed_request": ("", "worth.failed_request = 2", HURRIED),
    "worth.second": ("", "worth.second = 2", ASKS_CLOUD),
    "worth.dollar": (
        PRICEY,
        PRICEY + "[worth]\ndollar = 2",
        ASKS_CLOUD,
    ),
    "worth.megabyte": ("", "worth.megabyte = 2", ASKS_CLOUD),
    "worth.joule": ("", "worth.joule = 0.01", CELLULAR),
    "energy.profile": (ENERGETIC, ENERGETIC + 'energy.profile = "board"', ASKS_CLOUD),
    "energy.cpu_w": (ENERGETIC, ENERGETIC + "energy.cpu_w = 3", ASKS_CLOUD),
    "energy.assumed_link": (ENERGETIC, ENERGETIC + 'energy.assumed_link = "cellular"', ASKS_CLOUD),
    "energy.links.connected_w": (ENERGETIC, ENERGETIC + "energy.links.cellular.connected_w = 2", CELLULAR),
    "energy.links.up_w_per_mbps": (ENERGETIC, ENERGETIC + "energy.links.cellular.up_w_per_mbps = 2", CELLULAR),
    "energy.links.down_w_per_mbps": (ENERGETIC, ENERGETIC + "energy.links.cellular.down_w_per_mbps = 2", ANSWERED),
    "energy.links.tail_s": (ENERGETIC, ENERGETIC + "energy.links.cellular.tail_s = 2", CELLULAR),
    "energy.links.tail_w": (ENERGETIC, ENERGETIC + "energy.links.cellular.tail_w = 2", CELLULAR),
    "energy.links.wake_j": (ENERGETIC, ENERGETIC + "energy.links.cellular.wake_j = 2", ASLEEP),
    **_rows_of_budget("energy", JOULES, "amount_j = 900", "day"),
    "radio.wake": (SLOW, SLOW + "radio.wake = true", WAKEFUL),
    "radio.silent_wakes": (
        SLOW + "radio.wake = true",
        SLOW + "radio = { wake = true, silent_wakes = 1 }",
        WAKEFUL,
    ),
    "exploration.share": ("", "exploration.share = 0.1", _decides(replace(situation(), draw=0.09))),
    "hysteresis.margin": (
        "hysteresis.dwell_s = 1",
        "hysteresis = { dwell_s = 1, margin = 1 }",
        _decides(replace(situation(), previous=Previous("device", "device", NOW - 9))),
    ),
    "hysteresis.dwell_s": (
        "hysteresis.margin = 0.001",
        "hysteresis = { margin = 0.001, dwell_s = 60 }",
        _decides(replace(situation(), previous=Previous("device", "device", NOW - 9))),
    ),
    "budgets.energy.charging_w": (
        _budget("energy", JOULES),
        _budget("energy", f"{JOULES}, charging_w = 4"),
        _spends,
    ),
    **_rows_of_budget("money", DOLLARS, "amount_usd = 9", "hour"),
    **_rows_of_budget("bytes", MEGABYTES, "amount_mb = 9", "hour"),
    "escalation.below": (
        PRICEY + ESCALATING,
        PRICEY + "[escalation]\nbelow = 0.7",
        _decides(situation(p_escalate=0.01)),
    ),
    "escalation.recovers": (ESCALATING, ESCALATING + "recovers = 0.1", _decides(LOW)),
    "escalation.share": (ESCALATING, ESCALATING + "share = 0.9", _decides(LOW)),
    "promise.max_loss": (PROMISING, PROMISING.replace("0.02", "0.01"), _promises),
    "promise.confidence": (PROMISING, PROMISING + "confidence = 0.95", _promises),
    "promise.audit": (PROMISING, PROMISING + "audit = 0.5", lambda policy: audited(policy.promise, 0.3)),
    "breaker.consecutive": ("", "breaker.consecutive = 6", _pause),
    "breaker.failure_share": (
        "breaker = { consecutive = 100, min_calls = 10 }",
        "breaker = { consecutive = 100, min_calls = 10, failure_share = 1.0 }",
        _opens_by_share,
    ),
    "breaker.min_calls": (
        "breaker = { consecutive = 100, min_calls = 10 }",
        "breaker = { consecutive = 100, min_calls = 30 }",
        _opens_by_share,
    ),
    "breaker.window_s": (
        "breaker = { consecutive = 100, min_calls = 19 }",
        "breaker = { consecutive = 100, min_calls = 19, window_s = 2 }",
        _opens_by_share,
    ),
    "breaker.open_s": ("", "breaker.open_s = 31", _pause),
    "breaker.max_open_s": ("", "breaker.max_open_s = 40", _later_pause),
    "breaker.jitter": ("", "breaker.jitter = 0.2", _pause),
    "breaker.probes": ("", "breaker.probes = 2", _probes),
    "throttle.k": ("", "throttle.k = 1.5", _keeps_back),
    "throttle.window_s": ("", "throttle.window_s = 30", _keeps_back),
    "throttle.min_rps": ("", "throttle.min_rps = 1000", _keeps_back),
    "throttle.max_reject": ("throttle.k = 1", "throttle = { k = 1, max_reject = 0.1 }", _keeps_back),
    "retry.attempts": ("", "retry.attempts = 1", CLOUD_ALONE),
    "retry.base_ms": ("", "retry.base_ms = 20", CLOUD_ALONE),
    "retry.max_ms": ("", "retry.max_ms = 500", CLOUD_ALONE),
    "retry.tokens": ("", "retry.tokens = 4", _retries),
    "retry.per_success": ("", "retry.per_success = 1", _retries),
    "retry.active_share": ("", "retry.active_share = 0.9", _retries_under_way),
    "retry.active_min": ("", "retry.active_min = 20", _retries_under_way),
    "backup.eps": ("", "backup.eps = 0.01", CLOUD_FIRST),
    "backup.uncertified": ("", 'backup.uncertified = "hold"', CLOUD_FIRST),
    "hedge.share": ("[hedge]", "hedge.share = 0.05", _hedges),
    "estimates.memory_samples": ("", "estimates.memory_samples = 200", _learns),
    "estimates.forget_after_s": ("", "estimates.forget_after_s = 20", _learns),
    "revert.error_rise": ("[revert]", "[revert]\nerror_rise = 0.5", _probation(Tally(100, 30, 0), 2.0)),
    "revert.remote_rise": ("[revert]", "[revert]\nremote_rise = 0.9", _probation(Tally(100, 0, 90), 2.0)),
    "revert.within_s": ("[revert]", "[revert]\nwithin_s = 60", _probation(Tally(10, 0, 1), 90.0)),
    "stale_after_s": (_rule(), _rule() + "[stale_after_s]\nbattery_pct = 60", _decides(AGED)),
}
HEADS = {"NAME": 'schema = 1\nname = "x"\nversion = 1\n', "VERSION": 'schema = 1\nname = "test"\nversion = 2\n'}


def _policy(text: str) -> Policy:
    return compile_policy(HEADS[text].encode()) if text in HEADS else policy_of(text)


@pytest.mark.parametrize(("without", "with_it", "effect"), FIELDS.values(), ids=FIELDS)
def test_a_field_changed_alone_changes_something(without: str, with_it: str, effect: Effect) -> None:
    assert effect(_policy(without)) == effect(_policy(without))
    assert effect(_policy(without)) != effect(_policy(with_it))


def test_the_schema_s_version_decides_whether_a_document_is_read() -> None:
    with pytest.raises(PolicyError, match="schema"):
        compile_policy(b'schema = 2\nname = "test"\nversion = 1\n')


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        path = f"{prefix}{info.alias or name}"
        if inner is None:
            yield path
        else:
            yield from _fields(inner, f"{path}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: a type form
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = [_model_in(argument) for argument in typing.get_args(annotation)]
    return next((model for model in found if model is not None), None)


def _values(described: Signal) -> tuple[Value, Value, str]:
    """Two values of a signal, and a condition that holds for the first alone."""
    if described.holds == "number":
        middle = (described.low + described.high) / 2
        return described.low, described.high, f"{{ less_than = {middle} }}"
    if described.holds == "flag":
        return True, False, "true"
    return described.one_of[0], described.one_of[1], f'"{described.one_of[0]}"'


def _seeing(policy: Policy, name: str, value: Value, age_s: float = 0.0) -> tuple[str, ...]:
    seen = situation(target("device"), target("cloud"))
    readings = {name: Reading(name, value, "sensor", NOW - age_s)}
    return decide(policy, Situation(seen.request, readings, seen.targets, None, NOW)).rules


@pytest.mark.parametrize("name", [*SIGNALS, *(f"{s.name}.cloud" for s in SIGNALS.values() if s.per_target)])
def test_a_rule_reads_every_signal_for_as_long_as_the_policy_says(name: str) -> None:
    described = signal(name)
    assert described is not None
    holds, holds_not, when = _values(described)
    rule = f'[[rules]]\nname = "r"\nwhen = {{ "{name}" = {when} }}\nforbid = ["cloud"]\n'
    policy = policy_of(rule)
    assert _seeing(policy, name, holds) == ("r",)
    assert _seeing(policy, name, holds_not) == ()
    assert _seeing(policy, name, holds, described.stale_after_s) == ("r",)
    assert _seeing(policy, name, holds, described.stale_after_s + 1) == ()
    longer = policy_of(f'{rule}[stale_after_s]\n"{described.name}" = {described.stale_after_s + 2}\n')
    assert _seeing(longer, name, holds, described.stale_after_s + 1) == ("r",)


def test_every_field_has_a_row() -> None:
    assert set(_fields(PolicyDocument)) == {"schema", *FIELDS}
