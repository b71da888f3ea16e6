"""What is said of rules is so: tried on policies and facts drawn at random, with some of the facts unknown."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.lint import lint
from router.lint.rooms import Universe
from router.lint.standing import standings
from router.lint.together import contradictions
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.types import Mode, Value
from tests.router.situations import HEAD, policy_of

EFFECTS_IN_TURN = ('mode = "only_on_device"', 'mode = "only_in_cloud"', 'forbid = ["cloud"]')
NUMBERS = {"battery_pct": 10.0, "time_left_ms": 10.0}
COMPARISONS = st.one_of(
    st.builds(
        lambda name, operator, bound: f"{name} = {{ {operator} = {bound} }}",
        st.sampled_from(list(NUMBERS)),
        st.sampled_from(["less_than", "at_most", "greater_than", "at_least", "equals"]),
        st.integers(0, 4),
    ),
    st.builds("charging = {}".format, st.sampled_from(["true", "false"])),
    st.builds("label = {{ one_of = {} }}".format, st.sampled_from(['["public"]', '["public", "secret"]'])),
    st.builds("model = {}".format, st.sampled_from(['"a"', '"b"'])),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda word, parts: f"{word} = [{', '.join(f'{{ {p} }}' for p in parts)}]",
                  st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)),
        st.builds("not = {{ {} }}".format, inner),
    ),
    max_leaves=5,
)  # fmt: skip
EFFECTS = st.sampled_from(
    ['mode = "only_on_device"', 'mode = "prefer_in_cloud"', 'forbid = ["cloud"]', 'forbid = ["device"]',
     'forbid = ["fog", "cloud"]', 'escalate_below = "never"', "escalate_below = 0.5"]
)  # fmt: skip
RULES = st.lists(st.tuples(CONDITIONS, EFFECTS, st.sampled_from(["skip", "skip", "apply"])), min_size=2, max_size=5)
FACTS = st.fixed_dictionaries(
    {
        "battery_pct": st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 50.0])),
        "time_left_ms": st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 500.0]),
        "charging": st.sampled_from([None, True, False]),
        "label": st.sampled_from([None, "public", "internal", "personal", "secret"]),
        "model": st.sampled_from(["a", "b", "c"]),
    }
)


def _policy(rules: list[tuple[str, str, str]]) -> Policy:
    return policy_of(
        "[targets.cloud]\np_wrong = 0.1\n"
        + "".join(
            f'[[rules]]\nname = "r{i}"\nwhen = {{ {when} }}\n{effect}\non_unknown = "{unknown}"\n'
            for i, (when, effect, unknown) in enumerate(rules)
        )
    )


def _applying(policy: Policy, facts: dict[str, Value | None]) -> list[int]:
    held = [(i, rule, rule.when.holds(facts.get)) for i, rule in enumerate(policy.rules)]
    return [i for i, rule, holds in held if holds or (holds is None and rule.apply_when_unknown)]


@settings(max_examples=100, deadline=None)
@given(RULES, st.lists(FACTS, min_size=30, max_size=30))
@pytest.mark.wide
def test_what_is_called_idle_never_counts(
    rules: list[tuple[str, str, str]], many: list[dict[str, Value | None]]
) -> None:
    policy = _policy(rules)
    said = [str(warning) for warning in lint(policy)]
    for facts in many:
        applying = _applying(policy, facts)
        for effect, field in (("mode", "mode"), ("escalate_below", "escalation")):
            giving = [i for i in applying if getattr(policy.rules[i], field) is not None]
            for i in giving[:1]:
                assert not any(text.startswith(f"rules[{i}].{effect}: never counts") for text in said), facts
        for i in applying:
            earlier = {place for j in applying if j < i for place in policy.rules[j].forbid}
            for text in said:
                if found := re.match(rf'rules\[{i}\]\.forbid: "(\w+)" is forbidden already', text):
                    assert found[1] in earlier, facts
                if text.startswith(f"rules[{i}].when: can never hold"):
                    assert policy.rules[i].apply_when_unknown, facts
        if any("always forbids it" in text or "always forbid" in text for text in said):
            assert any({"cloud"} & policy.rules[i].forbid for i in applying), facts
        if any(text.startswith("mode: never used") for text in said):
            assert any(policy.rules[i].mode is not None for i in applying), facts


@settings(max_examples=100, deadline=None)
@pytest.mark.wide
@given(RULES)
def test_where_rules_are_said_to_contradict_each_other_they_do(rules: list[tuple[str, str, str]]) -> None:
    policy = _policy(rules)
    universe = Universe(frozenset(policy.labels))
    for found in contradictions(policy, standings(policy, universe), frozenset(Mode), None):
        applying = [policy.rules[i] for i, rule in enumerate(policy.rules) if rule.when.holds(found.at.get) is True]
        assert policy.rules[int(found.path[6 : found.path.index("]")])] in applying
        if "nothing may answer" in found.message:
            forbidden = {place for rule in applying for place in rule.forbid}
            mode = next((rule.mode for rule in applying if rule.mode is not None), policy.mode)
            assert mode is Mode.ONLY_ON_DEVICE or {"fog", "cloud"} <= forbidden
            assert mode is Mode.ONLY_IN_CLOUD or "device" in forbidden


@pytest.mark.wide
def test_a_policy_of_four_hundred_rules_is_read_in_a_moment() -> None:
    """Each rule was held against each other one by spreading both out anew: 80,000 times."""
    shapes = (
        lambda i: f"battery_pct = {{ less_than = {0.1 * i + 1} }}",
        lambda i: (
            f"all = [{{ any = [{{ model = 'a{i}' }}, {{ charging = true }}] }}, {{ cpu_load = {{ at_most = 0.{i} }} }}]"
        ),
    )
    for shape in shapes:
        rules = "".join(
            f'[[rules]]\nname = "r{i}"\nwhen = {{ {shape(i)} }}\n{EFFECTS_IN_TURN[i % 3]}\n' for i in range(400)
        )
        policy = compile_policy((HEAD + rules).encode())
        started = time.thread_time()
        lint(policy)
        assert time.thread_time() - started < 5  # under a second here, on a core of its own
