"""Conditions: three-valued, and refused with the exact place of their first fault."""

from __future__ import annotations

import tomllib

import pytest

from router.errors import PolicyError
from router.rules.conditions import parse
from router.rules.predicates import AllOf, AnyOf, Compare, Facts, Not, Predicate
from router.types import Value

T, F, U = True, False, None


class _Is:
    """A condition whose outcome is given."""

    def __init__(self, outcome: bool | None) -> None:
        self.outcome = outcome

    def holds(self, facts: Facts) -> bool | None:
        return self.outcome

    def names(self):  # type: ignore[no-untyped-def]  # nothing is asked of it
        yield from ()


def _facts(**values: Value) -> Facts:
    return {name.replace("__", "."): value for name, value in values.items()}.get


def _parse(text: str, targets: frozenset[str] = frozenset({"cloud"})) -> Predicate:
    return parse(tomllib.loads(f"when = {{ {text} }}")["when"], "rules[2].when", targets=targets)


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [(T, T, T, T), (T, F, F, T), (T, U, U, T), (F, F, F, F), (F, U, F, U), (U, U, U, U)],
)
def test_all_and_any_follow_kleene_in_either_order(
    a: bool | None, b: bool | None, both: bool | None, either: bool | None
) -> None:
    for parts in ((_Is(a), _Is(b)), (_Is(b), _Is(a))):
        assert AllOf(parts).holds(_facts()) is both
        assert AnyOf(parts).holds(_facts()) is either


@pytest.mark.parametrize(("given", "opposite"), [(T, F), (F, T), (U, U)])
def test_not_follows_kleene(given: bool | None, opposite: bool | None) -> None:
    assert Not(_Is(given)).holds(_facts()) is opposite


def test_an_empty_condition_always_holds() -> None:
    assert _parse("").holds(_facts()) is True


@pytest.mark.parametrize(
    "text",
    [
        "battery_pct = { less_than = 20 }",
        "battery_pct = { at_least = 0 }",
        "battery_pct = { at_most = 100 }",
        "battery_pct = { greater_than = 0 }",
        "battery_pct = 0",
        "battery_pct = { one_of = [0, 1] }",
        "charging = false",
        'label = { equals = "public" }',
        'link = "wifi"',
        'link = { one_of = ["wifi", "ethernet"] }',
    ],
)
def test_what_is_unknown_compares_as_unknown_and_never_as_a_number(text: str) -> None:
    condition = _parse(text)
    assert condition.holds(_facts()) is None
    assert Not(condition).holds(_facts()) is None


@pytest.mark.parametrize(
    ("text", "value", "outcome"),
    [
        ("greater_than = 20", 20.0, F),
        ("greater_than = 20", 20.1, T),
        ("less_than = 20", 20.0, F),
        ("less_than = 20", 19.9, T),
        ("at_least = 20", 20.0, T),
        ("at_least = 20", 19.9, F),
        ("at_most = 20", 20.0, T),
        ("at_most = 20", 20.1, F),
        ("equals = 20", 20.0, T),
        ("equals = 20", 21.0, F),
        ("one_of = [10, 20]", 20.0, T),
        ("one_of = [10, 20]", 15.0, F),
        ("at_least = 10, less_than = 20", 10.0, T),
        ("at_least = 10, less_than = 20", 20.0, F),
    ],
)
def test_operators_compare_as_their_names_say(text: str, value: float, outcome: bool) -> None:
    assert _parse(f"battery_pct = {{ {text} }}").holds(_facts(battery_pct=value)) is outcome


@pytest.mark.parametrize(
    ("text", "link", "outcome"),
    [
        ('link = "wifi"', "wifi", T),
        ('link = "wifi"', "cellular", F),
        ('link = { equals = "none" }', "none", T),
        ('link = { one_of = ["wifi", "ethernet"] }', "ethernet", T),
        ('link = { one_of = ["wifi", "ethernet"] }', "cellular", F),
    ],
)
def test_a_signal_that_is_a_text_is_compared_as_one(text: str, link: str, outcome: bool) -> None:
    assert _parse(text).holds(_facts(link=link)) is outcome


def test_keys_of_one_table_are_all_wanted() -> None:
    condition = _parse("battery_pct = { less_than = 20 }, charging = false")
    assert condition.holds(_facts(battery_pct=10.0, charging=False)) is True
    assert condition.holds(_facts(battery_pct=10.0, charging=True)) is False
    assert condition.holds(_facts(battery_pct=10.0)) is None
    assert condition.holds(_facts(battery_pct=50.0)) is False


def test_a_condition_knows_the_facts_that_it_speaks_of() -> None:
    condition = _parse('any = [{ "rtt_ms.cloud" = { less_than = 5 } }, { not = { all = [{ charging = true }] } }]')
    assert list(condition.names()) == ["rtt_ms.cloud", "charging"]


