"""The front: what policies gain and what they spend for it, with simple rules, thresholds and the bound. Pure.

One drawing for each pair of axes, of which the page shows one. Points stand in per cent of the plot, so that it may
have any width, and what is written beside them is moved by pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from router.report.axes import ACROSS, UP, Axis
from router.report.labels import Box, Label, place, shortened
from router.report.markup import Html, joined, tag, told
from router.report.scale import Scale, linear
from router.report.study import Study
from router.report.supports import corners, height
from router.report.words import plain, tick_texts
from router.simulate.outcomes import Outcomes
from router.values import value

__all__ = ["chart", "charts"]

# What labels are placed for: a desktop's plot, and a phone's, on which a name without a place is left out.
_WIDE: Final = (660.0, 420.0)
_NARROW: Final = (300.0, 340.0)
_ALIKE: Final = 0.012
"""Points that are no further apart, as shares of the plot, are drawn as one."""
_BOUND_NAME: Final = 0.66
"""From where on that name stands."""
_MARGIN: Final = 0.02
"""Left of nothing spent, for the marks that stand there."""
_ROOM: Final = 0.06
"""Below the lowest, as a share of the height, for the bound's name."""


@value
class Mark:
    """Something to be seen at a point: `kind` is policy, rule, threshold."""

    kind: str
    names: tuple[str, ...]
    outcomes: Outcomes

    @property
    def label(self) -> str:
        more = len(self.names) - 2
        return " = ".join(self.names[:2]) + (f" and {more} more" if more > 0 else "")


def charts(study: Study) -> Html:
    """Return the drawings, one for each pair of axes."""
    return joined(chart(study, across, up) for up in UP for across in ACROSS)


def chart(study: Study, across: Axis, up: Axis) -> Html:
    """Return one drawing."""
    shown = [*_policies(study), *_rules(study), *_thresholds(study)]
    points = [weighted.outcomes for weighted in study.weighted]
    every = [*(mark.outcomes for mark in shown), *points]
    x = linear([across.of(outcomes) for outcomes in every], from_zero=True)
    x = replace(x, low=x.low - _MARGIN * (x.high - x.low))
    heights = [*(up.of(outcomes) for outcomes in every), *_least(study, across, up)]
    y = linear([*heights, min(heights) - _ROOM * (max(heights) - min(heights))])
    marks = _together(shown, across, up, x, y)
    labels = [_labels(marks, across, up, x, y, *size) for size in (_WIDE, _NARROW)]
    inside = [
        _grid(x, y),
        _bound(study, across, up, x, y),
        _cloud(points, across, up, x, y),
        _curve(study, across, up, x, y),
        *(_whiskers(mark, across, up, x, y) for mark in marks if mark.kind == "policy"),
        *(_drawn(mark, across, up, x, y, wide, narrow) for mark, wide, narrow in zip(marks, *labels, strict=True)),
        _tuned(study, across, up, x, y),
    ]
    return tag(
        "figure",
        tag("figcaption", f"{up.title}, {up.unit} ", tag("span", "lower is better", class_="quiet")),
        tag(
            "div",
            tag("svg", [tag("text", text, x="100%", dx=-8, y=_pc(1 - y.at(tick)), dy=4, text_anchor="end")
                        for tick, text in zip(y.ticks, tick_texts(y.ticks), strict=True)],
                class_="ticks-up", aria_hidden="true"),
            tag("svg", inside, class_="plot", role="group", aria_label=f"{up.title} against {across.title}"),
            tag("svg", [tag("text", text, x=_pc(x.at(tick)), y=16, text_anchor="middle")
                        for tick, text in zip(x.ticks, tick_texts(x.ticks), strict=True)],
                class_="ticks-across", aria_hidden="true"),
            class_="frame",
        ),
        tag("p", f"{across.title}, {across.unit} ", tag("span", "← less is better", class_="quiet"), class_="across"),
        class_=f"chart x-{across.key} y-{up.key}",
        data_x=across.key, data_y=up.key,
        data_x0=repr(x.low), data_x1=repr(x.high), data_y0=repr(y.low), data_y1=repr(y.high),
    )  # fmt: skip


def _pc(share: float) -> str:
    return f"{told(100 * share)}%"


def _point(outcomes: Outcomes, across: Axis, up: Axis, x: Scale, y: Scale) -> tuple[float, float]:
    return x.at(across.of(outcomes)), 1 - y.at(up.of(outcomes))


