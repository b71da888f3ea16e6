"""Recorded traces: what is read of them, and the line at which nonsense begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.simulate.chance import Chance
from router.simulate.traces.examples import read_examples
from router.simulate.traces.lines import MAX_EXAMPLES, MAX_LINES_IN_ALL, MAX_PACKETS, MAX_ROWS, Lines, TraceFault
from router.simulate.traces.mahimahi import read_packets
from router.simulate.traces.table import Columns, read_curve, read_table, read_times

NAMED = Columns("Timestamp", "usage", "ms")


def _lines(text: str | bytes) -> list[bytes]:
    return (text.encode() if isinstance(text, str) else text).splitlines(keepends=True)


# -- packet traces -----------------------------------------------------------------------------------------------------


def test_a_packet_trace_is_its_moments() -> None:
    assert read_packets(_lines("0\n7\n7\n\n20")).carry(0.0, 4500, 0.0)[0] == 0.007


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no packet"),
        ("0\n0\n", "ends at 0 ms"),
        ("5\n3\n", "line 2: goes back from 5 ms to 3 ms"),
        ("130\n139\n14", "line 3: goes back from 139 ms to 14 ms"),
        ("1\n2.5\n", "line 2: not a whole number"),
        ("1\n-2\n", "line 2: not a whole number"),
        ("1\n1_000\n", "line 2: not a whole number"),
        ("1\n٣\n", "line 2: not a whole number"),
        ("1\n0x10\n", "line 2: not a whole number"),
        ("1\n2 3\n", "line 2: not a whole number"),
        ("1\n" + "9" * 5000, "line 2: longer than 4096 bytes"),
        ("1\n9999999999\n", "line 2: beyond 4294967295 ms"),
        ("1\n99999999999\n", "line 2: not a whole number"),
        (b"1\n\xff\xfe\n", "line 2: not UTF-8"),
        (b"\x00\n", "line 1: not a whole number"),
    ],
)
def test_a_packet_trace_with_a_fault_is_refused_at_its_line(text: str | bytes, said: str) -> None:
    with pytest.raises(TraceFault) as raised:
        read_packets(_lines(text))
    assert str(raised.value).startswith(said)


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "0 1.5\n1 2\n2 0\n",
        "0,1.5\n1,2\n2,0\n",
        "second;mbps\n10;1.5\n11;2\n12;0\n",
        "\ufeff0\t1.5\n1\t2\n2\t0",
        "0, 1.5 \n\n1, 2\n2, 0\n",
    ],
)
def test_a_table_of_two_columns_is_read_however_it_is_parted(text: str) -> None:
    points, period_s = read_table(_lines(text), Columns())
    assert points == [(0.0, 1.5), (1.0, 2.0), (2.0, 0.0)]
    assert period_s == 3.0


@pytest.mark.parametrize("table", ["0,1.5\n1,2\n", "0 1.5\n", "0;1\n", "time_s,mbps\n0,1\n"])
def test_a_table_in_the_place_of_a_trace_of_packets_is_told_as_one(table: str) -> None:
    with pytest.raises(TraceFault, match=r"line 1: not a whole number.*several columns are a table.*say table = "):
        read_packets(_lines(table))
    with pytest.raises(TraceFault, match=r"such as 1042$"):
        read_packets(_lines("1.5\n"))


def test_a_trace_of_packets_in_the_place_of_a_table_is_told_as_one() -> None:
    with pytest.raises(TraceFault, match=r"no column 1.*may be a trace of mahimahi: say mahimahi = "):
        read_table(_lines("0\n7\n7\n"), Columns())
    with pytest.raises(TraceFault, match=r"from 0 to 0$"):
        read_table(_lines("0.5\n7\n"), Columns())


def test_columns_are_found_by_their_names() -> None:
    text = 'Timestamp,level,"usage"\n1593961659589,92,100\n1593961666299,92,50\n1593961671300,92,18\n'
    points, period_s = read_table(_lines(text), NAMED)
    assert points == [(0.0, 100.0), (pytest.approx(6.71), 50.0), (pytest.approx(11.711), 18.0)]
    assert period_s == pytest.approx(11.711 + 5.001)


def test_samples_of_one_moment_count_by_their_mean() -> None:
    """Recorded second tables hold a second twice, by rounding; they were refused."""
    assert read_table(_lines("0 1\n1 4\n1 8\n1 9\n2 3\n"), Columns())[0] == [(0.0, 1.0), (1.0, 7.0), (2.0, 3.0)]


def test_flags_and_codes_become_numbers() -> None:
    flags = read_table(_lines("0,true\n1,False\n"), Columns())[0]
    codes = read_table(_lines("0,2\n1,3\n2,5\n"), Columns(counts=(2.0, 5.0)))[0]
    assert [value for _, value in flags] == [1.0, 0.0]
    assert [value for _, value in codes] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("text", ["0,1\n1e-320,2\n", "".join(f"{n / 5000},1\n" for n in range(50))])
def test_a_table_that_begins_again_at_once_is_refused(text: str) -> None:
    """A day has more of its steps than anybody waits for: a simulation of it did not end."""
    with pytest.raises(TraceFault, match=r"moments lie within \S+ s; are its times in another unit\?"):
        read_table(_lines(text), Columns())


def test_a_table_of_milliseconds_is_read() -> None:
    assert read_table(_lines("0,1\n0.001,2\n"), Columns())[1] == 0.002
    told = "".join(f"{n / 1000},1\n" for n in range(3000))
    assert read_table(_lines(told), Columns())[1] == pytest.approx(3)


@pytest.mark.parametrize("text", ["0\r1\r2\r", "0,1\r1,2\r"])
def test_rows_that_no_line_end_parts_are_no_columns(text: str) -> None:
    """All arrivals of a file from an old system were taken for columns of the first one, without a word."""
    for read in (lambda given: read_times(given, 0, "s"), lambda given: read_table(given, Columns()), read_packets):
        with pytest.raises(TraceFault, match="line 1: its lines end in a carriage return alone"):
            read([text.encode()])
    assert read_times([b"0\r\n", b"1\r\n"], 0, "s") == [0.0, 1.0]


def test_a_comma_in_quotes_parts_nothing() -> None:
    """A note with a comma moved all columns behind it by one, and "2,5" was 2, without a word."""
    text = 't,"a note, of mine",mbps\n0,"up, and down",1\n1,"",3\n'
    for column in ("mbps", 2):
        assert read_table(_lines(text), Columns("t", column))[0] == [(0.0, 1.0), (1.0, 3.0)]
    with pytest.raises(TraceFault, match="line 2: its value is no finite number"):
        read_table(_lines('t,mbps\n0,"2,5"\n1,3\n'), Columns("t", "mbps"))
    assert read_table(_lines('"0";"1"\n "1" ; "2" \n'), Columns())[0] == [(0.0, 1.0), (1.0, 2.0)]
    drawn = read_examples(_lines('"why, not",score,device\n"a, b",0.5,1\n'), ("device",)).draw(Chance(1, "a"))
    assert drawn.right["device"]


def test_a_gap_is_refused_or_shortened() -> None:
    text = "".join(f"{at},1\n" for at in (0, 1, 2, 500, 501))
    with pytest.raises(TraceFault, match="line 4: nothing is told of the 498 s before it, where rows are 1 s apart"):
        read_table(_lines(text), Columns())
    points, period_s = read_table(_lines(text), Columns(shorten_gaps_to_s=10.0))
    assert [at for at, _ in points] == [0.0, 1.0, 2.0, 12.0, 13.0]
    assert period_s == 14.0


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("", Columns(), "fewer than two moments"),
        ("0,1\n", Columns(), "fewer than two moments"),
        ("0,1\n0,2\n", Columns(), "fewer than two moments"),
        ("0,1\n1\n", Columns(), "line 2: has 1 columns, too few; is the trace cut off here?"),
        ("0,1\n1,\n", Columns(), "line 2: its value is no finite number"),
        ("0,1\n1,nan\n", Columns(), "line 2: its value is no finite number"),
        ("0,1\n1,1e999\n", Columns(), "line 2: its value is no finite number"),
        ("0,1\n1,1_0\n", Columns(), "line 2: its value is no finite number"),
        ("0,1\nx,1\n", Columns(), "line 2: its time is neither a number"),
        ("0,1\ninf,1\n", Columns(), "line 2: its time is neither a number"),
        ("0,1\n1e12,1\n", Columns(), "line 2: its time is neither a number"),
        ("1,1\n0,1\n", Columns(), "line 2: comes earlier"),
        ("0,1\n1,2\n", Columns(column=5), "line 1: there is no column 5: columns are counted from 0 to 1"),
        ("Timestamp,usge\n0,1\n", NAMED, 'line 1: there is no column "usage"; did you mean "usge"?'),
        ("0,1\n" + "1," * 5000, Columns(), "line 2: longer than 4096 bytes"),
        ("0,1\n0,1\n1,5\n", Columns(scale=10, least=0, most=20), "line 3: 50 is not from 0 to 20; clip = true"),
    ],
)
def test_a_table_with_a_fault_is_refused_at_its_line(text: str, columns: Columns, said: str) -> None:
    with pytest.raises(TraceFault) as raised:
        read_table(_lines(text), columns)
    assert str(raised.value).startswith(said)


def test_no_fault_repeats_what_stands_in_the_line() -> None:
    with pytest.raises(TraceFault) as raised:
        read_table(_lines("0,1\n1,hunter2\n"), Columns())
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ["idle,wake,n\n0,0,9\n10,0.1,9\n10,0.3,9\n60,0.9,9\n", "0 0\n10 0.2\n60 0.9\n"])
def test_a_curve_s_samples_of_one_silence_count_by_their_mean(text: str) -> None:
    assert read_curve(_lines(text), 0, 1, "s") == [(0.0, 0.0), (10.0, pytest.approx(0.2)), (60.0, 0.9)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no row"),
        ("0,0\n10,-1\n", "line 2: both are numbers from 0 on"),
        ("0,0\n10,inf\n", "line 2: both are numbers from 0 on"),
        ("0,0\n10\n", "line 2: has 1 columns, too few"),
        ("5,0\n4,1\n", "line 2: comes before the row above it"),
    ],
)
def test_a_curve_with_a_fault_is_refused_at_its_line(text: str, said: str) -> None:
    with pytest.raises(TraceFault) as raised:
        read_curve(_lines(text), 0, 1, "s")
    assert str(raised.value).startswith(said)


# -- arrivals ----------------------------------------------------------------------------------------------------------


def test_arrivals_are_seconds_from_the_first_by_dates_too() -> None:
    text = "TIMESTAMP,Tokens\n2023-11-16 18:15:46.6805900,374\n2023-11-16 18:15:50.9951690,396\n2023-11-17T00:00:00,1\n"
    assert read_times(_lines(text), 0, "s") == pytest.approx([0.0, 4.314579, 20653.31941])


def test_several_may_come_at_once_but_none_earlier() -> None:
    assert read_times(_lines("5\n5\n6\n"), 0, "s") == [0.0, 0.0, 1.0]
    with pytest.raises(TraceFault, match="line 2: comes earlier"):
        read_times(_lines("5\n4\n"), 0, "s")
    with pytest.raises(TraceFault, match="holds no row"):
        read_times([], 0, "s")


@pytest.mark.parametrize(
    "text", ["2023-13-01 00:00:00", "2023-11-16", "2023-11-16 24:00:00", "18:15:46", "2023-11-16 18:15:46 CET"]
)
def test_what_is_no_date_is_no_time(text: str) -> None:
    with pytest.raises(TraceFault, match="line 2: its time is neither"):
        read_times(_lines(f"2023-11-16 00:00:00\n{text}\n"), 0, "s")


@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2090, 1, 1)), st.integers(-720, 720))
def test_dates_are_as_far_apart_as_the_calendar_has_them(date: datetime, zone_min: int) -> None:
    sign, minutes = "-" if zone_min < 0 else "+", abs(zone_min)
    told = f"{date.isoformat(sep=' ', timespec='microseconds')}{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    first = datetime(1950, 1, 1, tzinfo=UTC)
    expected = datetime.fromisoformat(told).timestamp() - first.timestamp()
    if expected >= 0:
        assert read_times(_lines(f"1950-01-01 00:00:00\n{told}\n"), 0, "s")[1] == pytest.approx(expected, abs=1e-3)


# -- too much of it ----------------------------------------------------------------------------------------------------

READERS: dict[str, Callable[[Lines], object]] = {
    "MAX_PACKETS": read_packets,
    "MAX_ROWS": lambda given: read_table(given, Columns()),
    "MAX_EXAMPLES": lambda given: read_examples(given, ("device",)),
}


@pytest.mark.parametrize(
    ("module", "limit", "line"),
    [
        ("mahimahi", "MAX_PACKETS", b"1\n"),
        ("table", "MAX_ROWS", b"1,1\n"),
        ("examples", "MAX_EXAMPLES", b"0.5,1\n"),
    ],
)
def test_an_endless_trace_is_given_up(module: str, limit: str, line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of 100 MB was read to its end, in fifteen seconds and a gigabyte, before something said that it was too
    long: packets, rows and examples had one bound, which only packets are small enough for."""
    monkeypatch.setattr(f"router.simulate.traces.{module}.{limit}", 1000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"score,device\n" if taken == 1 and module == "examples" else line

    with pytest.raises(TraceFault, match=r"line 1001: more than 1,000 lines.*cut it, or thin it out"):
        READERS[limit](endless())
    assert taken == 1001


def test_a_table_may_have_fewer_rows_than_a_trace_may_have_packets() -> None:
    assert MAX_EXAMPLES < MAX_ROWS < MAX_PACKETS < MAX_LINES_IN_ALL


# -- columns of one name -----------------------------------------------------------------------------------------------


def test_of_two_columns_of_one_name_none_is_taken() -> None:
    """The first was, without a word."""
    twice = "t,mbps,mbps\n0,1,2\n1,3,4\n"
    with pytest.raises(TraceFault, match='line 1: 2 columns, counted from 0 1, 2, are called "mbps"; say which by'):
        read_table(_lines(twice), Columns("t", "mbps"))
    with pytest.raises(TraceFault, match='are called "t"'):
        read_times(_lines("t,t\n0,1\n"), "t", "s")
    with pytest.raises(TraceFault, match='are called "device"; rename all but one'):
        read_examples(_lines("score,device,device\n0.5,1,1\n"), ("device",))


def test_columns_of_one_name_that_nobody_asks_for_are_passed_over() -> None:
    assert read_table(_lines("t,mbps,x,x\n0,1,8,9\n1,3,8,9\n"), Columns("t", "mbps"))[0] == [(0.0, 1.0), (1.0, 3.0)]
    assert read_table(_lines("t,mbps,mbps\n0,1,2\n1,3,4\n"), Columns("t", 2))[0] == [(0.0, 2.0), (1.0, 4.0)]


# -- examples ----------------------------------------------------------------------------------------------------------


def test_examples_say_who_was_right() -> None:
    drawn = read_examples(_lines("cloud,score,device,more\n1,0.5,0,x\n"), ("device", "cloud")).draw(Chance(1, "a"))
    assert (drawn.score, dict(drawn.right)) == (0.5, {"device": False, "cloud": True})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no example"),
        ("score,device\n0.5,1\n", 'line 1: there is no column "cloud"'),
        ("score,device,cloud\n0.5,1\n", "line 2: has 2 columns, too few"),
        ("score,device,cloud\n1.5,1,1\n", "line 2: its score is no number from 0 to 1"),
        ("score,device,cloud\nnan,1,1\n", "line 2: its score is no number from 0 to 1"),
        ("score,device,cloud\n0.5,1,2\n", "line 2: whether cloud was right is told by 1 or 0"),
    ],
)
def test_examples_with_a_fault_are_refused_at_their_line(text: str, said: str) -> None:
    with pytest.raises(TraceFault) as raised:
        read_examples(_lines(text), ("device", "cloud"))
    assert str(raised.value).startswith(said)


# -- anything at all ---------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_is_read_is_numbers_or_a_fault(lines: list[bytes]) -> None:
    readers = (
        read_packets,
        lambda given: read_table(given, Columns()),
        lambda given: read_table(given, Columns("a", 1, "ms", 3.0)),
        lambda given: read_times(given, 0, "s"),
        lambda given: read_examples(given, ("device",)),
    )
    for read in readers:
        # Anything else that was raised would not be a line's fault but the reader's.
        with suppress(TraceFault):
            read(lines)
