"""Load reports: what is told is what is read, and what a stranger tells is bounded or nothing."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.load_report import LoadReport, decode_load, encode_load, load_text
from nearfar_wire.orca_pb2 import OrcaLoadReport

REPORT = LoadReport(queue_wait_s=0.025, utilisation=0.5, limit=32, stay_local_s=1.5)


def orca(utilisation: float = 0.0, **named: float) -> bytes:
    message = OrcaLoadReport(application_utilization=utilisation)
    message.named_metrics.update(named)
    return message.SerializeToString()


@given(
    st.builds(
        LoadReport,
        queue_wait_s=st.floats(0, 3600),
        utilisation=st.floats(0, 1000),
        limit=st.integers(0, 1 << 31),
        stay_local_s=st.floats(0, 60),
    )
)
def test_a_report_is_read_as_it_was_written(report: LoadReport) -> None:
    assert decode_load(encode_load(report)) == report


def test_the_names_and_numbers_are_ORCA_s() -> None:
    """Fields 8 (a map of text to double) and 9 (a double), which is what a balancer reads."""
    content = encode_load(LoadReport(queue_wait_s=0.5, utilisation=2.0, limit=0))
    utilisation = b"\x49" + b"\x00\x00\x00\x00\x00\x00\x00\x40"
    wait = b"\x42\x17" + b"\x0a\x0cqueue_wait_s" + b"\x11\x00\x00\x00\x00\x00\x00\xe0\x3f"
    assert utilisation in content
    assert wait in content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xff", id="no message"),
        pytest.param(orca(0.5), id="a stranger's, without a queue"),
        pytest.param(orca(0.5, queue_wait_s=0.1), id="without a limit"),
        pytest.param(orca(0.5, queue_wait_s=-1, limit=4), id="a negative wait"),
        pytest.param(orca(0.5, queue_wait_s=math.nan, limit=4), id="a wait that is no number"),
        pytest.param(orca(0.5, queue_wait_s=math.inf, limit=4), id="a wait without end"),
        pytest.param(orca(math.nan, queue_wait_s=0, limit=4), id="a utilisation that is no number"),
        pytest.param(orca(0.5, queue_wait_s=0, limit=math.inf), id="a limit without end"),
        pytest.param(orca(0.5, queue_wait_s=0, limit=4, stay_local_s=-1), id="a negative hint"),
        pytest.param(orca(0.5, queue_wait_s=0, limit=4, **{"x" * 3000: 1.0}), id="too long"),
    ],
)
def test_what_cannot_be_true_is_no_report(content: bytes) -> None:
    assert decode_load(content) is None


def test_what_is_exaggerated_is_cut_to_what_is_plausible() -> None:
    content = orca(1e300, queue_wait_s=1e300, limit=1e300, stay_local_s=1e300)
    assert decode_load(content) == LoadReport(3600.0, 1000.0, 1 << 31, 60.0)


def test_what_else_a_report_tells_is_left_unread() -> None:
    message = OrcaLoadReport.FromString(encode_load(REPORT))
    message.cpu_utilization = 0.9
    message.named_metrics["kv_cache"] = 0.3
    assert decode_load(message.SerializeToString()) == REPORT


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_within_bounds_or_none(content: bytes) -> None:
    report = decode_load(content)
    assert report is None or (0 <= report.queue_wait_s <= 3600 and 0 <= report.stay_local_s <= 60)


def test_over_HTTP_it_is_text_or_JSON_as_asked() -> None:
    assert load_text(REPORT, "text") == (
        "TEXT application_utilization=0.5, "
        "named_metrics.queue_wait_s=0.025, named_metrics.limit=32, named_metrics.stay_local_s=1.5"
    )
    told = load_text(REPORT, " JSON ")
    assert told is not None and told.startswith("JSON ")
    assert json.loads(told.removeprefix("JSON ")) == {
        "application_utilization": 0.5,
        "named_metrics": {"queue_wait_s": 0.025, "limit": 32.0, "stay_local_s": 1.5},
    }
    assert load_text(REPORT, "xml") is None
