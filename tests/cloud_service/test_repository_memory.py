from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.repository.memory import RECENT_S, Resident, estimate_bytes, evict
from cloud_service.repository.sighting import Key

_NOW = 1000.0
_LONG_AGO, _RECENTLY = _NOW - RECENT_S, _NOW - RECENT_S / 2


def _resident(name: str, version: int = 1, *, asked: float = _LONG_AGO, busy: bool = False, cost: int = 10) -> Resident:
    return Resident((name, version), cost, asked, busy)


@pytest.mark.parametrize(
    ("residents", "gone"),
    [
        pytest.param([], [], id="there is room"),
        pytest.param([_resident("a"), _resident("b")], [("a", 1)], id="as few as it takes"),
        pytest.param(
            [_resident("a"), _resident("b", asked=-math.inf)], [("b", 1)], id="the least recently asked for"
        ),
        pytest.param([_resident("a", busy=True), _resident("b")], [("b", 1)], id="not what is in use"),
        pytest.param([_resident("a", asked=_RECENTLY), _resident("b", busy=True)], None, id="nor what is wanted"),
        pytest.param(
            [_resident("a", 1), _resident("a", 2, asked=_RECENTLY)], [("a", 1)], id="but an older version of it"
        ),
    ],
)  # fmt: skip
def test_what_makes_room(residents: list[Resident], gone: list[Key] | None) -> None:
    assert evict(residents, need_bytes=10, limit_bytes=20, now=_NOW) == gone


_RESIDENTS = st.lists(
    st.builds(
        Resident,
        st.tuples(st.sampled_from("abc"), st.integers(1, 3)),
        st.integers(0, 50),
        st.one_of(st.just(-math.inf), st.floats(0, _NOW)),
        st.booleans(),
    ),
    unique_by=lambda resident: resident.key,
)


@given(residents=_RESIDENTS, need=st.integers(0, 100), limit=st.integers(0, 300))
def test_it_frees_enough_or_nothing_and_takes_none_that_is_in_use_or_the_last_of_a_wanted_model(
    residents: list[Resident], need: int, limit: int
) -> None:
    gone = evict(residents, need_bytes=need, limit_bytes=limit, now=_NOW)
    if gone is None:
        return
    by_key = {resident.key: resident for resident in residents}
    left = [resident for key, resident in by_key.items() if key not in gone]
    assert sum(resident.cost_bytes for resident in left) + need <= limit
    assert not any(by_key[key].busy for key in gone)
    for model in {key[0] for key in gone}:
        wanted = any(_NOW - r.last_asked < RECENT_S for r in residents if r.key[0] == model)
        assert not wanted or any(r.key[0] == model for r in left)


@given(residents=_RESIDENTS, need=st.integers(0, 100))
def test_nothing_goes_without_need(residents: list[Resident], need: int) -> None:
    room = sum(resident.cost_bytes for resident in residents) + need
    assert evict(residents, need_bytes=need, limit_bytes=room, now=_NOW) == []


def test_each_session_costs() -> None:
    assert estimate_bytes(10 << 20, 2) == 2 * estimate_bytes(10 << 20, 1) > 2 * (20 << 20)
