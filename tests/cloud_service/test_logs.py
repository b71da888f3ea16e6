from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from cloud_service.calls import Calls
from cloud_service.logs import Format, Log, logging_to
from cloud_service.metrics import Metrics
from tests.builders.waiting import eventually

_LOG = logging.getLogger("cloud_service.tests")
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_HEADERS = {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-01"}


@contextmanager
def _written(form: Format = "json", level: str = "info", process: int | None = None) -> Iterator[list[str]]:
    """Log into a pipe; once the block has ended, the list holds the lines."""
    reading, writing = os.pipe()
    lines: list[str] = []
    try:
        with logging_to(writing, form=form, level=level, process=process):
            yield lines
    finally:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as written:
            lines += written.read().splitlines()


def test_a_line_is_one_json_object_with_time_level_logger_and_message() -> None:
    with _written() as lines:
        _LOG.warning("%s of %d", "one", 2, extra={"fields": {"rows": 3}})
    (line,) = (json.loads(line) for line in lines)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "warning", "logger": "cloud_service.tests", "message": "one of 2", "rows": 3}


@pytest.mark.parametrize(("form", "told"), [("json", '"process": 1'), ("text", " process=1")])
def test_one_of_several_processes_says_in_each_line_which_it_is(form: Format, told: str) -> None:
    """Their lines arrive in one stream, and "version 2 is ready" stood there twice."""
    with _written(form, process=1) as lines:
        _LOG.info("here")
    assert told in lines[0]


@pytest.mark.parametrize("form", ["json", "text"])
def test_whatever_is_logged_is_one_line(form: Format) -> None:
    with _written(form) as lines:
        _LOG.info(
            "forged\n2026-01-01 INFO root: line \x1b[31m\r\u2028 \ud800 %s", "x\ny", extra={"fields": {"m": "a\nb"}}
        )
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert "forged" in lines[0]


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_by_class_and_place_and_never_by_its_text(form: Format) -> None:
    with _written(form) as lines:
        try:
            int("canary")
        except ValueError:
            logging.getLogger("asyncio").exception("Task exception was never retrieved")
    assert "ValueError at test_logs.py:" in lines[0]
    assert "canary" not in lines[0]
    assert len(lines) == 1


def test_what_is_below_the_level_is_not_logged() -> None:
    with _written(level="warning") as lines:
        _LOG.info("chat")
        _LOG.warning("word")
    assert [json.loads(line)["message"] for line in lines] == ["word"]


def test_a_message_that_cannot_be_formatted_ends_no_log() -> None:
    with _written() as lines:
        _LOG.info("%d", "text")
        _LOG.info("after")
    assert len(lines) == 2
    assert "cannot be formatted" in lines[0]


def test_a_line_written_during_a_call_tells_the_call_s_trace() -> None:
    with _written() as lines:
        call = Calls(Metrics(CollectorRegistry())).begin("ModelInfer", lambda: _HEADERS)
        _LOG.error("incident 12 in ModelInfer")
        call.end("INTERNAL")
    assert json.loads(lines[0])["trace_id"] == _TRACE


def test_the_root_logger_is_as_it_was_after_the_block() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with _written():
        assert root.handlers[:] != before[0]
    assert (root.handlers[:], root.level) == before


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of another kind")
def test_G6_a_sink_that_is_blocked_holds_nobody_up_and_its_loss_is_counted() -> None:
    reading, writing = os.pipe()
    try:
        log = Log(writing, logging.Formatter("%(message)s" + "x" * 4096))
        for number in range(20_000):  # the pipe takes 16 of them, the queue 10,000
            log.emit(logging.makeLogRecord({"msg": str(number)}))
        assert 9_000 < log.dropped < 10_500
        log.close()  # returns within its bound, although nobody ever reads
    finally:
        os.close(reading)  # lets the writing thread go
        eventually(lambda: not any(thread.name == "log" for thread in threading.enumerate()))
        os.close(writing)


def test_G6_a_sink_that_is_closed_loses_lines_and_counts_them() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with logging_to(writing) as log:
        for _ in range(3):
            _LOG.info("to nobody")
    os.close(writing)
    assert log.dropped == 3


def test_lost_lines_are_in_the_metrics() -> None:
    registry = CollectorRegistry()
    Metrics(registry, dropped_lines=lambda: 7)
    assert registry.get_sample_value("nearfar_cloud_log_lines_dropped_total") == 7
