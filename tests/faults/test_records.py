"""Group F of the faults, for decision records: what cannot be read is counted and named, and costs nothing else.

What a disk that is full does to a log is in test_agent_records.py; what cannot have been, in
tests/router/offpolicy/test_replaying.py."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from router.choosing.engine import decide
from router.cli import main
from router.cli.record_lines import RecordLines
from router.errors import RecordError
from router.offpolicy.replaying import Replay
from router.telling.record import MAX_RECORD_BYTES, to_json
from tests.docs.desk import python_environment
from tests.router.offpolicy.logs import EXPLORING, log_of
from tests.router.situations import HEAD, policy_of, situation

WHOLE = to_json(decide(policy_of(), situation(label="public")))


def _line(number: int) -> str:
    return WHOLE.replace('"r-1"', f'"r-{number}"')


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + 'mode = "only_on_device"\n', encoding="utf-8")
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


def _replayed(records: Path, policy: Path) -> dict[str, Any]:
    out = records.with_name("out.json")
    assert main(["replay", str(records), "--policy", str(policy), "--json", str(out)]) == 0
    told: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return told


def _changed(**changes: object) -> str:
    return json.dumps(json.loads(WHOLE) | changes)


def _changed_for(number: int, **changes: object) -> str:
    return json.dumps(json.loads(_line(number)) | changes)


def _with(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


BAD: dict[str, tuple[bytes, str]] = {
    "nothing of it": (b"{}", "decision: Field required"),
    "no JSON": (b"hello", "version 3: Invalid JSON"),
    "torn in the middle": (WHOLE[: len(WHOLE) // 2].encode(), "Invalid JSON"),
    "deep": (b"[" * 200_000, "Invalid JSON"),
    "deep within": (_with('"detail":', '"detail":' + "[" * 5000).encode() if '"detail":' in WHOLE else b"[[", "JSON"),
    "NaN": (_with('"now":100.0', '"now":NaN').encode(), "finite number"),
    "infinity": (_with('"now":100.0', '"now":Infinity').encode(), "finite number"),
    "a number beyond floats": (_with('"now":100.0', '"now":1e999').encode(), "finite number"),
    "a number of 5000 digits": (_with('"upload_bytes":1000', '"upload_bytes":' + "9" * 5000).encode(), ""),
    "more bytes than there are": (_with('"upload_bytes":1000', '"upload_bytes":1' + "0" * 300).encode(), "a size"),
    "a key twice": (_with('"label":"public"', '"label":"secret","label":"public"').encode(), "stands there twice"),
    "a key of mine": (_changed(**{"mine\x1b[31m": 1}).encode(), "Extra inputs"),
    "no UTF-8": (b"\xff\xfe" + WHOLE.encode(), "not UTF-8"),
    "a surrogate": (_with('"m"', '"\\ud800"').encode(), ""),
    "zeros": (b"\0" * 1000, "Invalid JSON"),
    "a later version": (_changed(record=7).encode(), "a decision record of version 7; versions 1 to 3 are read here"),
    "too long": (b"x" * (3 * MAX_RECORD_BYTES), "longer than a record can be"),
    "too long, and a record": (b" " * (2 * MAX_RECORD_BYTES) + WHOLE.encode(), "longer than a record can be"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "said"), BAD.values(), ids=BAD)
@pytest.mark.wide
def test_a_bad_line_is_counted_and_named_and_the_others_are_read(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str], bad: bytes, said: str
) -> None:
    records.write_bytes(b"\n".join([_line(11).encode(), bad, _line(12).encode(), b""]))
    told = _replayed(records, policy)
    assert (told["records"]["read"], told["records"]["lines"]) == (2, 3)
    [problem] = told["records"]["bad"]
    assert said in problem["problem"]
    assert len(problem["problem"]) <= 300
    assert (problem["count"], problem["first"]) == (1, f"{records}:2")
    shown = capsys.readouterr().out
    assert "1 of 3 lines are left out:" in shown
    assert "\x1b" not in shown


def test_where_no_line_may_be_bad_the_first_one_ends_it(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.write_text(f"{_line(1)}\n{{}}\n{_line(2)}\n", encoding="utf-8")
    assert main(["replay", str(records), "--policy", str(policy), "--strict"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"nearfar-policy: {records}:2: not a decision record")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}\n[]\n", b"\x1f\x8b\x08"], ids=["empty", "blank", "bad", "gzip"])
def test_where_nothing_is_left_it_says_so(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    records.write_bytes(content)
    assert main(["replay", str(records), "--policy", str(policy)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_file_that_ends_within_a_line_is_told_as_torn(policy: Path, records: Path) -> None:
    records.write_text(f"{_line(1)}\n{_line(2)[:500]}", encoding="utf-8")
    told = _replayed(records, policy)["records"]
    assert (told["read"], told["bad"][0]["problem"]) == (1, "torn: the file ends within this line")


def test_a_byte_order_mark_costs_no_record(policy: Path, records: Path) -> None:
    """Of a log that an editor had saved the first record was lost."""
    records.write_bytes(b"\xef\xbb\xbf" + f"{_line(1)}\r\n{_line(2)}\r\n".encode())
    told = _replayed(records, policy)["records"]
    assert (told["read"], told["bad"]) == (2, [])


def test_a_last_line_without_an_end_is_a_line(policy: Path, records: Path) -> None:
    records.write_text(f"{_line(1)}\n{_line(2)}", encoding="utf-8")
    assert _replayed(records, policy)["records"]["read"] == 2


@pytest.mark.wide
@pytest.mark.parametrize("damage", ["torn", "flipped"])
def test_a_packed_file_that_is_damaged_is_read_as_far_as_it_goes(policy: Path, records: Path, damage: str) -> None:
    content = bytearray(gzip.compress("\n".join(map(_line, range(2000))).encode()))
    if damage == "torn":
        del content[len(content) * 2 // 3 :]
    else:
        content[len(content) * 2 // 3] ^= 0xFF
    records.write_bytes(content)
    told = _replayed(records, policy)["records"]
    assert 100 < told["read"] < 2000
    assert any("packed file" in bad["problem"] for bad in told["bad"])


def test_records_of_several_versions_are_read_and_counted(policy: Path, records: Path) -> None:
    first = (
        (Path(__file__).parents[1] / "router" / "telling" / "records" / "version_1.jsonl")
        .read_text(encoding="utf-8")
        .strip()
    )
    second = json.loads(_line(2)) | {"record": 2}
    for name in ("began_utc", "taken_s", "expense", "shadow"):
        del second[name]
    later = _changed(record=9)
    records.write_text("\n".join([first, json.dumps(second), later, later, _line(3)]), encoding="utf-8")
    told = _replayed(records, policy)["records"]
    assert told["versions"] == {"1": 1, "2": 1, "3": 1}
    assert told["bad"] == [
        {
            "problem": "a decision record of version 9; versions 1 to 3 are read here",
            "count": 2,
            "first": f"{records}:3",
        }
    ]


@pytest.mark.wide
def test_lines_in_another_order_are_read_all_the_same_and_told(policy: Path, records: Path) -> None:
    lines = [record.model_dump_json(by_alias=True) for record in log_of(EXPLORING, 200, 1)]
    records.write_text("\n".join(lines), encoding="utf-8")
    sorted_ = _replayed(records, policy)
    random.Random(1).shuffle(lines)
    records.write_text("\n".join(lines), encoding="utf-8")
    shuffled = _replayed(records, policy)
    assert sorted_["records"]["clock_goes_back"] == 0
    assert shuffled["records"]["clock_goes_back"] > 50
    changes = [
        {each["because"]: each["count"] for each in told["policies"][0]["changes"]} for told in (sorted_, shuffled)
    ]
    assert changes[0] == changes[1]


def test_requests_that_took_long_are_no_clock_that_goes_back(policy: Path, records: Path) -> None:
    """An agent writes a request when it ends; one of three seconds beside quick ones was taken for a clock put back."""
    began = [(100.0, 0.1), (101.0, 0.1), (103.9, 0.1), (101.2, 3.0), (104.0, 0.3)]
    by_end = [_changed_for(number, began_utc=at, taken_s=took) for number, (at, took) in enumerate(began)]
    by_begin = [line for _, line in sorted(zip(began, by_end, strict=True))]
    for lines in (by_end, by_begin):
        records.write_text("\n".join(lines), encoding="utf-8")
        told = _replayed(records, policy)["records"]
        assert (told["read"], told["clock_goes_back"]) == (5, 0)
    records.write_text("\n".join(reversed(by_end)), encoding="utf-8")
    assert _replayed(records, policy)["records"]["clock_goes_back"] == 1


def test_a_log_that_newer_records_follow_has_two_clocks_and_neither_goes_back(policy: Path, records: Path) -> None:
    older = [_line(number) for number in (1, 2)]  # in seconds since the machine was started
    newer = [_changed_for(number, began_utc=50.0 + number, taken_s=0.1) for number in (3, 4)]
    records.write_text("\n".join([*older, *newer]), encoding="utf-8")
    told = _replayed(records, policy)["records"]
    assert (told["read"], told["clock_goes_back"]) == (4, 0)
    assert told["longest_silence_s"] == pytest.approx(1.0)


@pytest.mark.wide
def test_a_log_with_gaps_is_read_like_any_other_and_the_longest_is_told(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = [*log_of(EXPLORING, 100, 1)]
    later = [record.model_copy(update={"began_utc": (record.began_utc or 0.0) + 5000}) for record in log[50:]]
    lines = [record.model_dump_json(by_alias=True) for record in log[:50] + later]
    records.write_text("\n".join(lines), encoding="utf-8")
    told = _replayed(records, policy)["records"]
    assert (told["read"], told["bad"], told["clock_goes_back"]) == (100, [], 0)
    assert told["longest_silence_s"] == pytest.approx(5001)
    assert told["longest_silence_before"] == f"{records}:51"
    assert (
        f"no request in 1.4 h before {records}:51: none came, or their records are missing" in capsys.readouterr().out
    )


def test_of_kinds_of_bad_lines_only_so_many_are_told(policy: Path, records: Path) -> None:
    bad = [_changed(**{f"mine-{number}": 1}) for number in range(300)]
    records.write_text("\n".join([_line(1), *bad]), encoding="utf-8")
    told = _replayed(records, policy)["records"]["bad"]
    assert len(told) == 21
    assert sum(each["count"] for each in told) == 300


_MEASURED = """
import resource, sys
from router.cli import main
code = main(["replay", sys.argv[1], "--policy", sys.argv[2]])
print("peak_kb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="no such measure of memory there")
def test_a_file_of_any_size_takes_the_memory_of_a_line(policy: Path, records: Path) -> None:
    """A line of 100 MB, zeros that are not even stored, and some records: nothing of it is kept."""

    def peak_kb() -> int:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, str(records), str(policy)],
            env=python_environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout.rsplit("peak_kb", 1)[1])

    few = "".join(f"{_line(number)}\n" for number in range(20))
    records.write_text(few, encoding="utf-8")
    small_kb = peak_kb()
    with records.open("ab") as file:
        file.write(b"\n")
        file.truncate(file.tell() + (100 << 20))  # a hole: one line of zeros
        file.seek(0, os.SEEK_END)
        file.write(f"\n{_line(99)}\n".encode())
    assert peak_kb() < small_kb + 20_000
    packed = records.with_name("bomb.jsonl.gz")
    with gzip.open(packed, "wb") as bomb:
        bomb.write(few.encode())
        for _ in range(200):
            bomb.write(b" " * (1 << 20))
    packed.replace(records)
    assert peak_kb() < small_kb + 20_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0


