"""What was run is known again to the last digit, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import TuneError
from router.simulate.driver import run
from router.simulate.measures import MEASURES, measured
from router.tune.journal import MAX_LINE_BYTES, first_line, line_of, read
from tests.properties.effort import effort
from tests.router.simulate.runs import a_policy, a_setting

HEADER = {"policy": "sha256:1", "seed": 1, "objective": "cost", "held_out": ["the rest"]}
BLOCKS = run(a_setting(60), a_policy("[escalation]\nbelow = 0.7\n"), 1).blocks


def _lines(*more: str) -> list[bytes]:
    return [line.encode() for line in (first_line(HEADER), *more)]


def test_blocks_come_back_to_the_last_digit() -> None:
    known, whole = read(_lines(line := line_of("day", "{}", BLOCKS, times=True)), HEADER)
    assert whole == len(first_line(HEADER)) + len(line)
    for measure in MEASURES.values():
        assert measured(known["day", "{}"] or [], measure, ()) == measured(BLOCKS, measure, ())


def test_what_is_no_policy_is_known_as_such() -> None:
    known, _ = read(_lines(line_of("day", '{"a": 1}', None, times=False)), HEADER)
    assert known == {("day", '{"a": 1}'): None}


@effort
@given(st.integers(1, 4000))
def test_a_last_line_that_is_cut_off_anywhere_is_left_out(cut: int) -> None:
    kept, torn = line_of("day", "{}", BLOCKS, times=False), line_of("day", '{"a": 1}', BLOCKS, times=False)
    known, whole = read(_lines(kept, torn[: min(cut, len(torn) - 1)]), HEADER)
    assert set(known) == {("day", "{}")}
    assert whole == len(first_line(HEADER)) + len(kept)


def test_an_empty_journal_is_begun_anew() -> None:
    assert read([], HEADER) == ({}, 0)
    assert read([first_line(HEADER).encode()[:-1]], HEADER) == ({}, 0)


@pytest.mark.parametrize("name", HEADER)
def test_the_journal_of_another_search_is_refused_with_what_differs(name: str) -> None:
    other = {**HEADER, name: "other"}
    with pytest.raises(TuneError, match=f"another search: {name.replace('_', ' ')} differ"):
        read([first_line(other).encode()], HEADER)


@pytest.mark.parametrize("line", [b'{"nearfar_tune": 2}\n', b"{}\n", b'{"version": 1}\n'])
def test_what_is_no_journal_of_this_version_is_refused(line: bytes) -> None:
    with pytest.raises(TuneError, match="no journal of a search, or one of another version"):
        read([line], HEADER)


@pytest.mark.parametrize(
    "line",
    [
        "no json\n",
        "[1]\n",
        "null\n",
        '{"part": "day"}\n',
        '{"part": "day", "point": "{}", "blocks": {"requests": [1]}}\n',
        '{"part": "day", "point": "{}", "blocks": 3}\n',
        json.dumps({"part": "d", "point": "", "blocks": {"requests": [True]}}) + "\n",
        "[" * 100_000 + "\n",
        "\x00\xff\n",
    ],
)
def test_a_damaged_line_is_told_by_its_number(line: str) -> None:
    with pytest.raises(TuneError, match="line 2 is damaged; delete the file"):
        read(_lines(line, line_of("day", "{}", BLOCKS, times=False)), HEADER)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "-1e300"])
@pytest.mark.parametrize("name", ["requests", "cost", "times"])
def test_a_number_that_nothing_came_to_is_damage(name: str, number: str) -> None:
    """NaN went into the figures that decide, and a number of four hundred digits ended the search with a traceback."""
    whole = line_of("day", "{}", BLOCKS, times=True)
    document = json.loads(whole)
    assert isinstance(document["blocks"][name], list)
    document["blocks"][name][0] = [["here", 1]] if name == "times" else "here"
    with pytest.raises(TuneError, match="line 2 is damaged"):
        read(_lines(json.dumps(document).replace('"here"', number) + "\n"), HEADER)
    assert read(_lines(whole), HEADER)[0]


def test_a_line_without_end_is_damage_and_not_read_on() -> None:
    with pytest.raises(TuneError, match="line 2 is damaged"):
        read([*_lines(), b"x" * (MAX_LINE_BYTES + 1)], HEADER)
