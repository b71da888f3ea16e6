from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.repository.plan import Drop, Known, Load, chosen, next_step, settled
from cloud_service.repository.serving import All, Latest, Specific, VersionPolicy
from cloud_service.repository.sighting import Key, Stamp


def _stamp(mark: int = 0) -> Stamp:
    return (("model.onnx", 1, mark, 1),)


_LATEST = Latest(1)
_OLD, _NEW = _stamp(0), _stamp(1)
_SERVES, _BROKEN = Known(_OLD, broken=False), Known(_OLD, broken=True)


@pytest.mark.parametrize(
    ("seen", "known", "policy", "step"),
    [
        pytest.param({1: _OLD}, {}, All(), Load(("m", 1)), id="a new version is loaded"),
        pytest.param({1: _OLD}, {1: _SERVES}, All(), None, id="one that serves is left alone"),
        pytest.param({1: _OLD}, {1: _BROKEN}, All(), None, id="one that failed is not tried again and again"),
        pytest.param({1: _NEW}, {1: _BROKEN}, All(), Load(("m", 1)), id="but with new files it is"),
        pytest.param({1: _NEW}, {1: _SERVES}, All(), Load(("m", 1)), id="new files of one that serves"),
        pytest.param({}, {1: _SERVES}, All(), Drop(("m", 1)), id="one that is gone is dropped"),
        pytest.param({1: _OLD, 2: _OLD}, {1: _SERVES}, _LATEST, Load(("m", 2)), id="the newer first"),
        pytest.param(
            {1: _OLD, 2: _OLD}, {1: _SERVES, 2: _SERVES}, _LATEST, Drop(("m", 1)), id="then the older goes"
        ),
        pytest.param(
            {1: _OLD, 2: _OLD}, {1: _SERVES, 2: _BROKEN}, _LATEST, None, id="a broken newer one sends no older one away"
        ),
        pytest.param(
            {1: _OLD, 2: _OLD}, {2: _BROKEN}, _LATEST, Load(("m", 1)), id="nor keeps it from being loaded"
        ),
        pytest.param({1: _OLD}, {2: _SERVES}, Specific(frozenset({1})), Load(("m", 1)), id="load before drop"),
        pytest.param({1: _OLD, 2: _OLD}, {1: _SERVES}, Specific(frozenset({1})), None, id="no other than the specific"),
    ],
)  # fmt: skip
def test_what_comes_next(
    seen: dict[int, Stamp], known: dict[int, Known], policy: VersionPolicy, step: Load | Drop | None
) -> None:
    assert next_step(_keyed(seen), {("m", v): k for v, k in known.items()}, {"m": policy}) == step


def test_models_without_a_policy_are_not_touched() -> None:
    assert next_step({("n", 1): _OLD}, {("o", 1): _SERVES}, {"m": All()}) is None


_VERSIONS = st.dictionaries(st.integers(1, 8), st.booleans())  # version -> whether it can be served
_POLICIES = st.one_of(
    st.just(All()),
    st.builds(Latest, st.integers(1, 4)),
    st.builds(Specific, st.frozensets(st.integers(1, 8), min_size=1)),
)


@given(before=_VERSIONS, now=_VERSIONS, policy=_POLICIES)
def test_the_steps_end_with_the_versions_that_the_policy_asks_for_and_can_be_served(
    before: dict[int, bool], now: dict[int, bool], policy: VersionPolicy
) -> None:
    known = {("m", version): Known(_OLD, broken=not good) for version, good in before.items()}
    seen = {("m", version): _NEW for version in now}
    for _ in range(40):
        step = next_step(seen, known, {"m": policy})
        if step is None:
            break
        if isinstance(step, Drop):
            del known[step.key]
        else:
            serves_on = step.key in known and not known[step.key].broken
            known[step.key] = Known(_NEW, broken=not (now[step.key[1]] or serves_on))
    else:
        pytest.fail("no end")
    answering = {version for (_, version), k in known.items() if not k.broken}
    possible = {v for v in now if now[v] or before.get(v)}
    if isinstance(policy, Latest):
        assert answering == set(sorted(possible)[-policy.count :])
    elif isinstance(policy, Specific):
        assert answering == possible & policy.numbers
    else:
        assert answering == possible


def test_broken_versions_stay_among_the_chosen_to_be_told_of() -> None:
    assert chosen(Latest(1), [1, 2, 3], [3]) == {2, 3}


@pytest.mark.parametrize(
    ("before", "now", "known", "steady"),
    [
        pytest.param({1: _OLD}, {1: _OLD}, {}, {1: _OLD}, id="seen twice alike"),
        pytest.param({}, {1: _OLD}, {}, {}, id="seen once"),
        pytest.param({1: _OLD}, {1: _NEW}, {}, {}, id="still being written"),
        pytest.param({1: _OLD}, {1: _NEW}, {1: _SERVES}, {1: _OLD}, id="new files being written"),
        pytest.param({1: _OLD}, {}, {1: _SERVES}, {1: _OLD}, id="away for a moment"),
        pytest.param({}, {}, {1: _SERVES}, {}, id="gone"),
    ],
)
def test_only_what_two_looks_agree_upon_counts(
    before: dict[int, Stamp], now: dict[int, Stamp], known: dict[int, Known], steady: dict[int, Stamp]
) -> None:
    assert settled(_keyed(before), _keyed(now), {("m", v): k for v, k in known.items()}) == _keyed(steady)


def _keyed(stamps: dict[int, Stamp]) -> dict[Key, Stamp]:
    return {("m", version): stamp for version, stamp in stamps.items()}
