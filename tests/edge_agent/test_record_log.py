"""Decision records in a file: all of them, bounded, without a payload, and never at the cost of an answer."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent.record_log import RecordLog
from router.compile import built_in_policy
from router.engine import decide
from router.record import from_json
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
    assert from_json(path.read_text("utf-8").splitlines()[0]).outcome is not None


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


def test_what_cannot_be_written_is_counted_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost: Counter[str] = Counter()
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        log = RecordLog(tmp_path / "missing" / "records.jsonl", 1 << 20, lambda outcome, n: lost.update({outcome: n}))
        for _ in range(3):
            log.add(DECISION, None)
        log.close()
    assert lost == {"dropped": 3}
    assert len(caplog.records) == 1


def test_more_than_the_queue_holds_is_dropped_and_counted(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    log = RecordLog(tmp_path / "records.jsonl", 1 << 30, lambda outcome, n: lost.update({outcome: n}))
    log.close()  # nobody writes any more
    for _ in range(10_003):
        log.add(DECISION, None)
    log._write()
    assert lost["dropped"] == 3


def test_it_can_be_closed_twice(tmp_path: Path) -> None:
    log = RecordLog(tmp_path / "records.jsonl", 1 << 20, lambda outcome, n: None)
    log.close()
    log.close()
