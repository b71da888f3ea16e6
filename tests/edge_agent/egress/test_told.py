"""What is heard of a server's words about itself, and what is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.egress.told import told_by
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, encode_load
from nearfar_wire.orca_pb2 import OrcaLoadReport
from router.running.advice import NOT_AGAIN_S, Told

PUSHBACK = "grpc-retry-pushback-ms"
_NAN = OrcaLoadReport(application_utilization=0.5, named_metrics={"queue_wait_s": math.nan, "limit": 4.0})
_LONG = LoadReport(queue_wait_s=1e300, utilisation=1.0, limit=1, stay_local_s=1e300)


def test_a_report_is_heard_with_what_else_came() -> None:
    report = encode_load(LoadReport(0.25, 0.9, 32, 4.0))
    assert told_by([("a", "b"), (LOAD_KEYS[1], report), (PUSHBACK, "1500")]) == Told(0.25, 4.0, 1.5)


@pytest.mark.parametrize(
    ("trailing", "told"),
    [
        pytest.param(None, Told(), id="none"),
        pytest.param([], Told(), id="empty"),
        pytest.param([(LOAD_KEYS[1], b"\xff" * 40)], Told(), id="garbage"),
        pytest.param([(LOAD_KEYS[1], "text")], Told(), id="text"),
        pytest.param([(LOAD_KEYS[1], _NAN.SerializeToString())], Told(), id="nan"),
        pytest.param([(LOAD_KEYS[1], b"\0" * 100_000)], Told(), id="long"),
        pytest.param([(LOAD_KEYS[1], encode_load(_LONG))], Told(3600.0, 60.0), id="clamped"),
        pytest.param([(PUSHBACK, "2000")], Told(pushback_s=2.0), id="pushback"),
        pytest.param([(PUSHBACK, b"2000")], Told(pushback_s=2.0), id="pushback in bytes"),
        pytest.param([(PUSHBACK, "0")], Told(), id="pushback of nothing"),
        pytest.param([(PUSHBACK, "-1")], Told(pushback_s=NOT_AGAIN_S), id="not again"),
        pytest.param([(PUSHBACK, "1e9")], Told(), id="no whole number"),
        pytest.param([(PUSHBACK, "nan")], Told(), id="pushback nan"),
        pytest.param([(PUSHBACK, "--1")], Told(), id="twice negative"),
        pytest.param([(PUSHBACK, "\u0662")], Told(), id="a digit of another script"),
        pytest.param([(PUSHBACK, "9" * 5000)], Told(), id="endless"),
        pytest.param([(PUSHBACK, "1"), (PUSHBACK, "2")], Told(pushback_s=0.001), id="the first counts"),
    ],
)
def test_what_is_not_plausible_is_not_heard(trailing: list[tuple[str, str | bytes]] | None, told: Told) -> None:
    assert told_by(trailing) == told


@given(st.lists(st.tuples(st.sampled_from([LOAD_KEYS[1], PUSHBACK, "x"]), st.binary() | st.text()), max_size=5))
def test_no_words_are_too_strange(trailing: list[tuple[str, str | bytes]]) -> None:
    told = told_by(trailing)
    assert told.queue_wait_s is None or 0 <= told.queue_wait_s <= 3600
    assert 0 <= told.stay_local_s <= 60
    assert told.pushback_s >= 0
