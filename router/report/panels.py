"""What happened when, in panels: signals, who answered, the radio and the rules of a run, each as paths and numbers.
Pure. How they are laid out over one axis is day.py's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.report.scale import Scale, linear, logarithmic
from router.report.study import Profile, Study
from router.report.traces import band, bars, held, rises, stack, stretches
from router.report.words import count, spans, tick_texts
from router.simulate.slices import Range
from router.simulate.world import Setting
from router.types import DEVICE, Kind
from router.values import value

__all__ = ["RADIO", "Panel", "hues", "panels"]

RADIO: Final = (("waking", "waking"), ("in use", "in use"), ("tail", "awake, idle"))
"""States of a radio as a recording calls them, and as people do."""
_MOST_RULES: Final = 16


@value
class Series:
    """Numbers under the cursor: for each slice one, or None."""

    called: str
    unit: str
    numbers: Sequence[float | None]
    hue: str = ""


@value
class Panel:
    """One drawing: paths with their classes, numbers beside it, and what the cursor tells."""

    key: str
    title: str
    drawn: tuple[tuple[str, str], ...]
    series: tuple[Series, ...]
    ticks: tuple[tuple[float, str], ...] = ()
    """(height from 0 at the bottom to 1, text)."""
    note: str = ""


def hues(setting: Setting) -> dict[str, str]:
    """Return the class that each target is drawn in: the device's, the clouds' first, so that they are the same in
    every report, and then the others'."""
    clouds_first = sorted(setting.servers, key=lambda server: server.kind is not Kind.CLOUD)
    return {DEVICE: "device"} | {
        server.name: f"remote-{min(number, 4)}" for number, server in enumerate(clouds_first, start=1)
    }


def panels(study: Study, profile: Profile) -> list[Panel]:
    """Return the panels of one policy's run, from the top."""
    return [
        *_requests(study, profile),
        _taken(profile),
        *_network(study, profile),
        *_device(study, profile),
        *_rules(profile),
    ]


# -- the panels --------------------------------------------------------------------------------------------------------


def _requests(study: Study, profile: Profile) -> list[Panel]:
    recording = profile.recording
    most = max(1, *recording.requests)
    hue = hues(study.scenario.setting)
    areas = zip(
        (hue[target] for target in recording.answered),
        stack(list(recording.answered.values()), most * 1.02),
        strict=True,
    )
    series = [Series(target, "", numbers, hue[target]) for target, numbers in recording.answered.items()]
    requests = count(sum(recording.requests))
    ends = (("late", "Deadline missed", recording.late), ("failed", "No answer", recording.failed))
    trouble = [
        Panel(key, f"{title}: {count(sum(counts))} of {requests}", ((key, rises(counts)),), (Series("", "", counts),))
        for key, title, counts in ends
        if any(counts)
    ] or [Panel("late", "No deadline was missed, and every request was answered", (), ())]  # fmt: skip
    return [
        _chosen(study, profile, most),
        Panel("answered", "Who answered", tuple(areas), tuple(series), ((1 / 1.02, count(most)),),
              f"requests in each {spans(recording.slice_s)}"),
        *trouble,
    ]  # fmt: skip


def _chosen(study: Study, profile: Profile, most: int) -> Panel:
    recording = profile.recording
    targets = hues(study.scenario.setting)
    often = sorted(recording.chosen, key=lambda choice: -sum(recording.chosen[choice]))
    mixed = (f"plan-{min(number, 4)}" for number in range(1, len(often) + 1))
    hue = {choice: targets.get(choice) or ("nowhere" if choice == "none" else next(mixed)) for choice in often}
    areas = stack([recording.chosen[choice] for choice in often], most * 1.02)
    series = (Series(_planned(choice), "", recording.chosen[choice], hue[choice]) for choice in often)
    return Panel("chosen", "What was decided", tuple(zip(hue.values(), areas, strict=True)), tuple(series),
                 ((1 / 1.02, count(most)),), f"requests in each {spans(recording.slice_s)}")  # fmt: skip


def _planned(choice: str) -> str:
    return "nowhere" if choice == "none" else choice


def _taken(profile: Profile) -> Panel:
    seconds = profile.recording.seconds
    scale = logarithmic([1000 * end for end in (*seconds.low, *seconds.high)])
    drawn = bars(_times(seconds, 1000.0), scale)
    means = [None if mean is None else 1000 * mean for mean in map(seconds.mean, range(len(seconds.seen)))]
    return Panel("taken", "Time to an answer", (("taken", drawn),), (Series("mean", "ms", means),), _ticks(scale),
                 "ms, least to most, logarithmic")  # fmt: skip


