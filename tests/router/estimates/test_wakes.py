"""How long a radio takes to wake, by how long it was silent."""

from __future__ import annotations

import math

import pytest

from router.estimates import Wakes, silence, silences_s

AWAKE, TEN, LONG = silence("cellular", 0.5), silence("cellular", 12.0), silence("cellular", 100.0)


def _learnt(kind: str, **seen: list[float]) -> Wakes:
    wakes = Wakes(kind)
    for name, beyond_s in seen.items():
        for one_s in beyond_s:
            wakes.observe({"ten": TEN, "long": LONG, "short": silence("cellular", 2.0)}[name], one_s)
    return wakes


def test_a_cellular_radio_is_believed_asleep_after_some_ten_seconds_and_a_cable_never() -> None:
    cellular = Wakes("cellular")
    assert cellular.medians_s[silence("cellular", 9.0)] == 0
    assert 0.2 < cellular.medians_s[silence("cellular", 11.0)] < 1.0
    assert Wakes("unknown").after == Wakes("ethernet").after == ()


def test_what_was_learnt_of_a_silence_stands_for_longer_ones() -> None:
    wakes = _learnt("unknown", ten=[0.8] * 5)
    assert wakes.medians_s[LONG] == wakes.medians_s[TEN] == pytest.approx(0.8, rel=0.02)
    assert wakes.medians_s[AWAKE] == wakes.medians_s[silence("cellular", 7.0)] == 0


def test_a_radio_that_wakes_at_once_after_a_long_silence_does_so_after_shorter_ones() -> None:
    assert _learnt("cellular", long=[0.0] * 5).after == ()


def test_chance_differences_are_no_wake_up() -> None:
    assert _learnt("unknown", short=[0.004, -0.003, 0.001], ten=[-0.002, 0.003, 0.0]).after == ()


def test_quantiles_rise_at_every_silence() -> None:
    wakes = _learnt("cellular", short=[0.01, 0.3], ten=[0.05, 0.7, 0.9])
    assert [after.idle_s for after in wakes.after] == list(silences_s("cellular"))
    for after in wakes.after:
        assert list(after.wake_s) == sorted(after.wake_s)


def test_what_is_told_moves_only_with_more_than_a_hair() -> None:
    wakes = _learnt("cellular", ten=[0.60, 0.61, 0.62] * 20)
    told = wakes.after
    assert not any(wakes.observe(TEN, beyond_s) for beyond_s in (0.61, 0.60, 0.62) * 5)
    assert wakes.after is told
    assert sum(wakes.observe(TEN, 1.2) for _ in range(4)) > 0
    assert wakes.medians_s[TEN] == pytest.approx(0.61, rel=0.05)
    assert sum(wakes.observe(TEN, 1.2) for _ in range(36)) > 0
    assert wakes.medians_s[TEN] == pytest.approx(1.2, rel=0.05)
    assert wakes.after is not told


def test_wifi_sleeps_within_a_second_and_its_silences_are_told_apart_there() -> None:
    """Half a second of silence was none: calls that woke a Wi-Fi radio were learnt along with those that found it
    awake, and both were foretold wrongly."""
    wifi, cellular = Wakes("wifi"), Wakes("cellular")
    for _ in range(5):
        for radio, kind in ((wifi, "wifi"), (cellular, "cellular")):
            radio.observe(silence(kind, 0.1), 0.0)
            radio.observe(silence(kind, 0.5), 0.08)
    assert wifi.medians_s[silence("wifi", 0.1)] == 0
    assert wifi.medians_s[silence("wifi", 0.5)] == pytest.approx(0.08, rel=0.05)
    assert silence("cellular", 0.1) == silence("cellular", 0.5)


@pytest.mark.parametrize("kind", ["wifi", "cellular", "unknown", None])
def test_silences_rise_from_none_and_the_last_has_no_end(kind: str | None) -> None:
    steps_s = silences_s(kind)
    assert list(steps_s) == sorted(set(steps_s))
    assert [silence(kind, step_s) for step_s in steps_s] == list(range(len(steps_s)))
    assert (silence(kind, -1.0), silence(kind, math.inf)) == (0, len(steps_s) - 1)
