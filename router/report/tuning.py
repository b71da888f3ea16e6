"""The sliders: what the first policy would come to if things were worth otherwise, from points computed beforehand.
Pure."""

from __future__ import annotations

from typing import Any, Final

from router.report.axes import ACROSS, UP
from router.report.markup import Html, joined, tag
from router.report.study import Study
from router.report.weighting import Dial, Weighted
from router.report.words import count, plain, signed
from router.simulate.outcomes import Outcomes

__all__ = ["points", "sliders", "table"]

STEPS: Final = 20
"""Of a slider from one stop to the next."""
# What an outcome's cost is made of: the weight's field, and how much of it there is for each request.
_AMOUNTS: Final = (
    ("wrong_answer", "wrong"),
    ("missed_deadline", "missed"),
    ("failed_request", "failed"),
    ("second", "seconds"),
    ("dollar", "usd"),
    ("joule", "joules"),
)


def sliders(study: Study) -> Html:
    """Return the sliders and what they write to; nothing moves without the page's script."""
    first = study.profiles[0].policy
    if not study.weighted:
        return tag(
            "p",
            f"No other weights were computed for {first.name}: {_why_none(study)}.",
            class_="quiet",
        )
    many = len(study.weighted)
    turned = [dial for dial in study.dials if len(dial.stops) > 1]
    return joined(
        [
            tag("h3", "If things were worth otherwise"),
            tag(
                "p",
                f"{first.name} was run with {count(many)} combinations of these weights, which are in its own currency."
                " Between them the nearest is shown: the ring in the drawing, and the last column below. Small points"
                f" are the other combinations.{_why_few(study)}",
                class_="quiet",
            ),
            tag("div", [_slider(dial, study) for dial in turned], class_="sliders", hidden=True),
            tag("noscript", tag("p", "The sliders need the page's script; the table of all combinations does not.")),
            _beside(study),
            tag("p", tag("output", "", id="so-weighted", role="status"), class_="quiet"),
            tag("pre", "", id="as-toml", hidden=True, aria_label="The weights, for the policy's file"),
        ]
    )  # fmt: skip


def _why_none(study: Study) -> str:
    if study.fewer_than is None:
        return "none were asked for (--points)"
    return f"{_requests(study)} are too many for it; a shorter scenario has some"


def _why_few(study: Study) -> str:
    if study.fewer_than is None:
        return ""
    return f" There would be up to {count(study.fewer_than)} if a run had fewer than {_requests(study)} (--points)."


def _requests(study: Study) -> str:
    return f"{count(study.compared.static.requests)} requests"


def _slider(dial: Dial, study: Study) -> Html:
    name = f"dial-{dial.weight.field}"
    own = getattr(study.profiles[0].policy.worth, dial.weight.field)
    return tag(
        "div",
        tag("label", f"What {dial.weight.called} is worth", for_=name),
        tag("output", plain(own), for_=name, id=f"{name}-value"),
        tag("input", type="range", id=name, min=0, max=STEPS * (len(dial.stops) - 1), step=1, value=STEPS * dial.own,
            list=f"{name}-stops", data_dial=dial.weight.field),
        tag("datalist", [tag("option", value=STEPS * stop) for stop in range(len(dial.stops))], id=f"{name}-stops"),
        class_="slider",
    )  # fmt: skip


def _beside(study: Study) -> Html:
    """Return the table of the policy as it is written, and as the sliders weigh it."""
    judged = study.compared.policies[0]
    rows = [
        tag("tr", tag("th", f"{axis.title}, {axis.unit.removesuffix(' per request')}", scope="row"),
            tag("td", plain(axis.of(judged.outcomes))), tag("td", plain(axis.of(judged.outcomes)), data_tuned=axis.key))
        for axis in _AXES
    ]  # fmt: skip
    found = signed(judged.score)
    rows.append(tag("tr", tag("th", "Score, by these weights", scope="row"), tag("td", found),
                    tag("td", found, data_tuned="score")))  # fmt: skip
    heads = [tag("th", name, scope="col") for name in ("", "as written", "so weighted")]
    return tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows))


_AXES: Final = (*UP[:2], *ACROSS)


def _cells(outcomes: Outcomes, found: float | None) -> list[Html]:
    return [
        *(tag("td", plain(axis.of(outcomes))) for axis in _AXES),
        tag("td", signed(found)),
    ]


def score(study: Study, weighted: Weighted) -> float | None:
    """Return the score by a weighting's own worth: what is fixed costs otherwise, and so does the bound."""
    worth = weighted.weighting.worth

    def cost(of: Outcomes) -> float:
        amounts = {name: getattr(of, name).value for _, name in _AMOUNTS}
        paid = sum(getattr(worth, field) * amounts[name] for field, name in _AMOUNTS)
        return float(paid + worth.megabyte * of.size_bytes.value / 1e6)

    fixed = [of for of in study.compared.baselines if of.policy.startswith("always-")]
    static = min(map(cost, [*fixed, *study.compared.thresholds]))
    room = static - weighted.least_cost
    return (static - cost(weighted.outcomes)) / room if room > 1e-6 * max(1.0, abs(static)) else None


def points(study: Study) -> dict[str, Any]:  # Any: a JSON document
    """Return the sliders' stops and the points, for the page's script."""
    return {
        "steps": STEPS,
        "dials": [
            {"field": dial.weight.field, "stops": dial.stops, "own": dial.own}
            for dial in study.dials
        ],
        "axes": [axis.key for axis in (*UP, *ACROSS)],
        "points": [
            {
                "stops": weighted.weighting.stops,
                # More digits than are shown: rounded twice, a figure was another than the same one beside it.
                "at": [float(f"{axis.of(weighted.outcomes):.8g}") for axis in (*UP, *ACROSS)],
                "score": None if (found := score(study, weighted)) is None else round(found, 4),
                "shares": {target: round(100 * share.value, 1) for target, share in weighted.outcomes.shares.items()},
            }
            for weighted in study.weighted
        ],
    }  # fmt: skip


def table(study: Study) -> Html:
    """Return all points as rows."""
    names = [dial.weight.field for dial in study.dials]
    rows = [
        tag("tr", [tag("td", plain(getattr(weighted.weighting.worth, name))) for name in names],
            _cells(weighted.outcomes, score(study, weighted)))
        for weighted in study.weighted
    ]  # fmt: skip
    heads = [*names, *(f"{axis.title}, {axis.unit.removesuffix(' per request')}" for axis in _AXES), "Score"]
    return tag(
        "table",
        tag("caption", "All combinations of weights"),
        tag("thead", tag("tr", [tag("th", name, scope="col") for name in heads])),
        tag("tbody", rows),
    )