def _network(study: Study, profile: Profile) -> list[Panel]:
    around, recording = study.around, profile.recording
    gone = ("offline", stretches(around.offline, most=0.5))
    rtt, believed = _times(around.rtt_s, 1000.0), _times(recording.believed_s, 1000.0)
    scale = linear([*_seen(rtt), *_seen(believed)], ticks=2, from_zero=True)
    paces = linear([*_seen(around.up_mbps), *_seen(around.down_mbps)], ticks=2, from_zero=True)
    lengths = [recording.slice_s] * len(around.offline)
    states = [recording.radio[state] for state, _ in RADIO]
    drawn = zip((f"radio-{state.split()[0]}" for state, _ in RADIO), stack(states, recording.slice_s), strict=True)
    return [
        Panel("rtt", f"Round trip to {study.scenario.setting.servers[0].name}",
              (gone, ("rtt", band(_ends(rtt), scale)), ("believed", bars(believed, scale))),
              (Series("actual", "ms", _means(rtt), "rtt"), Series("believed", "ms", _means(believed), "believed")),
              _ticks(scale), "ms, of a radio that is awake"),
        Panel("pace", "Bandwidth",
              (gone, ("down", band(_ends(around.down_mbps), paces)), ("up", band(_ends(around.up_mbps), paces))),
              (Series("down", "Mbit/s", _means(around.down_mbps), "down"),
               Series("up", "Mbit/s", _means(around.up_mbps), "up")), _ticks(paces), "Mbit/s"),
        Panel("radio", "Radio", (gone, *drawn),
              tuple(Series(called, "%", [100 * part / length for part, length in zip(recording.radio[state], lengths,
                                                                                   strict=True)],
                           f"radio-{state.split()[0]}") for state, called in RADIO), (),
              "share of the time; the rest it sleeps"),
    ]  # fmt: skip


def _device(study: Study, profile: Profile) -> list[Panel]:
    found: list[Panel] = []
    for name, title, unit in (("battery_pct", "Battery", "%"), ("temperature_c", "Temperature", "°C")):
        seen = profile.recording.signals[name]
        if any(seen.seen):
            ends = held(seen)
            scale = linear(_seen(seen), ticks=2)
            charging = ("charging", stretches(study.around.charging, most=0.5))
            drawn = (*((charging,) if name == "battery_pct" and charging[1] else ()), (name, band(ends, scale)))
            note = f"{unit}; shaded while it is charged" if len(drawn) > 1 else unit
            middles = [None if end is None else (end[0] + end[1]) / 2 for end in ends]
            found.append(Panel(name, title, drawn, (Series("", unit, middles),), _ticks(scale), note))
    load = _times(study.around.load, 100.0)
    scale = linear([0.0, *_seen(load)], ticks=2, from_zero=True)
    found.append(
        Panel("load", "Processor, used by others", (("load", band(_ends(load), scale)),),
              (Series("", "%", _means(load)),), _ticks(scale), "%")
    )  # fmt: skip
    return found


def _rules(profile: Profile) -> list[Panel]:
    held_ = [covered for covered in profile.covered if covered.count]
    return [
        Panel(f"rule-{number}", f"Rule {covered.name}", (("rule", stretches(covered.held)),),
              (Series("requests it held for", "", covered.held),))
        for number, covered in enumerate(held_[:_MOST_RULES])
    ]  # fmt: skip


# -- their parts -------------------------------------------------------------------------------------------------------


def _times(seen: Range, factor: float) -> Range:
    """Return a range in another unit."""
    other = Range(len(seen.seen))
    for slice_ in range(len(seen.seen)):
        if seen.seen[slice_]:
            other.low[slice_], other.high[slice_] = factor * seen.low[slice_], factor * seen.high[slice_]
            other.total[slice_], other.seen[slice_] = factor * seen.total[slice_], seen.seen[slice_]
    return other


def _seen(seen: Range) -> list[float]:
    return [end for ends in (seen.low, seen.high) for end, times in zip(ends, seen.seen, strict=True) if times]


def _ends(seen: Range) -> list[tuple[float, float] | None]:
    return [(low, high) if times else None for low, high, times in zip(seen.low, seen.high, seen.seen, strict=True)]


def _means(seen: Range) -> list[float | None]:
    return [seen.mean(slice_) for slice_ in range(len(seen.seen))]


def _ticks(scale: Scale) -> tuple[tuple[float, str], ...]:
    ticks = scale.ticks
    if len(ticks) > 3:
        ticks = (ticks[0], ticks[len(ticks) // 2], ticks[-1])
    return tuple(zip(map(scale.at, ticks), tick_texts(ticks), strict=True))
