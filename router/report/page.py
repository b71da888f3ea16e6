"""The report: one HTML page that needs nothing but itself. Pure: a study in, one string out.

    page(study, dress) -> str

Nothing in it is fetched, and its Content-Security-Policy forbids that anything be: the style and the one script are
named by their digests, so that no other runs, whatever a name in a scenario or a policy says. Without the script
everything can be read; it adds the sliders, the cursor over time and looking closer. Equal studies give equal bytes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

from router.report.axes import ACROSS, UP, Axis
from router.report.day import day, numbers
from router.report.day import table as day_table
from router.report.front import charts
from router.report.headline import headline, verdicts
from router.report.markup import Html, as_json, joined, raw, tag
from router.report.rules import rules
from router.report.study import Study
from router.report.tuning import points, sliders
from router.report.tuning import table as points_table
from router.report.turns import turns
from router.report.words import count, spans
from router.values import value

__all__ = ["Dress", "page"]


@value
class Dress:
    """The page's style sheet and script, which stand beside this module as files."""

    style: str
    script: str


def page(study: Study, dress: Dress) -> str:
    """Write the report."""
    style = dress.style + _choosing(study)
    scenario = study.scenario
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_security(style, dress.script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{scenario.name}: {', '.join(profile.policy.name for profile in study.profiles)}"),
        tag("style", raw(style)),
    )
    body = tag(
        "body",
        _top(study),
        tag("main", _compared(study), _front(study), _day(study), _rules(study), _turns(study), _about(study)),
        as_json("numbers", {"day": numbers(study), "tuning": points(study)}),
        tag("script", raw(dress.script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _security(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _choosing(study: Study) -> str:
    """Return the style that shows what is chosen, and hides the rest: so choosing needs no script."""
    axes = "".join(
        f".front:has(#x-{across.key}:checked):has(#y-{up.key}:checked) .x-{across.key}.y-{up.key}{{display:block}}"
        for across in ACROSS
        for up in UP
    )
    runs = "".join(
        f".day:has(#run-{number}:checked) .run-{number}{{display:block}}" for number in range(len(study.profiles))
    )
    return f"{axes}{runs}"


# -- the sections ------------------------------------------------------------------------------------------------------


def _top(study: Study) -> Html:
    scenario = study.scenario
    requests = count(study.compared.static.requests)
    links = (
        ("compared", "Compared"), ("front", "Front"), ("day", "Over time"), ("rules", "Rules"),
        ("turns", "What would change it"), ("about", "About"),
    )  # fmt: skip
    return tag(
        "header",
        tag("p", "nearfar, a policy before it ships", class_="quiet"),
        tag("h1", scenario.name),
        tag("p", scenario.about) if scenario.about else "",
        tag("p", f"{requests} requests in {spans(scenario.setting.duration_s)}, simulated with seed {study.seed}.",
            class_="quiet"),
        tag("nav", [tag("a", words, href=f"#{place}") for place, words in links], aria_label="Sections"),
    )  # fmt: skip


def _section(place: str, title: str, *inside: str | Sequence[str], class_: str | None = None) -> Html:
    return tag("section", tag("h2", title, id=f"{place}-title"), *inside, id=place, class_=class_,
               aria_labelledby=f"{place}-title")  # fmt: skip


def _compared(study: Study) -> Html:
    legend = joined([
        "Cost counts everything by what things are worth to ", tag("strong", study.profiles[0].policy.name),
        ". The score is 0 for the best of always asking the same target and of the best threshold on the device's"
        " confidence, both chosen in hindsight, and 1 for the bound, which knew the networks and arrivals beforehand,"
        " but not who is right. Accuracy loss: right answers of the best remote target that the device's did not have.",
    ])  # fmt: skip
    key = tag("p", tag("span", "the bound", class_="key line bound"), tag("span", "the best fixed choice in hindsight",
              class_="key line static"), tag("span", "a cost and its 95 % interval", class_="key dot"))  # fmt: skip
    return _section("compared", "How it compares", verdicts(study), headline(study), key,
                    tag("p", legend, class_="quiet"))  # fmt: skip


def _front(study: Study) -> Html:
    choosers = tag("div", _chooser("y", "Gained", UP), _chooser("x", "Spent", ACROSS), class_="choosers")
    key = tag(
        "p",
        tag("span", "policy, with its 95 % intervals", class_="key diamond"),
        tag("span", "simple rule", class_="key ring"),
        tag("span", "fixed thresholds on confidence", class_="key line thresholds"),
        tag("span", "the bound", class_="key line bound"),
        tag("span", "the first policy with other weights", class_="key points") if study.weighted else "",
    )
    bound = (
        "The bound is known of costs, and of wrong, late or no answers against energy, money, mean time and data; there"
        " no policy can come below its line. Of other axes it is not known, and none is drawn."
    )
    every = tag("details", tag("summary", "All combinations of weights as a table"), _wide(points_table(study)))
    return _section(
        "front",
        "What is gained, and what is spent for it",
        tag("div", tag("div", choosers, charts(study), tag("output", "", id="marked", role="status", class_="quiet")),
            tag("div", sliders(study), class_="tuning"), class_="beside"),
        key,
        tag("p", bound, class_="quiet"),
        every if study.weighted else "",
        class_="front",
    )  # fmt: skip


def _chooser(letter: str, title: str, axes: Sequence[Axis]) -> Html:
    choices = [
        joined([
            tag("input", type="radio", name=f"axis-{letter}", id=f"{letter}-{axis.key}", checked=number == 0),
            tag("label", axis.title, for_=f"{letter}-{axis.key}"),
        ])
        for number, axis in enumerate(axes)
    ]  # fmt: skip
    return tag("fieldset", tag("legend", title), choices)


def _day(study: Study) -> Html:
    choices = [
        joined([
            tag("input", type="radio", name="run", id=f"run-{number}", checked=number == 0),
            tag("label", profile.policy.name, for_=f"run-{number}"),
        ])
        for number, profile in enumerate(study.profiles)
    ]  # fmt: skip
    slices = len(study.around.offline)
    slice_s = study.scenario.setting.duration_s / slices
    buttons = (("closer", "Closer"), ("wider", "Wider"), ("earlier", "Earlier"), ("later", "Later"), ("all", "All"))
    controls = tag(
        "div",
        tag("div", [tag("button", words, type="button", id=f"look-{name}") for name, words in buttons],
            role="group", aria_label="What is shown"),
        tag("label", "Cursor ", tag("input", type="range", id="cursor", min=0, max=slices - 1, step=1, value=0)),
        tag("output", "", id="at", role="status"),
        class_="controls", hidden=True,
    )  # fmt: skip
    tables = [
        tag("details", tag("summary", f"{profile.policy.name} over time as a table"), _wide(day_table(study, profile)))
        for profile in study.profiles
    ]
    chooser = tag("fieldset", tag("legend", "Run of"), choices, hidden=len(choices) == 1)
    return _section(
        "day",
        "Over time",
        tag("p", f"In {count(slices)} slices of {spans(slice_s)}. Drag over the drawing to look closer; the cursor"
            " tells what was.", class_="quiet"),
        chooser, controls, tag("div", day(study), class_="runs"), tables,
        class_="day",
    )  # fmt: skip


def _wide(table: Html) -> Html:
    return tag("div", table, class_="wide-table", tabindex=0, role="region", aria_label="Table")


def _rules(study: Study) -> Html:
    told = [
        joined([tag("h3", profile.policy.name) if len(study.profiles) > 1 else "", rules(profile)])
        for profile in study.profiles
    ]
    note = (
        "Whether a rule changed the choice was found by deciding again without it, in a few of the situations in which"
        " it held. A rule may also speak of who may answer at all; then it matters where that target fails."
    )
    some = any(profile.covered for profile in study.profiles)
    return _section("rules", "Rules", told, tag("p", note, class_="quiet") if some else "")


def _turns(study: Study) -> Html:
    first, *others = study.profiles
    note = (
        f"Of {first.policy.name}. For each kind of decision a few were made again with one thing changed at a time, and"
        " the nearest value that changes them is told; two numbers are the least and the most among them."
    )
    more = [
        tag("details", tag("summary", f"Of {other.policy.name}"), turns(other, run))
        for run, other in enumerate(others, start=1)
    ]
    return _section("turns", "What would change which decision", tag("p", note, class_="quiet"), turns(first, 0), more)


def _about(study: Study) -> Html:
    scenario = study.scenario
    facts: list[tuple[str, str]] = [
        ("Scenario", f"{scenario.name}, sha256:{scenario.digest}"),
        *(("Policy", f"{p.policy.name}, version {p.policy.version}, {p.policy.digest}") for p in study.profiles),
        ("Seed", str(study.seed)),
        ("Other weights", f"{count(len(study.weighted))} points" if study.weighted else "none computed"),
        *((name, where) for name, where in sorted(scenario.cited.items())),
    ]
    told = tag("dl", [joined([tag("dt", name), tag("dd", what)]) for name, what in facts])
    note = (
        "The world is a model: a server is a queue, a processor heats and cools as one body, a radio sleeps and wakes"
        " by a curve. Decisions, waiting and learning are no model: they are the agent's own code. So this tells which"
        " of two policies is better on such a day, and not what users will measure."
    )
    return _section("about", "About this report", tag("p", note), tag("details", tag("summary", "What it is made from"),
                    told))  # fmt: skip