def test_a_condition_reads_as_a_sentence() -> None:
    text = 'charging = false, any = [{ cpu_load = { at_least = 0.5 } }, { not = { model = { one_of = ["a", "b"] } } }]'
    assert str(_parse(text)) == ("charging equals false and (cpu_load at least 0.5 or not (model one of ['a', 'b']))")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "rtt_ms = { grater_than = 5 }",
            'rules[2].when.rtt_ms: unknown key "grater_than"; did you mean "greater_than"?',
            id="operator",
        ),
        pytest.param(
            "batery_pct = 5", 'rules[2].when: unknown key "batery_pct"; did you mean "battery_pct"?', id="signal"
        ),
        pytest.param(
            "any = [{ charging = true }, { cpu_laod = 1 }]",
            'rules[2].when.any[1]: unknown key "cpu_laod"; did you mean "cpu_load"?',
            id="inside any",
        ),
        pytest.param(
            "not = { not = { rtt_ms = { under = 1 } } }",
            'rules[2].when.not.not.rtt_ms: unknown key "under"; did you mean "less_than"?',
            id="inside not",
        ),
        pytest.param(
            'link = "wify"', 'rules[2].when.link: link is never "wify"; did you mean "wifi"?', id="no such text"
        ),
        pytest.param(
            'link = { one_of = ["wifi", "5g"] }',
            'rules[2].when.link.one_of[1]: link is never "5g"; known here: cellular, ethernet, none, wifi',
            id="no such text in a list",
        ),
        pytest.param(
            "link = { less_than = 3 }",
            "rules[2].when.link.less_than: link is text; use equals or one_of",
            id="order of texts",
        ),
        pytest.param("link = true", "rules[2].when.link: text in quotes is wanted, not true", id="flag for a text"),
        pytest.param(
            '"battery_pct.cloud" = 5',
            'rules[2].when: unknown key "battery_pct.cloud"; did you mean "battery_pct"?',
            id="signal that no target has",
        ),
        pytest.param(
            '"up_mbps.clod" = 5',
            'rules[2].when: unknown target "clod" in "up_mbps.clod"; did you mean "cloud"?',
            id="target of another signal",
        ),
        pytest.param(
            '"rtt_ms.clod" = 5',
            'rules[2].when: unknown target "clod" in "rtt_ms.clod"; did you mean "cloud"?',
            id="target",
        ),
        pytest.param("all = []", "rules[2].when.all: a list of at least one condition is wanted", id="empty all"),
        pytest.param("any = {}", "rules[2].when.any: a list of at least one condition is wanted", id="any no list"),
        pytest.param(
            "all = [5]",
            "rules[2].when.all[0]: a condition is a table such as { cpu_load = { greater_than = 0.8 } }, not a number",
            id="part no table",
        ),
        pytest.param(
            "cpu_load = {}",
            "rules[2].when.cpu_load: an operator is wanted: greater_than, less_than, at_least, at_most, equals, one_of",
            id="no operator",
        ),
        pytest.param(
            "charging = { less_than = true }",
            "rules[2].when.charging.less_than: charging is true or false; use equals or one_of",
            id="order of flags",
        ),
        pytest.param(
            "charging = 1", "rules[2].when.charging: true or false is wanted, not a number", id="number for flag"
        ),
        pytest.param(
            "cpu_load = { less_than = true }",
            "rules[2].when.cpu_load.less_than: a number is wanted, not true",
            id="flag for number",
        ),
        pytest.param(
            'cpu_load = { less_than = "0.5" }',
            "rules[2].when.cpu_load.less_than: a number is wanted, not text: write it without quotes",
            id="text for number",
        ),
        pytest.param(
            "cpu_load = { less_than = 1979-05-27 }",
            "rules[2].when.cpu_load.less_than: a number is wanted, not a date",
            id="date for number",
        ),
        pytest.param(
            "cpu_load = { less_than = nan }",
            "rules[2].when.cpu_load.less_than: nan is not a usable number; give a finite one below 1e15",
            id="nan",
        ),
        pytest.param(
            "cpu_load = { greater_than = -inf }",
            "rules[2].when.cpu_load.greater_than: -inf is not a usable number; give a finite one below 1e15",
            id="inf",
        ),
        pytest.param(
            "cpu_load = { one_of = [0.5, 0x" + "f" * 5000 + "] }",
            "rules[2].when.cpu_load.one_of[1]: an integer that large is not a usable number; "
            "give a finite one below 1e15",
            id="huge integer",
        ),
        pytest.param(
            "cpu_load = { one_of = [] }",
            "rules[2].when.cpu_load.one_of: a list of at least one value is wanted",
            id="one of nothing",
        ),
        pytest.param(
            'model = { matches = "(a+)+$" }',
            'rules[2].when.model: unknown key "matches"; '
            "known here: at_least, at_most, equals, greater_than, less_than, one_of",
            id="F14 no regular expressions",
        ),
    ],
)
def test_a_fault_is_told_with_its_exact_place(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as raised:
        _parse(text)
    assert f"{raised.value.path}: {raised.value.problem}" == problem


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        pytest.param({"any": [{"charging": True}] * 257}, "more than 256 conditions", id="many"),
        pytest.param({"any": [{}] * 300}, "more than 256 conditions", id="many empty ones"),
        pytest.param({"model": {"one_of": ["m"] * 257}}, "more than 256 values", id="many values"),
    ],
)
def test_what_one_rule_may_cost_is_bounded(table: object, problem: str) -> None:
    """Empty tables and long lists once escaped the bound, and each was looked at again for every request."""
    with pytest.raises(PolicyError, match=problem):
        parse(table, "rules[0].when")


def test_nesting_is_bounded() -> None:
    table: dict[str, object] = {}
    for _ in range(20):
        table = {"not": table}
    with pytest.raises(PolicyError, match="nested more than 16 deep"):
        parse(table, "rules[0].when")


def test_a_long_name_is_not_repeated_at_length() -> None:
    for table in ({"a" * 100_000: 1}, {"cpu_load": {"a" * 100_000: 1}}, {"rtt_ms." + "a" * 100_000: 1}):
        with pytest.raises(PolicyError) as raised:
            parse(table, "rules[0].when")
        assert len(str(raised.value)) < 500


def test_a_comparison_is_a_value() -> None:
    assert _parse("cpu_load = { less_than = 1 }") == Compare("cpu_load", "less_than", 1.0)
