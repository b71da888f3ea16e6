"""The table of signals: what stands in it agrees with itself, and the schema of policies says the same."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from router.document import json_schema
from router.signals import SIGNALS, Signal, signal
from tests.router.situations import policy_of


@pytest.mark.parametrize("described", SIGNALS.values(), ids=SIGNALS)
def test_a_signal_declares_what_its_kind_needs(described: Signal) -> None:
    assert described.stale_after_s > 0
    if described.holds == "number":
        assert described.low < described.high
        assert described.unit and not described.settles_s and not described.one_of
        # A finite rate starts from a step: sensors are rounded.
        assert (described.step > 0) is math.isfinite(described.rate_per_s)
    else:
        assert math.isinf(described.rate_per_s) and not described.step and not described.must_vary
        assert bool(described.one_of) is (described.holds == "text")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("battery_pct", "battery_pct"),
        ("battery_pct.cloud", None),
        ("rtt_ms", "rtt_ms"),
        ("rtt_ms.cloud", "rtt_ms"),
        ("queue_ms.attic", "queue_ms"),
        ("rtt", None),
        ("nothing.cloud", None),
        ("", None),
        (".", None),
    ],
)
def test_only_a_target_s_signal_may_name_one(name: str, known: str | None) -> None:
    found = signal(name)
    assert (None if found is None else found.name) == known


def test_a_limit_on_age_counts_for_the_signal_of_each_target_that_has_none_of_its_own() -> None:
    policy = policy_of('[stale_after_s]\nqueue_ms = 3\n"queue_ms.cloud" = 7\n')
    assert [policy.stale_after(name) for name in ("queue_ms", "queue_ms.attic", "queue_ms.cloud")] == [3, 3, 7]


@pytest.mark.parametrize(
    ("when", "valid"),
    [
        ({"link": "wifi"}, True),
        ({"link": "5g"}, False),
        ({"link": {"one_of": ["wifi", "none"]}}, True),
        ({"link": {"one_of": ["wifi", "5g"]}}, False),
        ({"link": {"less_than": 3}}, False),
        ({"charging": True}, True),
        ({"charging": 1}, False),
        ({"discharge_w": {"greater_than": 4.5}}, True),
        ({"discharge_w": {"greater_than": "4.5"}}, False),
        ({"discharge_w": {}}, False),
        ({"queue_ms.cloud": {"at_least": 50}}, True),
        ({"battery_pct.cloud": {"at_least": 50}}, False),
    ],
)
def test_an_editor_s_schema_knows_what_each_signal_may_be_compared_with(when: dict[str, Any], valid: bool) -> None:
    condition = json_schema()["$defs"]["Condition"]
    ((name, said),) = when.items()
    patterns = condition["patternProperties"]
    of_target = next((schema for pattern, schema in patterns.items() if re.search(pattern, name)), None)
    schema = condition["properties"].get(name, of_target)
    assert (schema is not None and _fits(said, schema)) is valid
    assert condition["additionalProperties"] is False


def _fits(said: Any, schema: Any) -> bool:  # Any: JSON, twice
    """As much of JSON Schema as the comparisons of rules need."""
    if "anyOf" in schema:
        return any(_fits(said, one) for one in schema["anyOf"])
    if "enum" in schema and said not in schema["enum"]:
        return False
    if schema["type"] == "object":
        return (
            isinstance(said, dict)
            and len(said) >= schema["minProperties"]
            and not schema["additionalProperties"]
            and all(name in schema["properties"] and _fits(v, schema["properties"][name]) for name, v in said.items())
        )
    if schema["type"] == "array":
        return isinstance(said, list) and all(_fits(one, schema["items"]) for one in said)
    kinds: dict[str, type | tuple[type, ...]] = {"number": (int, float), "boolean": bool, "string": str}
    return isinstance(said, kinds[schema["type"]]) and (schema["type"] == "boolean" or not isinstance(said, bool))
