"""Wherever a search may turn its knobs, nobody gets below the bound: no score is above 1."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cli.scenario_files import find_scenario
from router.document import PolicyDocument
from router.errors import PolicyError
from router.rules.compile import compile_policy
from router.simulate.comparison import compare
from router.simulate.split import apart, first, rest
from router.simulate.world import Setting
from router.tune.space import Point, Space, at, space_of
from router.tune.writing import as_document
from tests.properties.effort import tries
from tests.properties.simulated import HEAD, KINDS, settings

START = HEAD + '[escalation]\nbelow = "best"\n[budgets.bytes]\namount_mb = 0.5\n'
SPACE: Space = space_of(PolicyDocument.model_validate(tomllib.loads(START)))


@st.composite
def points(draw: st.DrawFn) -> Point:
    changes = {}
    for knob in draw(st.lists(st.sampled_from(SPACE.knobs), max_size=6, unique_by=lambda knob: knob.path)):
        beside = [*knob.options, *knob.besides]
        if beside and (knob.options or draw(st.booleans())):
            changes[knob.path] = draw(st.sampled_from(beside))
        else:
            changes[knob.path] = at(knob, draw(st.floats(0, 1)))
    return SPACE.point(changes)


@pytest.mark.wide
@tries(30)
@given(settings(), points(), st.integers(0, 9))
@pytest.mark.slow
def test_no_policy_that_a_search_may_try_scores_above_one(setting: Setting, point: Point, seed: int) -> None:
    start = compile_policy(START.encode(), targets=KINDS)
    try:
        tuned = compile_policy(as_document(START.encode(), point), targets=KINDS)
    except PolicyError:
        return
    compared = compare(setting, [start, tuned], seed)
    for judged in compared.policies:
        assert judged.outcomes.cost.value >= compared.least_cost - 1e-9
        assert judged.score is None or judged.score <= 1 + 1e-6


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["commuter-4g", "flaky-tunnel", "hot-phone", "low-battery-day", "slow-server"])
def test_nobody_passes_the_bound_in_either_part_of_what_ships(name: str) -> None:
    setting = find_scenario(name).setting
    cut = 0.6 * setting.duration_s
    text = 'schema = 1\nname = "s"\nversion = 1\n[escalation]\nbelow = "best"\n[radio]\nwake = true\n'
    policies = [compile_policy(text.encode()), compile_policy(f"{text}[retry]\nattempts = 4\n".encode())]
    for part, chance in ((first(setting, cut), 1), (rest(setting, cut), apart(1, "held out"))):
        for judged in compare(part, policies, chance).policies:
            assert judged.score is None or judged.score <= 1 + 1e-6
