"""How far long work is: a bar on a terminal, and elsewhere a line now and then."""

from __future__ import annotations

import io
import threading

import pytest

from router.cli.progress import Progress
from tests.builders.waiting import eventually


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Closed(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_progress_is_drawn_on_a_terminal_and_taken_away_again() -> None:
    stream = _Terminal()
    with Progress(stream, 2, platform="linux") as progress:
        progress.step("one")
        progress.step("two")
    drawn = stream.getvalue()
    assert "0 of 2: one" in drawn and "1 of 2: two" in drawn
    assert drawn.endswith("\r\x1b[K")


def test_on_a_console_that_obeys_no_word_it_is_drawn_over_with_blanks() -> None:
    """A console of Windows showed the words that were to clear the line, once a step."""
    stream = _Terminal()
    with Progress(stream, 2, platform="win32") as progress:
        progress.step("a long name")
        progress.step("b")
    _, _, long, blank, short, blank_again, left = stream.getvalue().split("\r")
    assert (long[-11:], short[-1:], left) == ("a long name", "b", "")
    assert (blank, blank_again) == (" " * len(long), " " * len(short))


def test_without_a_terminal_nothing_is_told_of_what_takes_no_time() -> None:
    stream = io.StringIO()
    with Progress(stream, 1) as progress:
        progress.step("one")
    assert stream.getvalue() == ""


def test_without_a_terminal_lines_tell_how_far_it_is_and_how_long_it_will_take() -> None:
    """Nothing was told there: whoever waited for minutes did not know whether it went on."""
    stream, clock = io.StringIO(), _Clock()
    progress = Progress(stream, 10, clock=clock)
    progress.step("one")
    progress.tell()
    clock.now_s = 30.0
    progress.step("two")
    progress.tell()
    progress.step("three")
    clock.now_s = 40.0
    progress.tell()
    progress.reach(10, "all")
    progress.tell()
    assert stream.getvalue().splitlines() == [
        "0 of 10: one",
        "1 of 10: two; about 4 min left",
        "2 of 10: three; about 3 min left",
        "10 of 10: all; about 0 s left",
    ]


def test_they_come_while_one_step_takes_long() -> None:
    stream = io.StringIO()
    with Progress(stream, 3, every_s=0.001) as progress:
        progress.step("one")
        eventually(lambda: stream.getvalue().count("0 of 3: one\n") >= 2)
    told = stream.getvalue()
    assert set(told.splitlines()) <= {"0 of 3: one", "0 of 3: "}
    assert "nearfar-progress" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.filterwarnings("error")
def test_where_nobody_reads_any_more_the_work_goes_on() -> None:
    with Progress(_Closed(), 3, every_s=0.001) as progress:
        progress.step("one")
        eventually(lambda: "nearfar-progress" not in {thread.name for thread in threading.enumerate()})
