"""A run over one axis of time: its panels one below the other. Pure.

Each panel is a drawing of one unit a slice, stretched to the width that there is. Looking closer is another view of the
same drawing, and what stands under the cursor is written in the panel's head; both are the page's script's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from router.report.markup import Html, joined, tag
from router.report.panels import RADIO, Panel, panels
from router.report.scale import nearby
from router.report.study import Profile, Study
from router.report.words import clock, count, percent, plain, spans
from router.simulate.slices import Range

__all__ = ["day", "numbers", "table"]

_TICKS: Final = 6
_STEPS_S: Final = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip


def day(study: Study) -> Html:
    """Return the drawings of every policy's run, of which the page shows one."""
    return joined(
        tag("div", [_drawn(panel, study) for panel in panels(study, profile)], _axis(study),
            class_=f"run run-{number}", data_run=number)
        for number, profile in enumerate(study.profiles)
    )  # fmt: skip


def numbers(study: Study) -> dict[str, Any]:  # Any: a JSON document
    """Return what the cursor tells, for the page's script."""
    return {
        "slice_s": study.scenario.setting.duration_s / len(study.around.offline),
        "slices": len(study.around.offline),
        "runs": [
            [
                {
                    "key": panel.key,
                    "series": [
                        {"called": series.called, "unit": series.unit, "numbers": [*map(_short, series.numbers)]}
                        for series in panel.series
                    ],
                }
                for panel in panels(study, profile)
            ]
            for profile in study.profiles
        ],
    }


def _short(number: float | None) -> float | int | None:
    if number is None:
        return None
    short = float(f"{number:.3g}")
    return int(short) if short == int(short) else short


# -- how it is drawn ---------------------------------------------------------------------------------------------------


def _drawn(panel: Panel, study: Study) -> Html:
    slices = len(study.around.offline)
    paths = [tag("path", d=path, class_=name, vector_effect="non-scaling-stroke") for name, path in panel.drawn if path]
    ticks = [
        tag("text", text, x="100%", dx=-6, y=f"{100 * (1 - at):.1f}%", dy=4, text_anchor="end")
        for at, text in panel.ticks
    ]
    lines = [
        tag("line", x1="0%", x2="100%", y1=f"{100 * (1 - at):.1f}%", y2=f"{100 * (1 - at):.1f}%", class_="rule-line")
        for at, _ in panel.ticks
    ]
    key = [tag("span", series.called, class_=f"key {series.hue}") for series in panel.series if series.hue]
    head = tag(
        "div",
        tag("h3", panel.title),
        tag("span", panel.note, class_="quiet") if panel.note else "",
        key,
        tag("output", class_="under", data_panel=panel.key),
        class_="head",
    )
    if not paths:
        return tag("section", head, class_="panel")
    inner = tag("svg", paths, viewBox=f"0 0 {slices} 100", preserveAspectRatio="none", width="100%", height="100%",
                class_="paths")  # fmt: skip
    cross = tag("line", x1="0%", x2="0%", y1="0%", y2="100%", class_="cross", visibility="hidden")
    said = f"{panel.title}{', ' + panel.note if panel.note else ''}, over the scenario's time"
    family = panel.key.partition("-")[0]
    return tag(
        "section",
        head,
        tag("svg", ticks, class_="gutter", aria_hidden="true"),
        tag("svg", lines, inner, cross, class_="trace", role="img", aria_label=said),
        class_=f"panel panel-{family}",
    )


def _axis(study: Study) -> Html:
    duration_s = study.scenario.setting.duration_s
    step_s = next((step for step in _STEPS_S if step * _TICKS >= duration_s), 0.0) or nearby(duration_s / _TICKS)
    marks = [number * step_s for number in range(int(duration_s / step_s + 1e-9) + 1)]
    return tag(
        "div",
        tag("svg", class_="gutter", aria_hidden="true"),
        tag("svg", [_tick(at, duration_s) for at in marks], class_="time", aria_hidden="true"),
        class_="panel panel-axis",
    )


def _tick(at: float, duration_s: float) -> Html:
    share = at / duration_s
    anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
    return tag("text", clock(at) if duration_s >= 60 else spans(at), x=f"{100 * share:.2f}%", y=14, text_anchor=anchor)


def table(study: Study, profile: Profile, rows: int = 24) -> Html:
    """Return a run in so many rows, for whoever sees no drawing."""
    recording = profile.recording
    slices = len(recording.requests)
    rows = min(rows, slices)
    bounds = [round(number * slices / rows) for number in range(rows + 1)]
    head = ["From", "Requests", *(f"by {target}" for target in recording.answered), "late", "none", "mean time, ms",
            "round trip, ms", "radio awake", "battery, %", "°C"]  # fmt: skip
    body = []
    for start, end in pairwise(bounds):
        requests = sum(recording.requests[start:end])
        awake = sum(sum(recording.radio[state][start:end]) for state, _ in RADIO)
        cells = [
            clock(start * recording.slice_s),
            count(requests),
            *(count(sum(numbers[start:end])) for numbers in recording.answered.values()),
            count(sum(recording.late[start:end])),
            count(sum(recording.failed[start:end])),
            _mean(recording.seconds, start, end, 1000.0),
            _mean(study.around.rtt_s, start, end, 1000.0),
            percent(awake / ((end - start) * recording.slice_s)),
            _mean(recording.signals["battery_pct"], start, end, 1.0),
            _mean(recording.signals["temperature_c"], start, end, 1.0),
        ]
        body.append(tag("tr", tag("th", cells[0], scope="row"), [tag("td", cell) for cell in cells[1:]]))
    heads = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head]))
    return tag("table", tag("caption", f"{recording.policy} over time"), heads, tag("tbody", body))


def _mean(seen: Range, start: int, end: int, factor: float) -> str:
    times = sum(seen.seen[start:end])
    return plain(factor * sum(seen.total[start:end]) / times) if times else "–"
