"""A recorder beside a run: what it tells of it, and that it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.simulate.comparison import compare
from router.simulate.driver import run, simulate
from router.simulate.faults import Fault
from router.simulate.recording import Few, Recorder, Recording
from router.simulate.slices import Range, Slices
from router.simulate.world import Setting
from tests.router.simulate import worlds
from tests.router.simulate.runs import a_policy, a_setting

RULES = """
[[rules]]
name = "warm"
when = { temperature_c = { greater_than = 1 } }
mode = "prefer_on_device"

[[rules]]
name = "never"
when = { rtt_ms = { greater_than = 59999 } }
mode = "only_on_device"
"""


def _recorded(setting: Setting, body: str = "", slices: int = 60) -> Recording:
    recorder = Recorder(setting, slices=slices)
    run(setting, a_policy(body), 1, recorder=recorder)
    return recorder.recording()


def _day(requests: int = 300, **more: Any) -> Setting:
    return replace(a_setting(requests, **more), duration_s=60.0)


def test_a_recorder_changes_nothing_of_the_run() -> None:
    setting = _day(faults={"cloud": (Fault(10.0, 20.0, error_share=0.5),)})
    alone, watched = run(setting, a_policy(), 1), run(setting, a_policy(), 1, recorder=Recorder(setting))
    for name in alone.total().__slots__:
        assert getattr(watched.total(), name) == getattr(alone.total(), name)


def test_each_request_is_counted_once_where_it_came() -> None:
    hole = (Fault(10.0, 20.0, black_hole=True),)
    setting = _day(faults={"fog": hole, "cloud": hole}, deadline_s=0.2)
    recording = _recorded(setting, 'mode = "only_in_cloud"\n')
    outcomes = simulate(setting, a_policy('mode = "only_in_cloud"\n'), 1)
    assert sum(recording.requests) == outcomes.requests == 300
    assert sum(recording.answered["fog"]) == round(outcomes.shares["fog"].value * 300) > 0
    assert sum(recording.late) == round(outcomes.missed.value * 300) > 0
    assert sum(recording.failed) == round(outcomes.failed.value * 300)
    assert sum(recording.late[10:20]) + sum(recording.failed[10:20]) > 0
    assert sum(recording.seconds.seen) == sum(map(sum, recording.answered.values()))


def test_what_has_no_answer_has_no_time_to_one() -> None:
    """A device whose battery was empty was drawn as answering within no time at all, for the rest of the day."""
    hole = (Fault(10.0, 20.0, error_share=1.0),)
    recording = _recorded(_day(faults={"fog": hole, "cloud": hole}), 'mode = "only_in_cloud"\n')
    assert sum(recording.failed[12:18]) == sum(recording.requests[12:18]) > 0
    assert not any(recording.seconds.seen[12:18])


def test_what_rules_matched_and_what_they_could_not_know_is_counted() -> None:
    recording = _recorded(_day(), RULES)
    assert sum(recording.held["warm"]) == recording.by_rule["warm"].count == 300
    assert "never" not in recording.held
    assert recording.unknown == {"rtt_ms": 300}


def test_decisions_that_are_alike_are_one_group() -> None:
    recording = _recorded(_day(), 'mode = "only_on_device"\n')
    (group,) = recording.groups
    assert (group.choice, group.count) == ("device", 300)
    assert {choice: sum(counts) for choice, counts in recording.chosen.items()} == {"device": 300}
    nows = [decision.situation.now for decision in group.decisions]
    assert nows == sorted(nows) and nows[-1] > 30.0


def test_the_radio_wakes_is_used_and_rests_in_its_tail() -> None:
    setting = _day(4, gap_s=14.0)
    recording = _recorded(setting, 'mode = "only_in_cloud"\n')
    waking, used, tail = (sum(recording.radio[state]) for state in ("waking", "in use", "tail"))
    assert 0 < waking < 4
    assert 0 < used < 2
    assert 10 < tail <= 4 * 10.0
    assert sum(map(sum, recording.radio.values())) <= 60.0


def test_a_radio_that_nobody_uses_does_nothing() -> None:
    recording = _recorded(_day(), 'mode = "only_on_device"\n')
    assert not any(map(sum, recording.radio.values()))


def test_the_sensors_are_seen_as_they_said() -> None:
    recording = _recorded(_day())
    battery = recording.signals["battery_pct"]
    seen = [slice_ for slice_ in range(60) if battery.seen[slice_]]
    assert seen
    assert all(0 <= battery.low[slice_] <= battery.high[slice_] <= 100 for slice_ in seen)


@pytest.mark.parametrize("count", [0, 1, 12, 13, 100, 4097])
def test_a_few_of_many_are_kept_evenly(count: int) -> None:
    decision = _recorded(_day(1)).groups[0].decisions[0]
    few = Few(12)
    for _ in range(count):
        few.take(decision)
    assert few.count == count
    assert min(count, 6) <= len(few.kept) <= 12


def test_a_stretch_is_spread_over_the_slices_that_it_touches() -> None:
    slices, seconds = Slices(10.0, 5), [0.0] * 5
    slices.spread(seconds, 1.5, 6.5)
    slices.spread(seconds, 9.0, 99.0)
    slices.spread(seconds, 3.0, 3.0)
    assert seconds == pytest.approx([0.5, 2.0, 2.0, 0.5, 90.0])
    assert [slices.of(at) for at in (-1.0, 0.0, 2.0, 9.9, 10.0, 1e9)] == [0, 0, 1, 4, 4, 4]


def test_a_range_that_saw_nothing_has_no_mean() -> None:
    seen = Range(2)
    seen.see(1, 2.0)
    seen.see(1, 4.0)
    assert (seen.mean(0), seen.mean(1), seen.low[1], seen.high[1]) == (None, 3.0, 2.0, 4.0)


@pytest.mark.wide
def test_a_comparison_tells_every_threshold_that_it_tried() -> None:
    compared = compare(a_setting(100), [a_policy()], 1)
    names = [outcomes.policy for outcomes in compared.thresholds]
    assert names == sorted(names) and "cascade-0.5" in names
    assert compared.best_threshold in compared.thresholds


def test_every_decision_counts_under_its_choice_when_it_was_made() -> None:
    recording = _recorded(_day(), '[escalation]\nbelow = "best"\n[exploration]\nshare = 0.5\n')
    assert len(recording.chosen) > 3
    assert list(map(sum, zip(*recording.chosen.values(), strict=True))) == recording.requests


def test_plans_with_other_targets_behind_their_first_are_other_decisions() -> None:
    """They were one group, and a report said of it that it would go where it went."""
    setting = _day(connections=((0.0, worlds.link()), (30.0, None)))
    recording = _recorded(setting, '[escalation]\nbelow = "never"\n')
    behind = [
        {tuple(leg.target for leg in decision.plan.legs) for decision in group.decisions if decision.plan is not None}
        for group in recording.groups
        if group.choice == "cloud"
    ]
    assert behind == [{("cloud", "device", "fog")}, {("cloud", "device")}]
