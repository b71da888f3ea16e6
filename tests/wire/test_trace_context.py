from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.trace_context import TraceContext, read_trace_context

_TRACE, _PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_GOOD = f"00-{_TRACE}-{_PARENT}-01"


def test_a_context_is_read_and_written_as_it_came() -> None:
    context = read_trace_context({"traceparent": _GOOD, "tracestate": "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"})
    assert context == TraceContext(_TRACE, _PARENT, sampled=True, state="rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert context.traceparent == _GOOD


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        pytest.param(_GOOD.removesuffix("01") + "00", False, id="not sampled"),
        pytest.param(_GOOD.removesuffix("01") + "03", True, id="a flag of a later level beside"),
        pytest.param(f"01{_GOOD[2:]}-what-comes-later", True, id="a later version says more"),
        pytest.param(f"cc{_GOOD[2:]}", True, id="a later version says as much"),
    ],
)
def test_later_flags_and_versions_are_understood_as_far_as_known(text: str, sampled: bool) -> None:
    context = read_trace_context({"traceparent": text})
    assert context == TraceContext(_TRACE, _PARENT, sampled)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f"00-{_TRACE}-{_PARENT}", id="no flags"),
        pytest.param(f"00-{'0' * 32}-{_PARENT}-01", id="trace of zeros"),
        pytest.param(f"00-{_TRACE}-{'0' * 16}-01", id="parent of zeros"),
        pytest.param(f"ff-{_TRACE}-{_PARENT}-01", id="the version that never is"),
        pytest.param(f"{_GOOD}-more", id="version 00 says more"),
        pytest.param(f"cc-{_TRACE}-{_PARENT}-01.more", id="a later version without the dash"),
        pytest.param(_GOOD.upper(), id="upper case"),
        pytest.param(f" {_GOOD}", id="space before"),
        pytest.param(f"{_GOOD}\n", id="line end"),
        pytest.param(f"00-{_TRACE[:-1]}\u0665-{_PARENT}-01", id="another script's digit"),
        pytest.param(f"01{_GOOD[2:]}-{'x' * 1000}", id="endless"),
    ],
)
def test_a_malformed_context_is_none(text: str) -> None:
    assert read_trace_context({"traceparent": text}) is None
    assert read_trace_context({}) is None


@pytest.mark.parametrize(
    "state",
    [
        "novalue",
        "UPPER=1",
        "a=1,a=2",
        "a=\x00",
        "a=b=c",
        "=1",
        ",".join(f"k{n}=v" for n in range(33)),
        "a=" + "x" * 600,
    ],
    ids=lambda state: repr(state[:12]),
)
def test_a_malformed_state_is_dropped_and_the_context_stays(state: str) -> None:
    context = read_trace_context({"traceparent": _GOOD, "tracestate": state})
    assert context is not None
    assert context.state == ""


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_a_caller_writes_comes_out_in_a_form_that_can_be_logged(parent: str, state: str) -> None:
    for text in (parent, _GOOD):
        context = read_trace_context({"traceparent": text, "tracestate": state})
        if context is not None:
            assert (context.traceparent + context.state).isprintable()
            assert read_trace_context({"traceparent": context.traceparent, "tracestate": context.state}) == context
