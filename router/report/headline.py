"""The headline: what each policy and simple rule came to, with intervals, the bound, and the one sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from router.report.markup import Html, joined, tag, told
from router.report.scale import Scale, linear
from router.report.study import Study
from router.report.words import percent, plain, signed
from router.simulate.intervals import Figure
from router.simulate.outcomes import Outcomes

__all__ = ["headline", "verdicts"]

Writer = Callable[[float], str]


def _share(number: float) -> str:
    return f"{100 * number:.1f}"


def _ms(seconds: float) -> str:
    return plain(1000 * seconds)


_COLUMNS: Final[tuple[tuple[str, str, Callable[[Outcomes], Figure], Writer], ...]] = (
    ("Accuracy loss", "%", lambda of: of.accuracy_loss, _share),
    ("Late", "%", lambda of: of.missed, _share),
    ("No answer", "%", lambda of: of.failed, _share),
    ("Half within", "ms", lambda of: of.p50_s, _ms),
    ("95 % within", "ms", lambda of: of.p95_s, _ms),
    ("99 % within", "ms", lambda of: of.p99_s, _ms),
    ("Energy", "J", lambda of: of.joules, plain),
    ("Money", "$ / 1,000", lambda of: of.usd, lambda usd: plain(1000 * usd)),
    ("Data", "kB", lambda of: of.size_bytes, lambda size: plain(size / 1000)),
)


def verdicts(study: Study) -> Html:
    """Return what there is to say of each policy in a sentence."""
    return joined(tag("p", _verdict(study, number), class_="verdict") for number in range(len(study.profiles)))


def _verdict(study: Study, number: int) -> Html:
    judged, static = study.compared.policies[number], study.compared.static
    outcomes, score = judged.outcomes, judged.score
    cost, other = outcomes.cost, static.cost
    interval = (
        f"95 % interval: {cost.low:.4f} to {cost.high:.4f}"
        if outcomes.has_intervals
        else "too few requests to tell an interval"
    )
    parts: list[str] = [
        tag("strong", outcomes.policy),
        f" costs {cost.value:.4f} per request ({interval}). ",
    ]
    if score is None:
        parts.append("The best simple rule leaves nothing to gain here. ")
    elif score >= 0:
        parts.append(
            f"That is {percent(score)} of the way from the best fixed choice in hindsight, {called(static.policy)}"
            f" with {other.value:.4f}, to the bound, {study.compared.least_cost:.4f}. "
        )
    else:
        parts.append(
            f"That is more than the best fixed choice in hindsight, {called(static.policy)} with {other.value:.4f};"
            f" the bound is {study.compared.least_cost:.4f}. "
        )
    if outcomes.broken is not None:
        parts.append("Its promise was broken." if outcomes.broken else "Its promise was kept.")
    return joined(parts)


def headline(study: Study) -> Html:
    """Return the table."""
    compared = study.compared
    targets = list(compared.policies[0].outcomes.shares)
    best = compared.best_threshold
    simple = [(outcomes, outcomes.policy) for outcomes in compared.baselines]
    if best is not None:
        simple.append((best, f"best threshold, {best.policy.removeprefix('cascade-')}"))
    every = [*(judged.outcomes for judged in compared.policies), *(outcomes for outcomes, _ in simple)]
    scale = linear([compared.least_cost, *(end for of in every for end in (of.cost.low, of.cost.high))], ticks=3)
    lines = {"bound": compared.least_cost, "static": compared.static.cost.value}
    heads = ["", "Cost", "Score", "Promise"]
    names = [*heads, *(f"{name}, {unit}" for name, unit, _, _ in _COLUMNS), *(f"by {t}, %" for t in targets)]
    rows = [
        _row(judged.outcomes, judged.outcomes.policy, targets, scale, lines, signed(judged.score),
             "policy")
        for judged in compared.policies
    ]  # fmt: skip
    others = [_row(outcomes, name, targets, scale, lines, "", "simple") for outcomes, name in simple]
    bound = tag(
        "tr",
        tag("th", "the bound", scope="row"),
        tag("td", tag("span", f"{compared.least_cost:.4f}", class_="number"), _strip(None, scale, lines),
            class_="cost"),
        tag("td", "1.00"),
        tag("td", colspan=len(names) - 3),
        class_="limit",
    )  # fmt: skip
    table = tag(
        "table",
        tag(
            "thead",
            tag(
                "tr",
                [tag("th", name, scope="col", class_="text" if name == "Cost" else None) for name in names],
            ),
        ),
        tag("tbody", rows, class_="policies"),
        tag("tbody", others),
        tag("tbody", bound),
        aria_label="Policies and simple rules",
    )
    return joined([
        tag("p", "Figures are per request, with half of their 95 % intervals below.", class_="quiet"),
        tag("div", table, class_="wide-table", tabindex=0, role="region", aria_label="Policies and simple rules"),
    ])  # fmt: skip


def called(rule: str) -> str:
    """Return a fixed choice's name in words."""
    return f"a threshold of {rule.removeprefix('cascade-')}" if rule.startswith("cascade-") else rule


def _row(
    of: Outcomes, name: str, targets: Sequence[str], scale: Scale, lines: dict[str, float], score: str, kind: str
) -> Html:
    cells = [
        tag("td", tag("span", f"{of.cost.value:.4f}", class_="number"), _strip(of.cost, scale, lines), class_="cost"),
        tag("td", score),
        tag("td", _promise(of)),
        *(_cell(figure(of), write) for _, _, figure, write in _COLUMNS),
        *(_cell(of.shares[target], _share) for target in targets),
    ]
    return tag("tr", tag("th", name, scope="row"), cells, class_=kind)


def _cell(figure: Figure, write: Writer) -> Html:
    # Sums of equal amounts differ in their last digits, and that is no spread.
    spreads = figure.half > 1e-6 * abs(figure.value)
    return tag("td", write(figure.value), tag("small", f"±{_rough(figure.half, write)}") if spreads else "")


def _rough(half: float, write: Writer) -> str:
    """Write how far an interval reaches, of which the second digit says nothing."""
    return write(float(f"{half:.1g}")) if write is not _share else write(half)


def _promise(of: Outcomes) -> Html:
    if of.promised_loss is None or of.max_loss is None:
        return joined([])
    word = "broken" if of.broken else "kept"
    return joined([word, tag("small", f"{_share(of.promised_loss.value)} of {_share(of.max_loss)} %")])


def _strip(cost: Figure | None, scale: Scale, lines: dict[str, float]) -> Html:
    """Return a cost as a point on its interval; the lines of the bound and of the best fixed choice run through all
    rows."""
    drawn = [
        tag("line", x1=_pc(scale.at(at)), x2=_pc(scale.at(at)), y1="0%", y2="100%", class_=name)
        for name, at in lines.items()
    ]
    if cost is not None:
        drawn.append(
            tag("line", x1=_pc(scale.at(cost.low)), x2=_pc(scale.at(cost.high)), y1="50%", y2="50%", class_="interval")
        )
        drawn.append(tag("circle", cx=_pc(scale.at(cost.value)), cy="50%", r=4.5))
    return tag("svg", drawn, class_="strip", aria_hidden="true")


def _pc(share: float) -> str:
    return f"{told(100 * share)}%"
