"""When a model is opened anew, and when it is put out of use: every row of the table, and what holds for any story."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.runtimes.standing import FRESH, Remedy, Standing, Trouble, admit, ended, is_runaway, let_go, troubled

MEMORY, RUNAWAY, CRASH, CANNOT_OPEN = Trouble.OUT_OF_MEMORY, Trouble.RUNAWAY, Trouble.CRASH, Trouble.CANNOT_OPEN
OPEN_ANEW, ON_CPU, OUT, NOTHING = Remedy.OPEN_ANEW, Remedy.OPEN_ON_CPU, Remedy.PUT_OUT, Remedy.NOTHING


def _after(*troubles: Trouble | str, every_s: float = 1.0, may_use_cpu: bool = False) -> tuple[Standing, list[Remedy]]:
    """Tell of one thing after another; "ended" is a run that answered."""
    state, remedies, now = FRESH, [], 0.0
    for what in troubles:
        now += every_s
        if isinstance(what, Trouble):
            state, remedy = troubled(state, what, now, state.epoch, 0.5, may_use_cpu=may_use_cpu)
            remedies.append(remedy)
        else:
            state = ended(state, 0.001, now, state.epoch)
    return state, remedies


STORIES = {
    "memory": ([MEMORY], [OPEN_ANEW]),
    "memory twice in a row": ([MEMORY, MEMORY], [OPEN_ANEW, OUT]),
    "memory, but not in a row": ([MEMORY, "ended", MEMORY], [OPEN_ANEW, OPEN_ANEW]),
    "a runaway": ([RUNAWAY], [NOTHING]),
    "two runaways in a row": ([RUNAWAY, RUNAWAY], [NOTHING, OUT]),
    "two runaways, but not in a row": ([RUNAWAY, "ended", RUNAWAY], [NOTHING, NOTHING]),
    "memory, then a runaway": ([MEMORY, RUNAWAY], [OPEN_ANEW, OUT]),
    "a crash": ([CRASH], [OPEN_ANEW]),
    "a crash loop": ([CRASH] * 4, [OPEN_ANEW] * 3 + [OUT]),
    "a crash loop with answers between": ([CRASH, "ended"] * 4, [OPEN_ANEW] * 3 + [OUT]),
    "a crash, then memory": ([CRASH, MEMORY], [OPEN_ANEW, OPEN_ANEW]),
    "memory again and again, with answers between": ([MEMORY, "ended"] * 4, [OPEN_ANEW] * 3 + [OUT]),
    "it cannot be opened": ([CANNOT_OPEN], [OUT]),
    "a crash, and it cannot be opened": ([CRASH, CANNOT_OPEN], [OPEN_ANEW, OUT]),
}


@pytest.mark.parametrize(("troubles", "remedies"), STORIES.values(), ids=STORIES)
def test_each_trouble_has_its_remedy(troubles: list[Trouble | str], remedies: list[Remedy]) -> None:
    assert _after(*troubles)[1] == remedies


def test_crashes_that_are_far_apart_are_no_loop() -> None:
    assert _after(*[CRASH] * 8, every_s=20.1)[1] == [OPEN_ANEW] * 8


def test_a_crash_loop_on_an_accelerator_goes_on_on_the_processor_and_ends_there() -> None:
    state, remedies = _after(*[CRASH] * 8, may_use_cpu=True)
    assert remedies == [OPEN_ANEW] * 3 + [ON_CPU] + [OPEN_ANEW] * 3 + [OUT]
    assert state.on_cpu


def test_a_model_that_was_put_out_may_be_tried_after_half_a_minute_by_one_run_at_a_time() -> None:
    state, _ = _after(RUNAWAY, RUNAWAY)
    assert admit(state, 31.9) is None
    tried = admit(state, 32.1)
    assert tried is not None
    assert admit(tried, 32.2) is None
    assert admit(let_go(tried), 32.3) is not None


def test_a_trial_that_ends_brings_the_model_back() -> None:
    tried = admit(_after(MEMORY, MEMORY)[0], 40.0)
    assert tried is not None
    back = ended(tried, 0.01, 40.1, tried.epoch)
    assert back.untroubled
    assert let_go(back) == back


@pytest.mark.parametrize("trouble", Trouble)
def test_any_trouble_on_trial_puts_the_model_out_for_longer_up_to_ten_minutes(trouble: Trouble) -> None:
    state, now, pauses = _after(RUNAWAY, RUNAWAY)[0], 2.0, []
    for _ in range(25):
        assert state.rest.open_until is not None
        pauses.append(state.rest.open_until - now)
        now = state.rest.open_until
        tried = admit(state, now)
        assert tried is not None
        state, remedy = troubled(tried, trouble, now, tried.epoch, 0.5, may_use_cpu=True)
        assert remedy is OUT
    assert pauses[:3] == pytest.approx([30, 60, 90])
    assert pauses[-1] == pytest.approx(600)


def test_what_began_before_the_last_remedy_is_no_news() -> None:
    """Two runs that ran out of memory at the same time would have put the model out at once."""
    state, _ = _after(MEMORY)
    assert troubled(state, MEMORY, 2.0, state.epoch - 1, 0.5, may_use_cpu=False) == (state, NOTHING)
    assert ended(state, 1.0, 2.0, state.epoch - 1) == state


LENGTHS = {
    "nothing ended yet": (0.0, 0.2, True),
    "nothing ended yet, but it was stopped very soon": (0.0, 0.05, False),
    "ten times the longest": (0.1, 1.0, True),
    "not ten times the longest": (0.1, 0.9, False),
    "many times the longest, and still short": (0.001, 0.09, False),
}


@pytest.mark.parametrize(("longest_s", "taken_s", "told"), LENGTHS.values(), ids=LENGTHS)
def test_a_run_is_a_runaway_where_it_took_far_longer_than_those_that_ended(
    longest_s: float, taken_s: float, told: bool
) -> None:
    assert is_runaway(Standing(longest_s=longest_s), taken_s) is told


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from([*Trouble, "ended", "tried"]), st.floats(0, 100), st.booleans()), max_size=60
)


@given(HAPPENINGS, st.booleans())
def test_whatever_happens_a_model_is_opened_anew_a_bounded_number_of_times_in_a_minute(
    happenings: list[tuple[Trouble | str, float, bool]], may_use_cpu: bool
) -> None:
    state, now, opened, out_until = FRESH, 0.0, list[float](), -1.0
    for what, later_s, stale in happenings:
        now += later_s
        epoch = state.epoch - 1 if stale else state.epoch
        if isinstance(what, Trouble):
            before = state
            state, remedy = troubled(state, what, now, epoch, 0.5, may_use_cpu=may_use_cpu)
            assert remedy is not ON_CPU or (may_use_cpu and not before.on_cpu)
            if remedy in (OPEN_ANEW, ON_CPU):
                assert now >= out_until, "a model that is out of use stays out"
                opened.append(now)
            elif remedy is OUT:
                assert state.rest.open_until is not None
                out_until = state.rest.open_until
                opened.clear()
        elif what == "ended":
            # Only a run that was admitted can end.
            admitted = admit(state, now)
            state = state if admitted is None else ended(admitted, 0.001, now, epoch)
        else:
            tried = admit(state, now)
            assert (tried is not None) or state.rest.open_until is not None
            state = state if tried is None else let_go(tried)
        assert len(state.reopened) <= 3
        # Three on its own providers, one change to the processor, and three there.
        assert len([at for at in opened if now - at < 60]) <= 7
