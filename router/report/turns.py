"""What would have changed which decision, in lists: one for each kind of decision and each thing done instead. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.report.markup import Html, joined, tag
from router.report.study import Profile
from router.report.turning import Turn, Turned
from router.report.words import clock, count, percent, plain
from router.types import Situation

__all__ = ["turns"]

_BELIEVED: Final = frozenset({"time_ms", "p_fail", "p_wrong", "p_escalate", "serves", "breaker"})
"""What the router believes, and no sensor or request says: told last."""


def turns(profile: Profile, run: int) -> Html:
    """Return the kinds of decisions of a policy's run, the most frequent first; `run` is its number on the page."""
    requests = max(1, sum(profile.recording.requests))
    told = [_kind(turned, requests, run) for turned in profile.turned]
    left = requests - sum(turned.group.count for turned in profile.turned)
    if left > 0:
        told.append(tag("p", f"{count(left)} more requests were decided in other ways.", class_="quiet"))
    return joined(told)


def _kind(turned: Turned, requests: int, run: int) -> Html:
    group, situation = turned.group, turned.example.situation
    under = f"while {' and '.join(group.rules)} held" if group.rules else "while no rule held"
    outside = [turn for turn in turned.turns if turn.name.partition(".")[0] not in _BELIEVED]
    believed = [turn for turn in turned.turns if turn.name.partition(".")[0] in _BELIEVED]
    body = [_lists(outside, turned.looked_at)]
    if believed:
        summary = tag("summary", f"{len(believed)} more, of what the router believes of its targets")
        body.append(tag("details", summary, _lists(believed, turned.looked_at)))
    if not turned.turns:
        body = [tag("p", "Nothing that was tried would have changed it.")]
    return tag(
        "article",
        tag("h3", f"{turned.goes}: {count(group.count)} requests, {percent(group.count / requests)}"),
        tag("p", f"Decided so {under}. One of them, at ",
            tag("a", clock(situation.now), href="#day", data_run=run, data_at=f"{situation.now:.3f}"),
            f": {_in_short(situation)}.", class_="quiet"),
        body,
        class_="kind",
    )  # fmt: skip


def _lists(shown: Sequence[Turn], looked_at: int) -> Html:
    by_instead: dict[str, list[Turn]] = {}
    for turn in shown:
        by_instead.setdefault(turn.instead, []).append(turn)
    return tag(
        "div",
        [
            tag("div", tag("h4", tag("span", "would go ", class_="quiet"), instead, tag("span", " if", class_="quiet")),
                tag("ul", [_item(turn, looked_at) for turn in turns_]))
            for instead, turns_ in by_instead.items()
        ],
        class_="turns",
    )  # fmt: skip


def _item(turn: Turn, looked_at: int) -> Html:
    of = "" if turn.count == looked_at else f", in {turn.count} of {looked_at} looked at"
    return tag("li", tag("b", turn.name), f" were {turn.were} ", tag("span", f"it was {turn.now}{of}", class_="quiet"))


def _in_short(situation: Situation) -> str:
    request, readings = situation.request, situation.readings
    parts = [
        f"model {request.model}",
        "no label" if request.label is None else f"label {request.label}",
        f"{plain(1000 * (request.deadline - situation.now))} ms left",
    ]
    for name, unit in (("battery_pct", " % battery"), ("temperature_c", " °C"), ("link", " link")):
        reading = readings.get(name)
        if reading is not None and reading.value is not None:
            value = reading.value
            parts.append(f"{plain(value) if isinstance(value, float) else value}{unit}")
    parts += [f"{view.name} expected in {plain(1000 * view.time.median_s)} ms" for view in situation.targets]
    return ", ".join(parts)
