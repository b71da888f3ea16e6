"""Decision records in a file: all of them, bounded, without a payload, and never at the cost of an answer."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent.telemetry.record_log import RecordLog
from router.choosing.engine import decide
from router.rules.compile import built_in_policy
from router.telling.record import from_json, to_json
from router.types import Reading
from tests.builders.scenes import Scene, X
from tests.router.situations import situation

DECISION = decide(built_in_policy(), situation())


def _records(path: Path) -> list[str]:
    return [from_json(line).decision.situation.request.id for line in path.read_text("utf-8").splitlines()]


@pytest.mark.wide
def test_every_request_is_written_with_what_came_of_it_and_nothing_of_its_inputs(scene: Scene) -> None:
    path = scene.folder / "records.jsonl"
    registry = CollectorRegistry()
    secret = {"x": np.full((1, 4), 0.123456, np.float32)}
    with scene.agent("only_on_device", records=path, registry=registry) as watched:
        ids = [watched.infer("tiny", secret).receipt.request_id for _ in range(5)]
    assert _records(path) == ids
    assert "0.123456" not in path.read_text("utf-8")
    record = from_json(path.read_text("utf-8").splitlines()[0])
    assert record.outcome is not None
    assert record.taken_s is not None and 0 < record.taken_s < 60
    assert record.began_utc is not None and abs(record.began_utc - time.time()) < 600
    assert record.expense is not None
    assert record.expense.joules > 0
    assert (record.expense.usd, record.expense.sent_bytes, record.expense.received_bytes) == (0.0, 0, 0)


@pytest.mark.wide
def test_what_a_call_took_is_written_as_its_receipt_has_it(scene: Scene) -> None:
    path = scene.folder / "records.jsonl"
    with scene.agent("only_in_cloud", rules="targets.cloud.usd_per_request = 0.25\n", records=path) as watched:
        result = watched.infer("tiny", X, privacy="public")
    receipt = result.receipt
    for line in (path.read_text("utf-8").strip(), result.to_json()):
        expense = from_json(line).expense
        assert expense is not None
        assert (expense.usd, expense.sent_bytes) == (0.25, receipt.sent_bytes)
        assert expense.received_bytes == sum(sent.received_bytes for sent in receipt.sent) > 0
        assert expense.joules == receipt.energy_j > 0


@pytest.mark.wide
def test_without_being_asked_for_nothing_is_written(scene: Scene) -> None:
    with scene.agent("only_on_device") as watched:
        watched.infer("tiny", X)
    assert [path.name for path in scene.folder.iterdir()] == ["policy.toml"]


def test_the_older_half_is_kept_and_what_is_older_still_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    written: Counter[str] = Counter()
    sizes = []
    for _ in range(6):
        log = RecordLog(path, 40_000, lambda outcome, n: written.update({outcome: n}))
        for _ in range(5):
            log.add(DECISION, None)
        log.close()
        sizes.append(path.stat().st_size)
    older = path.with_name("records.jsonl.1")
    assert older.stat().st_size <= 20_000 and max(sizes) <= 20_000
    assert len(_records(path)) + len(_records(older)) < written["written"] == 30


class _HeldOpen(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """A file as it is on Windows while another program has it open: it can be written to, and not moved."""

    def replace(self, target: object) -> Path:
        raise PermissionError(13, f"The process cannot access the file: {target}")


def test_the_older_half_is_kept_also_where_a_file_that_is_watched_cannot_be_moved(tmp_path: Path) -> None:
    """For as long as somebody watched, nothing more was written on Windows once the file was half full."""
    path = tmp_path / "records.jsonl"
    written: Counter[str] = Counter()
    for _ in range(6):
        log = RecordLog(_HeldOpen(path), 40_000, lambda outcome, n: written.update({outcome: n}))
        for _ in range(5):
            log.add(DECISION, None)
        log.close()
        assert path.stat().st_size <= 20_000
    older = path.with_name("records.jsonl.1")
    assert written == {"written": 30}
    assert 0 < older.stat().st_size <= 20_000
    assert older.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    assert 0 < len(_records(path)) + len(_records(older)) < 30


def test_what_cannot_be_written_is_counted_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost: Counter[str] = Counter()
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        log = RecordLog(tmp_path / "missing" / "records.jsonl", 1 << 20, lambda outcome, n: lost.update({outcome: n}))
        for _ in range(3):
            log.add(DECISION, None)
        log.close()
    assert lost == {"dropped": 3}
    assert len(caplog.records) == 1


@pytest.mark.wide
def test_more_than_the_queue_holds_is_dropped_and_counted(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    log = RecordLog(tmp_path / "records.jsonl", 1 << 30, lambda outcome, n: lost.update({outcome: n}))
    log.close()  # nobody writes any more
    for _ in range(10_003):
        log.add(DECISION, None)
    log._write()
    assert lost["dropped"] == 3


def test_a_batch_that_is_larger_than_the_file_may_be_is_written_in_parts(tmp_path: Path) -> None:
    """A burst was appended whole, and a file of a megabyte became one of fifty."""
    path = tmp_path / "records.jsonl"
    line_bytes = len(to_json(DECISION, began_utc=1.5, taken_s=0.0)) + 20
    log = RecordLog(path, 2 * 3 * line_bytes, lambda outcome, n: None)
    log.close()
    for _ in range(20):
        log.add(DECISION, None)
    log._write()
    files = [path, path.with_name("records.jsonl.1")]
    assert [len(_records(file)) for file in files] == [2, 3]
    assert all(file.stat().st_size <= 3 * line_bytes for file in files)


def test_a_line_that_a_crash_has_torn_costs_no_other(tmp_path: Path) -> None:
    """The next line was appended to it, and two were lost."""
    path = tmp_path / "records.jsonl"
    path.write_bytes(to_json(DECISION).encode() + b'\n{"record": 2, "decis')
    log = RecordLog(path, 1 << 20, lambda outcome, n: None)
    log.add(DECISION, None)
    log.close()
    first, torn, last = path.read_text("utf-8").splitlines()
    assert torn == '{"record": 2, "decis'
    assert from_json(first).decision == from_json(last).decision == DECISION


def test_a_record_that_no_json_can_hold_costs_itself_alone(tmp_path: Path) -> None:
    """It ended the thread that writes, and with it all records to come."""
    strange = replace(DECISION, situation=replace(DECISION.situation, readings={"x": Reading("x", object(), "", 0.0)}))  # type: ignore[arg-type]
    path, told = tmp_path / "records.jsonl", Counter[str]()
    log = RecordLog(path, 1 << 20, lambda outcome, n: told.update({outcome: n}))
    log.add(strange, None)
    log.add(DECISION, None)
    log.close()
    assert told == {"written": 1, "dropped": 1}
    assert len(_records(path)) == 1


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    log = RecordLog(path, 1 << 20, lambda outcome, n: None)
    log.add(DECISION, None)
    log.close()
    assert path.stat().st_mode & 0o077 == 0


def test_of_labels_that_are_not_recorded_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    log = RecordLog(path, 1 << 20, lambda outcome, n: None, labels=["public"])
    for label in ("public", "secret", None):
        log.add(decide(built_in_policy(), situation(label=label)), None)
    log.close()
    [line] = path.read_text("utf-8").splitlines()
    assert from_json(line).decision.situation.request.label == "public"


def test_it_can_be_closed_twice(tmp_path: Path) -> None:
    log = RecordLog(tmp_path / "records.jsonl", 1 << 20, lambda outcome, n: None)
    log.close()
    log.close()
