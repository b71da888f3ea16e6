"""Three sets that have nothing in common."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.publish.errors import PublishError
from cloud_service.publish.splits import SHARES, Split, shuffled, split

KEYS = [index.to_bytes(2, "big") for index in range(1000)]


def sets_of(found: Split) -> list[list[int]]:
    return [[int(index) for index in part] for part in (found.fit, found.calibrate, found.evaluate)]


def test_every_example_is_in_one_set_and_the_sets_have_their_shares() -> None:
    sets = sets_of(split(KEYS, None, None, seed=0))
    assert sorted(chain(*sets)) == list(range(1000))
    assert [len(part) / 1000 for part in sets] == pytest.approx(SHARES, abs=0.002)


def test_the_seed_and_nothing_else_decides_where_an_example_goes() -> None:
    once, again, other = (sets_of(split(KEYS, None, None, seed=seed)) for seed in (1, 1, 2))
    assert once == again != other
    backwards = sets_of(split(KEYS[::-1], None, None, seed=1))
    assert [{999 - index for index in part} for part in backwards] == [set(part) for part in once]


def test_a_group_is_whole_in_one_set() -> None:
    groups = [f"user {index % 40}" for index in range(1000)]
    found = split(KEYS, groups, None, seed=0)
    members = [{groups[index] for index in part} for part in sets_of(found)]
    assert not members[0] & members[1] and not members[1] & members[2] and not members[0] & members[2]
    assert "40 groups of 1000 examples" in found.how


def test_what_is_later_is_evaluated_on() -> None:
    times = [float(-index) for index in range(1000)]
    fit, calibrate, evaluate = sets_of(split(KEYS, None, times, seed=0))
    assert min(fit) > max(calibrate) and min(calibrate) > max(evaluate)


def test_a_few_that_repeat_are_left_out_and_the_first_of_them_stays() -> None:
    keys = [*KEYS[:990], *KEYS[:10]]
    found = split(keys, None, None, seed=0)
    assert sorted(chain(*sets_of(found))) == list(range(990))
    assert "10 left out that repeat the input of another" in found.how


def test_of_repeated_inputs_with_times_the_earliest_stays_and_no_set_sees_another() -> None:
    keys = [*KEYS[:990], *KEYS[:10]]
    times = [*map(float, range(1000, 1990)), *map(float, range(10))]
    left = set(chain(*sets_of(split(keys, None, times, seed=0))))
    assert left == set(range(10, 1000))


def test_many_that_repeat_are_refused_unless_requests_repeat_so() -> None:
    keys = [*KEYS[:900], *KEYS[:100]]
    with pytest.raises(PublishError, match=r"100 of 1000 examples repeat .*--repeats"):
        split(keys, None, None, seed=0)
    found = sets_of(split(keys, None, None, seed=0, repeats=True))
    assert sorted(chain(*found)) == list(range(1000))
    where = {index: place for place, part in enumerate(found) for index in part}
    assert all(where[index] == where[900 + index] for index in range(100))


def test_a_group_that_lives_in_two_times_is_a_leak_and_refused() -> None:
    groups = ["always" if index in (0, 999) else str(index) for index in range(1000)]
    with pytest.raises(PublishError, match="1 examples are of the time of a later set"):
        split(KEYS, groups, list(map(float, range(1000))), seed=0)


@pytest.mark.parametrize(
    ("keys", "groups", "told"),
    [(KEYS[:2], None, "2 examples that differ"), (KEYS, ["a", "b"] * 500, "2 groups that differ")],
    ids=["examples", "groups"],
)
def test_too_few_to_fill_three_sets_are_refused(keys: list[bytes], groups: list[str] | None, told: str) -> None:
    with pytest.raises(PublishError, match=told):
        split(keys, groups, None, seed=0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=80),
    st.integers(0, 5),
    st.booleans(),
)
def test_no_input_and_no_group_is_in_two_sets(drawn: list[tuple[int, int]], seed: int, repeats: bool) -> None:
    keys, groups = [bytes([content]) for content, _ in drawn], [group for _, group in drawn]
    try:
        sets = sets_of(split(keys, groups, None, seed=seed, repeats=repeats))
    except PublishError:
        return
    assert all(sets)
    seen = list(chain(*sets))
    assert len(seen) == len(set(seen))
    if repeats:
        assert sorted(seen) == list(range(len(keys)))
    for values in (keys, groups):
        members = [{values[index] for index in part} for part in sets]
        assert sum(map(len, members)) == len(set().union(*members))


def test_the_shuffle_is_the_same_everywhere() -> None:
    assert shuffled(8, 7) == [4, 7, 3, 2, 1, 5, 6, 0]
    assert shuffled(1000, 1) == shuffled(1000, 1) != shuffled(1000, 2)