# -- what is shown -----------------------------------------------------------------------------------------------------


def _policies(study: Study) -> Iterator[Mark]:
    for judged in study.compared.policies:
        yield Mark("policy", (judged.outcomes.policy,), judged.outcomes)


def _rules(study: Study) -> Iterator[Mark]:
    curve = {outcomes.policy for outcomes in study.compared.thresholds}
    for outcomes in study.compared.baselines:
        if outcomes.policy not in curve:
            yield Mark("rule", (outcomes.policy,), outcomes)


def _thresholds(study: Study) -> Iterator[Mark]:
    best = study.compared.best_threshold
    for outcomes in study.compared.thresholds:
        number = outcomes.policy.removeprefix("cascade-")
        is_best = best is not None and outcomes.policy == best.policy
        yield Mark("threshold", (f"best threshold, {number}" if is_best else number,), outcomes)


def _together(marks: Sequence[Mark], across: Axis, up: Axis, x: Scale, y: Scale) -> list[Mark]:
    """Put rules that stand at one point together under all their names."""
    kept: list[Mark] = []
    for mark in marks:
        at = _point(mark.outcomes, across, up, x, y)
        for place_, other in enumerate(kept):
            there = _point(other.outcomes, across, up, x, y)
            near = abs(at[0] - there[0]) < _ALIKE and abs(at[1] - there[1]) < _ALIKE
            if near and mark.kind == other.kind == "rule":
                kept[place_] = Mark("rule", (*other.names, *mark.names), other.outcomes)
                break
        else:
            kept.append(mark)
    return kept


# -- how it is drawn ---------------------------------------------------------------------------------------------------


def _grid(x: Scale, y: Scale) -> Html:
    lines = [tag("line", x1=_pc(x.at(tick)), x2=_pc(x.at(tick)), y1="0%", y2="100%") for tick in x.ticks]
    lines += [tag("line", x1="0%", x2="100%", y1=_pc(1 - y.at(tick)), y2=_pc(1 - y.at(tick))) for tick in y.ticks]
    return tag("g", lines, class_="grid")


def _least(study: Study, across: Axis, up: Axis) -> list[float]:
    """Return the bound at the axis' greatest, which has to be within the scale."""
    if up.key == "cost":
        return [study.compared.least_cost]
    if up.key == "bad" and across.spent is not None:
        most = max(across.of(outcomes) for outcomes in study.compared.baselines)
        return [100 * height(study.lines[across.spent], most / _unit(across))]
    return []


def _unit(across: Axis) -> float:
    """Return how many of the axis' units one unit of supports.SPENT is."""
    return 1000.0 if across.spent == "megabytes" else across.times


