"""The table of error codes is total, and a code survives the wire."""

from __future__ import annotations

import grpc
import pytest

from nearfar_wire.status import CODES, ERROR_CODE_KEY, Code, Meaning, code_from_status, error_metadata, grpc_status

WITHOUT_CODE = {
    "INVALID_ARGUMENT": Code.INVALID_INPUT,
    "NOT_FOUND": Code.MODEL_NOT_FOUND,
    "DEADLINE_EXCEEDED": Code.DEADLINE_EXCEEDED,
    "CANCELLED": Code.CANCELLED,
    "RESOURCE_EXHAUSTED": Code.OVERLOADED,
    "UNAUTHENTICATED": Code.UNAUTHENTICATED,
    "PERMISSION_DENIED": Code.PERMISSION_DENIED,
    "UNAVAILABLE": Code.UNAVAILABLE,
    "UNIMPLEMENTED": Code.UNIMPLEMENTED,
}


def test_every_code_has_a_meaning() -> None:
    assert list(CODES) == list(Code)


@pytest.mark.parametrize("code", Code)
def test_a_code_comes_back_from_its_status_and_metadata(code: Code) -> None:
    assert code_from_status(grpc_status(code), error_metadata(code)) is code


@pytest.mark.parametrize("status", [status for status in grpc.StatusCode if status is not grpc.StatusCode.OK])
def test_a_stranger_s_status_has_one_reading(status: grpc.StatusCode) -> None:
    assert code_from_status(status) is WITHOUT_CODE.get(status.name, Code.INTERNAL)
    assert code_from_status(status, (("other", "x"), ("trace-bin", b"\xff"))) is code_from_status(status)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("PERMISSION_DENIED", id="of another status"),
        pytest.param("QUANTUM_DECAY", id="of a later version"),
        pytest.param(b"\xff\x00", id="bytes"),
        pytest.param("", id="empty"),
    ],
)
def test_a_code_that_contradicts_its_status_is_not_believed(said: str | bytes) -> None:
    assert code_from_status(grpc.StatusCode.UNAVAILABLE, [(ERROR_CODE_KEY, said)]) is Code.UNAVAILABLE


@pytest.mark.parametrize("status", list(WITHOUT_CODE))
def test_only_a_refused_size_is_read_from_the_details(status: str) -> None:
    code = code_from_status(grpc.StatusCode[status], details="Received message larger than max (9 vs. 4)")
    assert (code is Code.TOO_LARGE) == (status == "RESOURCE_EXHAUSTED")


def test_security_errors_are_never_retried_and_count_against_no_breaker() -> None:
    security = {code for code, meaning in CODES.items() if meaning.security}
    assert security == {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.SECURITY_ERROR}
    assert not any(CODES[code].retryable or CODES[code].blames_endpoint for code in security)


def test_what_passes_by_itself_is_worth_asking_for_again() -> None:
    passing = {Code.MODEL_NOT_READY, Code.DEADLINE_EXCEEDED, Code.OVERLOADED, Code.UNAVAILABLE}
    assert {code for code, meaning in CODES.items() if meaning.retryable} == passing


def test_what_the_caller_did_wrong_is_not_blamed_on_the_endpoint() -> None:
    callers = (Code.INVALID_INPUT, Code.MODEL_NOT_FOUND, Code.CANCELLED, Code.TOO_LARGE)
    assert not any(CODES[code].blames_endpoint for code in callers)


@pytest.mark.parametrize(("code", "meaning"), CODES.items(), ids=str)
def test_an_error_is_an_error_over_rest_too_and_server_s_fault_only_where_it_is(code: Code, meaning: Meaning) -> None:
    assert 400 <= meaning.http < 600
    if meaning.retryable and code is not Code.OVERLOADED:
        assert meaning.http >= 500, "a proxy may try another instance"
