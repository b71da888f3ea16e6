"""The report of a release as one HTML page: self-contained, readable offline, on a telephone and on paper.

Pictures stand beside the tables that hold their numbers. No script; every text that came from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from cloud_service.publish.report.chart import Axis, Chart, bars
from cloud_service.publish.report.facts import CandidateRow, PromiseRow, ReportFacts

__all__ = ["write_report"]

_STYLE: Final = files(__package__).joinpath("page.css").read_text("utf-8")

_MEBIBYTE = 1 << 20


def write_report(facts: ReportFacts) -> bytes:
    """Return the page as UTF-8."""
    right = "right" if facts.labelled else "in agreement with the full model"
    title = f"{facts.model}, release {facts.version}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="faint">Made {escape(facts.made_utc)}.</p>',
        "<h2>What is promised</h2>",
        _promises(facts.promises, facts.labelled),
        "<h2>What is not covered</h2>",
        "<ul>",
        *(f"<li>{escape(text)}</li>" for text in facts.not_covered),
        "</ul>",
        '<h2>Pictures</h2><div class="pictures">',
        _figure(_risk(facts), "Loss over all requests against the share kept on the device, on the evaluation set."),
        _figure(
            _reliability(facts, right), f"Confidence of the device and the share of its answers that were {right}."
        ),
        _figure(_trade(facts.candidates), "Candidates for the device. Those that no other beats in both are blue."),
        _figure(
            bars("Escalated share by method", [(bar.name, bar.escalated) for bar in facts.hindsight]),
            "What goes to the cloud at the strictest promise, beside what hindsight with every answer would need.",
        ),
        "</div>",
        "<h2>Candidates</h2>",
        _candidates(facts.candidates),
        "<h2>Particulars</h2><dl>",
        *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.particulars),
        "</dl></body></html>",
    ]
    return "\n".join(part for part in parts if part).encode()


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>" if picture else ""


def _promises(promises: Sequence[PromiseRow], labelled: bool) -> str:
    if not promises:
        return "<p>Nothing: there is no certificate, so no answer of the device is called certified.</p>"
    of_what = "accuracy" if labelled else "agreement with the full model, and so at most that much accuracy"
    strictest = promises[0]
    words = (
        f"Keeping answers on the device costs at most {_percent(strictest.alpha)} of {of_what} over all requests; "
        f"in at least {_percent(1 - strictest.delta)} of calibrations this statement is true."
    )
    rows = [
        (
            _percent(promise.alpha),
            _percent(1 - promise.delta),
            "none" if promise.threshold is None else f"{promise.threshold:.4g}",
            _percent(promise.kept),
            _percent(promise.loss),
            _percent(promise.disagreement_bound),
        )
        for promise in promises
    ]
    head = (
        "loss at most",
        "confidence",
        "threshold",
        "kept on device",
        "loss in evaluation",
        "kept disagreement at most",
    )
    return f"<p>{escape(words)}</p>" + _table(head, rows)


def _risk(facts: ReportFacts) -> str:
    if not facts.risk:
        return ""
    highest = max(*(point.loss for point in facts.risk), *(row.alpha for row in facts.promises), 0.01)
    lowest = min(0.0, *(point.loss for point in facts.risk))
    kept, loss = Axis("kept on the device", 0, 1, share=True), Axis("loss", lowest, highest * 1.1, share=True)
    chart = Chart("Loss against share kept", kept, loss)
    chart.line([(point.kept, point.loss) for point in facts.risk], "curve")
    for row in facts.promises:
        chart.line([(0, row.alpha), (1, row.alpha)], "ideal")
        hint = f"promise of {_percent(row.alpha)}: keeps {_percent(row.kept)}, lost {_percent(row.loss)}"
        chart.point(row.kept, row.loss, "promise", hint, _percent(row.alpha))
    return chart.svg()


def _reliability(facts: ReportFacts, right: str) -> str:
    if not facts.reliability:
        return ""
    chart = Chart(
        "Reliability of the device's confidence",
        Axis("confidence", 0, 1),
        Axis(f"share {right}", 0, 1, share=True),
    )
    chart.line([(0, 0), (1, 1)], "ideal")
    for point in facts.reliability:
        chart.span(point.confidence, point.low, point.high, "interval")
        hint = f"confidence {point.confidence:.2f}: {_percent(point.right)} of {point.count}"
        chart.point(point.confidence, point.right, "seen", hint)
    return chart.svg()


def _trade(candidates: Sequence[CandidateRow]) -> str:
    placed = [
        (row, row.latency_ms, row.agreement)
        for row in candidates
        if row.latency_ms is not None and row.agreement is not None
    ]
    if not placed:
        return ""
    slowest = max(latency_ms for _, latency_ms, _ in placed)
    worst = min(agreement[1] for _, _, agreement in placed)
    chart = Chart(
        "Latency and agreement of the candidates",
        Axis("latency, ms (median)", 0, slowest * 1.1),
        Axis("agreement with the full model", min(worst, 0.99), 1, share=True),
    )
    for row, latency_ms, agreement in placed:
        kind = "chosen" if row.chosen else "front" if row.on_front else "behind"
        hint = f"{row.name}: {latency_ms:.3g} ms, {_percent(agreement[0])}, {_mebibytes(row.size_bytes)} MiB"
        chart.span(latency_ms, agreement[1], agreement[2], "interval")
        chart.point(latency_ms, agreement[0], kind, hint, row.name if row.chosen or row.on_front else "")
    return chart.svg()


def _candidates(candidates: Sequence[CandidateRow]) -> str:
    head = ("candidate", "p50 ms", "p95 ms", "file MiB", "memory MiB", "agreement", "accuracy", "")
    rows = []
    for row in candidates:
        name = f"{row.name} (chosen)" if row.chosen else row.name
        figures = (
            _number(row.latency_ms),
            _number(row.latency_p95_ms),
            _mebibytes(row.size_bytes),
            _mebibytes(row.memory_bytes),
            _interval(row.agreement),
            _interval(row.accuracy),
        )
        rows.append((name, *figures, row.skipped or row.how))
    chosen = next((index for index, row in enumerate(candidates) if row.chosen), None)
    return _table(head, rows, marked=chosen, text_last=True)


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, marked: int | None = None, text_last: bool = False
) -> str:
    lines = ['<div class="wide"><table><thead><tr>', *(f"<th>{escape(name)}</th>" for name in head), "</tr></thead>"]
    for index, row in enumerate(rows):
        lines.append('<tr class="chosen">' if index == marked else "<tr>")
        for place, cell in enumerate(row):
            kind = ' class="text"' if text_last and place == len(row) - 1 else ""
            lines.append(f"<td{kind}>{escape(cell)}</td>")
        lines.append("</tr>")
    return "".join([*lines, "</table></div>"])


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _mebibytes(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"{size_bytes / _MEBIBYTE:.3g}"


def _interval(value: tuple[float, float, float] | None) -> str:
    return "" if value is None else f"{_percent(value[0])} ({value[1] * 100:.3g} to {value[2] * 100:.3g})"
