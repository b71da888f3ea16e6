"""What can never hold is found; what may hold is never called impossible."""

from __future__ import annotations

import tomllib

import pytest

from router.lint.holding import MAX_ALTERNATIVES, always, never
from router.lint.rooms import Universe
from router.rules.conditions import parse
from router.rules.predicates import AllOf, AnyOf, Compare, Not, Predicate

UNIVERSE = Universe(frozenset(("public", "secret")))


def _when(text: str) -> Predicate:
    table = tomllib.loads(f"when = {{ {text} }}")["when"]
    return parse(table, "when", targets=frozenset({"cloud", "eu"}))


@pytest.mark.parametrize(
    ("text", "impossible"),
    [
        ("battery_pct = { less_than = 20, greater_than = 50 }", True),
        ("battery_pct = { less_than = 20, at_least = 20 }", True),
        ("battery_pct = { at_most = 20, at_least = 20 }", False),
        ("battery_pct = { at_most = 20, at_least = 20 }, not = { battery_pct = 20 }", True),
        ("battery_pct = { greater_than = 100 }", True),
        ("battery_pct = { at_least = 100 }", False),
        ("battery_pct = { less_than = 0 }", True),
        ("battery_pct = { at_most = 0 }", False),
        ("battery_pct = 101", True),
        ("cpu_load = { one_of = [2, 3] }", True),
        ("cpu_load = { one_of = [0.5, 3] }", False),
        ("cpu_load = { one_of = [0.5, 3], greater_than = 0.5 }", True),
        ("all = [{ cpu_load = 0.2 }, { cpu_load = 0.3 }]", True),
        ("all = [{ charging = true }, { charging = false }]", True),
        ("all = [{ not = { charging = true } }, { not = { charging = false } }]", True),
        ("charging = { one_of = [true, false] }", False),
        ('label = "sekret"', True),
        ('label = "secret"', False),
        ('not = { label = { one_of = ["public", "secret"] } }', True),
        ('all = [{ model = "a" }, { model = "b" }]', True),
        ('all = [{ model = "a" }, { not = { model = "a" } }]', True),
        ('all = [{ model = "a" }, { not = { model = "b" } }]', False),
        ('all = [{ link = "wifi" }, { link = "cellular" }]', True),
        ('link = { one_of = ["wifi", "none"] }, not = { link = "wifi" }', False),
        ('not = { link = { one_of = ["wifi", "ethernet", "cellular", "none"] } }', True),
        ("discharge_w = { less_than = 0 }", True),
        ('"queue_ms.cloud" = { greater_than = 3600000 }', True),
        ("time_left_ms = { less_than = 0 }", True),
        ("upload_bytes = { less_than = 0 }", True),
        ("upload_bytes = { greater_than = 1e9 }", False),
        ('"rtt_ms.cloud" = { less_than = 5 }, "rtt_ms.eu" = { greater_than = 5 }', False),
        ('"rtt_ms.cloud" = { less_than = 5 }, not = { "rtt_ms.cloud" = { less_than = 9 } }', True),
        ("any = [{ cpu_load = { greater_than = 1 } }, { cpu_load = { less_than = 0 } }]", True),
        ("any = [{ cpu_load = { greater_than = 1 } }, { charging = true }]", False),
        ("not = { any = [{ charging = true }, { charging = false }] }", True),
        ("not = { all = [{ charging = true }, { cpu_load = 1 }] }, charging = true, cpu_load = 1", True),
        ("not = { all = [{ charging = true }, { cpu_load = 1 }] }, charging = true", False),
        ("", False),
        ("not = {}", True),
    ],
)
def test_never(text: str, impossible: bool) -> None:
    assert never(_when(text), UNIVERSE) is impossible


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("", True),
        ("battery_pct = { at_least = 0 }", True),
        ("battery_pct = { greater_than = 0 }", False),
        ("any = [{ cpu_load = { less_than = 0.5 } }, { cpu_load = { at_least = 0.5 } }]", True),
        ('link = { one_of = ["wifi", "ethernet", "cellular", "none"] }', True),
        ('link = { one_of = ["wifi", "ethernet", "cellular"] }', False),
        ("any = [{ cpu_load = { less_than = 0.5 } }, { cpu_load = { greater_than = 0.5 } }]", False),
        ('label = { one_of = ["public", "secret"] }', True),
        ("charging = { one_of = [true, false] }", True),
        ("not = { not = {} }", True),
    ],
)
def test_always(text: str, certain: bool) -> None:
    assert always(_when(text), UNIVERSE) is certain


@pytest.mark.parametrize(
    ("one", "other", "follows"),
    [
        ("battery_pct = { less_than = 10 }", "battery_pct = { less_than = 20 }", True),
        ("battery_pct = { less_than = 20 }", "battery_pct = { less_than = 10 }", False),
        ("battery_pct = { less_than = 20 }", "battery_pct = { at_most = 20 }", True),
        ("battery_pct = { at_most = 20 }", "battery_pct = { less_than = 20 }", False),
        ("battery_pct = 10, charging = true", "charging = true", True),
        ('label = "secret"', 'not = { label = "public" }', True),
        ("cpu_load = 1", "charging = true", False),
    ],
)
def test_one_holding_without_the_other_is_impossible_where_it_follows(one: str, other: str, follows: bool) -> None:
    assert never(AllOf((_when(one), Not(_when(other)))), UNIVERSE) is follows


def test_what_would_take_too_many_alternatives_may_hold() -> None:
    facts = ("battery_pct", "cpu_load", "memory_free_mb", "temperature_c", "rtt_ms", "time_left_ms", "upload_bytes")
    wide = tuple(
        AnyOf((Compare(f, "less_than", 0.2), Compare(f, "greater_than", 0.4), Compare(f, "equals", 0.3))) for f in facts
    )
    assert 3 ** len(facts) > MAX_ALTERNATIVES
    impossible = (Compare("charging", "equals", True), Compare("charging", "equals", False))
    assert never(AllOf((*wide[:2], *impossible)), UNIVERSE)
    assert not never(AllOf((*wide, *impossible)), UNIVERSE)
