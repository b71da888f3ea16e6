"""The report: everything told is on the page, nothing foreign becomes markup, and every picture stays in its frame."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.publish.report import (
    CandidateRow,
    HindsightBar,
    PromiseRow,
    ReliabilityPoint,
    ReportFacts,
    RiskPoint,
    write_report,
)
from cloud_service.publish.report.chart import Axis, Chart, bars, steps

FACTS = ReportFacts(
    model="digits",
    version=3,
    made_utc="2026-01-02T03:04:05Z",
    labelled=True,
    particulars=(("device digest", "sha256:" + "ab" * 32), ("calibrated on", "2000")),
    promises=(
        PromiseRow(0.01, 0.1, -0.0123, 0.672, 0.0049, 0.031),
        PromiseRow(0.05, 0.1, None, 0.0, 0.0, 0.01),
    ),
    candidates=(
        CandidateRow(
            "fp32", "as it was given", 9.25, 9.9, 9 << 20, 40 << 20, (1.0, 0.99, 1.0), (0.8, 0.77, 0.83), True
        ),
        CandidateRow(
            "int8-per-channel",
            "weights and activations",
            4.5,
            5.0,
            3 << 20,
            20 << 20,
            (0.97, 0.95, 0.99),
            None,
            True,
            True,
        ),
        CandidateRow("fp16", "half precision", skipped="this processor has no kernel for it"),
    ),
    reliability=(ReliabilityPoint(0.4, 0.5, 0.3, 0.7, 31), ReliabilityPoint(0.9, 0.93, 0.9, 0.95, 400)),
    risk=(RiskPoint(0.0, 0.0), RiskPoint(0.5, -0.002), RiskPoint(1.0, 0.08)),
    hindsight=(HindsightBar("gain table", 0.328), HindsightBar("hindsight", 0.07)),
    not_covered=("inputs unlike those calibrated on",),
)
HOSTILE = '<script>alert("x")</script>&amp;'


class _Outline(HTMLParser):
    """Tags as they open and close, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_figure_that_was_given_stands_on_the_page() -> None:
    words = " ".join(_Outline(write_report(FACTS).decode()).words)
    for told in ("digits, release 3", "2026-01-02T03:04:05Z", "-0.0123", "67.2 %", "0.49 %", "3.1 %", "none", "9.25"):
        assert told in words
    for told in ("int8-per-channel (chosen)", "95 to 99", "no kernel for it", "inputs unlike those", "32.8 %", "2000"):
        assert told in words


def test_the_page_is_well_formed_and_asks_nothing_of_a_network_or_a_script() -> None:
    page = write_report(FACTS).decode()
    outline = _Outline(page)
    assert outline.open == []
    assert "script" not in outline.tags
    assert not re.search(r"""(?:src|href)=|url\(|@import|https?:""", page)


def test_text_from_outside_never_becomes_markup() -> None:
    facts = replace(
        FACTS,
        model=HOSTILE,
        particulars=((HOSTILE, HOSTILE),),
        not_covered=(HOSTILE,),
        candidates=(CandidateRow(HOSTILE, HOSTILE, 1.0, 1.0, 1, 1, (0.5, 0.4, 0.6), None, True, True),),
        hindsight=(HindsightBar(HOSTILE, 0.5),),
    )
    outline = _Outline(write_report(facts).decode())
    assert "script" not in outline.tags
    assert HOSTILE in outline.words


def test_labels_decide_the_words_of_the_promise() -> None:
    assert b"at most 1 % of accuracy" in write_report(FACTS)
    assert b"at most 1 % of agreement with the full model" in write_report(replace(FACTS, labelled=False))


def test_without_a_certificate_the_page_promises_nothing() -> None:
    bare = replace(FACTS, promises=(), reliability=(), risk=(), hindsight=(), candidates=())
    page = write_report(bare).decode()
    assert "there is no certificate" in page
    assert _Outline(page).open == []


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 23, [0, 5, 10, 15, 20]),
        (-0.02, 0.08, [-0.02, 0, 0.02, 0.04, 0.06, 0.08]),
    ],
)
def test_an_axis_has_round_steps(low: float, high: float, wanted: list[float]) -> None:
    assert steps(low, high) == pytest.approx(wanted)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_steps_lie_within_the_axis_and_are_few(low: float, width: float) -> None:
    found = steps(low, low + width)
    assert 1 <= len(found) <= 12
    slack = width * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= value <= low + width + slack for value in found)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=1, max_size=5))
def test_nothing_is_drawn_outside_the_frame(points: list[tuple[float, float]]) -> None:
    chart = Chart("t", Axis("x", 0, 1), Axis("y", 0, 1))
    chart.line(points, "curve")
    for x, y in points:
        chart.point(x, y, "seen", "")
    drawn = [float(n) for n in re.findall(r'c[xy]="([-\d.]+)"', chart.svg())]
    drawn += [float(n) for pair in re.findall(r'points="([^"]*)"', chart.svg()) for n in re.split("[ ,]", pair)]
    assert all(0 <= value <= 560 for value in drawn)


def test_a_bar_longer_than_all_is_cut_at_all() -> None:
    whole, beyond = (re.findall(r'width="([\d.]+)"', bars("t", [("a", share)])) for share in (1.0, 7.0))
    assert whole == beyond


def test_names_of_neighbours_do_not_stand_on_each_other() -> None:
    """Three candidates of nearly one latency had their names written over each other."""
    chart = Chart("t", Axis("x", 0, 1), Axis("y", 0, 1))
    for x, name in ((0.3, "int8, MinMax"), (0.31, "int8, Entropy"), (0.32, "int8, Percentile"), (0.9, "far away")):
        chart.point(x, 0.5, "front", "", name)
    lines = {
        name: float(y) for y, name in re.findall(r'<text class="name"[^>]* y="([\d.]+)"[^>]*>([^<]*)<', chart.svg())
    }
    near = sorted(lines[name] for name in lines if name.startswith("int8"))
    assert near[1] - near[0] >= 12 and near[2] - near[1] >= 12
    assert lines["far away"] == near[0]
