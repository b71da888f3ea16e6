from __future__ import annotations

import io
import re
from collections.abc import Mapping

import pytest

from edge_agent.demo.outcomes import PhaseSummary
from edge_agent.demo.report import LiveTable, PlainLines, Report, choose_report

GOOD = PhaseSummary("good network", 500, 498, 350, 148, 0.984, 0.21, 123.4, 2, 77_068)
NOTHING = PhaseSummary("cloud gone", 0, 0, 0, 0, None, None, None, 0, 0)
SHOWN = ["good network", "500", "70%", "30%", "0%", "98.4%", "0.21", "123", "2", "77,068"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fields(line: str) -> list[str]:
    return re.split(r"\s+(?=[\d-])", line.strip())


def test_a_plain_line_is_written_when_a_phase_ends_under_one_heading() -> None:
    stream = io.StringIO()
    with PlainLines(stream) as report:
        report.progress(GOOD)
        report.finished(GOOD)
        report.finished(NOTHING)
    heading, first, second = stream.getvalue().splitlines()
    assert heading.split()[:2] == ["phase", "asked"]
    assert fields(first) == SHOWN
    assert fields(second)[0] == "cloud gone"


def test_plain_lines_are_aligned_and_fit_a_terminal() -> None:
    stream = io.StringIO()
    report = PlainLines(stream)
    report.finished(GOOD)
    report.finished(NOTHING)
    assert {len(line) for line in stream.getvalue().splitlines()} == {78}


def test_plain_lines_hold_no_control_characters() -> None:
    stream = io.StringIO()
    with PlainLines(stream) as report:
        report.say("battery and load are scripted")
        report.finished(GOOD)
    assert stream.getvalue().replace("\n", "").isprintable()


def test_the_live_table_shows_the_running_phase_as_its_last_row() -> None:
    stream = Terminal()
    with LiveTable(stream) as report:
        report.finished(NOTHING)
        report.progress(GOOD)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).rstrip().splitlines()[-1]
    assert fields(last) == SHOWN


def test_what_is_said_on_a_terminal_is_not_taken_for_markup() -> None:
    stream = Terminal()
    with LiveTable(stream) as report:
        report.say("[red]rules[0][/red]")
    assert "[red]rules[0][/red]" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "kind"),
    [
        pytest.param(Terminal(), {"TERM": "xterm"}, LiveTable, id="a-terminal"),
        pytest.param(Terminal(), {"NO_COLOR": ""}, LiveTable, id="an-empty-NO_COLOR-asks-nothing"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, PlainLines, id="NO_COLOR"),
        pytest.param(Terminal(), {"TERM": "dumb"}, PlainLines, id="a-dumb-terminal"),
        pytest.param(io.StringIO(), {}, PlainLines, id="no-terminal"),
    ],
)
def test_a_table_is_drawn_only_where_it_can_be(
    stream: io.StringIO, environment: Mapping[str, str], kind: type[Report]
) -> None:
    assert type(choose_report(stream, environment)) is kind