def test_a_line_that_never_ends_is_given_up(
    policy: Path, records: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device that gives zeros for ever, in the place of a file, was read for ever."""
    monkeypatch.setattr("router.cli.lines._ENDLESS_BYTES", 4 << 20)
    records.write_bytes(f"{_line(1)}\n".encode() + b"0" * (8 << 20) + f"\n{_line(2)}\n".encode())
    told = _replayed(records, policy)["records"]
    assert (told["read"], told["lines"]) == (1, 2)
    assert told["bad"] == [
        {
            "problem": "a line without an end in 4 MiB; the rest is not read",
            "count": 1,
            "first": f"{records}:2",
        }
    ]
    assert "a line without an end" in capsys.readouterr().out
    records.write_bytes(f"{_line(1)}\n".encode() + b"0" * (3 << 20) + f"\n{_line(2)}\n".encode())
    assert _replayed(records, policy)["records"]["read"] == 2


@pytest.mark.wide
def test_whatever_is_done_to_a_record_it_is_read_or_refused(records: Path) -> None:
    """Values that a record can hold by its form, and that nobody ever wrote."""
    chance = random.Random(7)
    whole = json.loads(next(log_of(EXPLORING, 1, 1)).model_dump_json(by_alias=True))
    strange = [0, -1, 1e15, -1e15, 1e300, 10**400, 0.5, None, "", "device", "cloud", "x" * 500, [], {}, True, "fog", 2]

    def mutated(value: Any) -> Any:  # Any: JSON
        if chance.random() < 0.02:
            return chance.choice(strange)
        if isinstance(value, dict):
            return {key: mutated(inner) for key, inner in value.items()}
        if isinstance(value, list):
            found = [mutated(inner) for inner in value]
            return found * chance.choice([0, 2, 3]) if chance.random() < 0.02 else found
        return value

    lines = []
    for number in range(3000):
        line = mutated(whole)
        if isinstance(line, dict) and isinstance(line.get("decision"), dict):
            request = line["decision"].get("situation")
            if isinstance(request, dict) and isinstance(request.get("request"), dict):
                request["request"]["id"] = f"r-{number}"
        lines.append(json.dumps(line))
    records.write_text("\n".join(lines), encoding="utf-8")
    for text in ("", "[exploration]\nshare = 0.2\n[escalation]\nbelow = 'best'\n", 'mode = "prefer_in_cloud"\n'):
        replay = Replay(policy_of(text))
        found = RecordLines([records])
        for place, record in found:
            try:
                replay.add(record, place)
            except RecordError as error:
                found.refuse(place, str(error), record)
        assert found.lines.count == 3000
        assert found.lines.bad.total() + found.repeated + replay.changes.records == 3000
        assert found.versions.total() == replay.changes.records
        assert replay.changes.records > 100