def _bound(study: Study, across: Axis, up: Axis, x: Scale, y: Scale) -> Html:
    if up.key == "cost":
        heights = [(0.0, study.compared.least_cost), (1.0, study.compared.least_cost)]
    elif up.key == "bad" and across.spent is not None:
        lines, unit = study.lines[across.spent], _unit(across)
        spent = corners(lines, x.low / unit, x.high / unit)
        heights = [(x.at(each * unit), 100 * height(lines, each)) for each in spent]
    else:
        return joined([])
    ends = [(100 * at, 100 * (1 - y.at(level))) for at, level in heights]
    line = "L".join(f"{told(at)} {told(min(200.0, max(-100.0, level)))}" for at, level in ends)
    area = tag("path", d=f"M{line}L100 200L0 200Z", class_="beyond")
    edge = tag("path", d=f"M{line}", class_="bound", vector_effect="non-scaling-stroke")
    level = ends[-1][1]
    return joined(
        [
            tag("svg", area, edge, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%", height="100%"),
            *(
                tag("text", text, x="99%", y=f"{told(min(95.0, level))}%", dy=15, text_anchor="end",
                    class_=f"bound-name {size}")
                for text, size in (("the bound: nobody can be below", "wide"), ("the bound", "narrow"))
            ),
        ]
    )  # fmt: skip


def _cloud(points: Sequence[Outcomes], across: Axis, up: Axis, x: Scale, y: Scale) -> Html:
    places = dict.fromkeys(tuple(map(_pc, _point(outcomes, across, up, x, y))) for outcomes in points)
    return tag("g", [tag("circle", cx=cx, cy=cy, r=2.5) for cx, cy in places], class_="cloud")


def _curve(study: Study, across: Axis, up: Axis, x: Scale, y: Scale) -> Html:
    points = [_point(outcomes, across, up, x, y) for outcomes in study.compared.thresholds]
    if not points:
        return joined([])
    line = "L".join(f"{told(100 * at)} {told(100 * level)}" for at, level in points)
    path = tag("path", d=f"M{line}", class_="thresholds", vector_effect="non-scaling-stroke")
    return tag("svg", path, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%", height="100%")


def _whiskers(mark: Mark, across: Axis, up: Axis, x: Scale, y: Scale) -> Html:
    at, level = _point(mark.outcomes, across, up, x, y)
    left, right = (x.at(end) for end in across.interval(mark.outcomes))
    low, high = (1 - y.at(end) for end in up.interval(mark.outcomes))
    return tag(
        "g",
        tag("line", x1=_pc(max(0.0, left)), x2=_pc(min(1.0, right)), y1=_pc(level), y2=_pc(level)),
        tag("line", x1=_pc(at), x2=_pc(at), y1=_pc(min(1.0, low)), y2=_pc(max(0.0, high))),
        class_="whiskers",
    )


_SHAPES: Final = {
    "policy": tag("path", d="M0-8 8 0 0 8-8 0Z"),
    "rule": tag("circle", r=5),
    "threshold": tag("circle", r=3),
}


def _drawn(mark: Mark, across: Axis, up: Axis, x: Scale, y: Scale, wide: Label | None, narrow: Label | None) -> Html:
    at, level = _point(mark.outcomes, across, up, x, y)
    names = " = ".join(mark.names)
    whole = f"fixed threshold {names.removeprefix('best threshold, ')}" if mark.kind == "threshold" else names
    said = (
        f"{whole}: {plain(up.of(mark.outcomes))} {up.unit} {up.title.lower()}; "
        f"{across.title.lower()} {plain(across.of(mark.outcomes))} {across.unit}"
    )
    written = [
        joined([
            tag("line", x1=0, y1=0, x2=0.85 * label.dx, y2=0.85 * (label.dy - 4), class_=size) if label.far else "",
            tag("text", label.text, x=label.dx, y=label.dy, text_anchor=label.anchor, class_=size),
        ])
        for label, size in ((wide, "wide"), (narrow, "narrow"))
        if label is not None
    ]  # fmt: skip
    return tag(
        "svg",
        tag("g", tag("title", said), _SHAPES[mark.kind], written, tabindex=0, role="img", aria_label=said,
            class_=f"mark {mark.kind}"),
        x=_pc(at), y=_pc(level), overflow="visible",
    )  # fmt: skip


def _tuned(study: Study, across: Axis, up: Axis, x: Scale, y: Scale) -> Html:
    """Return the mark that the sliders move: it stands where the policy does until they are touched."""
    if not study.weighted:
        return joined([])
    at, level = _point(study.compared.policies[0].outcomes, across, up, x, y)
    return tag("svg", tag("circle", r=11), x=_pc(at), y=_pc(level), overflow="visible", class_="tuned")


def _labels(
    marks: Sequence[Mark], across: Axis, up: Axis, x: Scale, y: Scale, width: float, high: float
) -> list[Label | None]:
    places = [_point(mark.outcomes, across, up, x, y) for mark in marks]
    taken = [Box(at * width - 6, level * high - 6, at * width + 6, level * high + 6) for at, level in places]
    for mark, (_, level) in zip(marks, places, strict=True):
        if mark.kind == "policy":
            left, right = (x.at(end) * width for end in across.interval(mark.outcomes))
            taken.append(Box(left, level * high - 3, right, level * high + 3))
    taken.append(Box(width * _BOUND_NAME, high * (1 - 1.4 * _ROOM), width, high))
    # Policies choose first, the numbers along the curve last; those, and names on a phone, may be left out.
    order = sorted(range(len(marks)), key=lambda number: ("policy", "rule", "threshold").index(marks[number].kind))
    wanted = ("policy", "rule") if width == _WIDE[0] else ("policy",)
    names = [(places[number][0] * width, places[number][1] * high, _written(marks[number], width)) for number in order]
    bold = sum(mark.kind == "policy" for mark in marks)
    placed = place(names, taken, width, high, wanted=sum(mark.kind in wanted for mark in marks), bold=bold)
    return [placed[order.index(number)] for number in range(len(marks))]


def _written(mark: Mark, width: float) -> str:
    """Return the name beside a mark: of what people called so the whole is at the mark itself and in the table."""
    return shortened(mark.label, width) if mark.kind == "policy" else mark.label
