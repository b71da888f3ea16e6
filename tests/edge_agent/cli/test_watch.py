"""`watch` shows what the file of records holds, and goes on with what is added to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from edge_agent.cli.watch import follow
from router.choosing.engine import decide
from router.rules.compile import built_in_policy
from router.running.attempt import Ending, Outcome
from router.telling.record import to_json
from router.telling.shadow import beside
from tests.edge_agent.cli.conftest import Desk, Run
from tests.router.situations import policy_of, situation

LINE = to_json(decide(built_in_policy(), situation())) + "\n"


class _Steps:
    """Does the next thing whenever there is nothing to show, and stops after the last."""

    def __init__(self, *steps: object) -> None:
        self._steps = iter(steps)

    def __call__(self) -> None:
        step = next(self._steps, None)
        if step is None:
            raise StopWatching
        assert callable(step)
        step()


class StopWatching(Exception):
    pass


def _followed(path: Path, last: int, *steps: object) -> list[bytes]:
    seen: list[bytes] = []
    with pytest.raises(StopWatching):
        seen.extend(follow(path, last=last, wait=_Steps(*steps)))
    return seen


def _append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def test_the_last_lines_come_first_and_then_what_is_added(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(b"1\n2\n3\n")
    assert _followed(path, 2, lambda: _append(path, b"4\n")) == [b"2\n", b"3\n", b"4\n"]


def test_a_line_is_shown_once_it_has_its_end(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(b"1\n2")
    assert _followed(path, 5, lambda: _append(path, b"2"), lambda: _append(path, b"2\n")) == [b"1\n", b"222\n"]


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "records"
    assert _followed(path, 5, lambda: path.write_bytes(b"1\n"), lambda: None) == [b"1\n"]


def test_nothing_is_lost_where_a_new_file_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(b"1\n")

    def replaced() -> None:
        _append(path, b"2\n")
        path.replace(tmp_path / "records.1")
        path.write_bytes(b"3\n")

    assert _followed(path, 5, replaced, lambda: _append(path, b"4\n"), lambda: None) == [b"1\n", b"2\n", b"3\n", b"4\n"]


def test_a_file_that_begins_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(b"11111\n")
    assert _followed(path, 0, lambda: path.write_bytes(b"2\n"), lambda: None) == [b"2\n"]


@pytest.mark.wide
def test_each_decision_is_a_line_or_its_whole_story(run: Run, desk: Desk) -> None:
    config = desk.config()
    document = config.read_text("utf-8")
    config.write_text('records = "records.jsonl"\n' + document, "utf-8")
    (config.parent / "records.jsonl").write_text("not a record\n" + LINE, "utf-8")
    ran = run("watch", "--config", config, "--once")
    assert ran.code == 0
    told, line = ran.out.splitlines()
    assert told.startswith("(not a decision record")
    assert "refused: every target is closed" in line
    whole = run("watch", "--config", config, "--once", "--whole", "--last", "1").out
    assert whole.startswith("Request ") and "Plan: " in whole


@pytest.mark.wide
def test_a_line_has_the_time_of_day_how_long_it_took_and_what_a_shadow_would_have_done(run: Run, desk: Desk) -> None:
    """One saw no time in them, and could not hold them against another log."""
    policy, other = policy_of('mode = "only_on_device"'), policy_of('mode = "only_in_cloud"')
    acted = decide(policy, situation())
    outcome = Outcome(Ending.ANSWERED, "device", ())
    noon = datetime(2026, 3, 1, 12, 0, 5, 250_000).astimezone().timestamp()
    lines = [
        to_json(acted, outcome, began_utc=noon, taken_s=0.0123, shadow=choice)
        for choice in (beside(other, decide(other, situation()), acted, outcome), None)
    ]
    lines += [to_json(acted, outcome), to_json(acted, outcome, began_utc=1e300)]
    config = desk.config()
    config.write_text('records = "records.jsonl"\n' + config.read_text("utf-8"), "utf-8")
    (config.parent / "records.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    shadowed, alone, older, odd = run("watch", "--config", config, "--once").out.splitlines()
    assert shadowed.startswith("12:00:05.250   12.3 ms  r-1  m ")
    assert shadowed.endswith("; shadow: cloud (mode)")
    assert alone.startswith("12:00:05.250   12.3 ms  ") and "shadow" not in alone
    assert older.split()[:3] == ["-", "-", "r-1"]
    assert odd.split()[:3] == ["?", "-", "r-1"]
    whole = run("watch", "--config", config, "--once", "--whole", "--last", "4").out
    assert "Shadow: policy test version 1: cloud; they part at mode." in whole


@pytest.mark.wide
def test_an_agent_that_writes_no_records_has_nothing_to_watch(run: Run, desk: Desk) -> None:
    ran = run("watch", "--config", desk.config(), "--once")
    assert ran.code == 2
    assert "records: not set" in ran.err


@pytest.mark.wide
def test_where_there_are_none_yet_it_says_so(run: Run, desk: Desk) -> None:
    config = desk.config()
    config.write_text('records = "records.jsonl"\n' + config.read_text("utf-8"), "utf-8")
    ran = run("watch", "--config", config, "--once")
    assert (ran.code, "there are no records yet" in ran.err) == (1, True)


@pytest.mark.wide
def test_what_is_no_file_is_told_in_one_line(run: Run, desk: Desk) -> None:
    config = desk.config()
    config.write_text('records = "."\n' + config.read_text("utf-8"), "utf-8")
    ran = run("watch", "--config", config, "--once")
    assert ran.code == 2
    assert "records: " in ran.err and "cannot be read: Is a directory" in ran.err
