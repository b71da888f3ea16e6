"""From gRPC's words to what they mean. The words are pinned by real connections under tests/faults."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from edge_agent.egress.failure import RemoteFailure, from_rpc_error, hung_up, speaks_of_no_connection
from nearfar_wire.status import ERROR_CODE_KEY, Code

CONNECT = "failed to connect to all addresses; last error: "
IDENTITY = {
    # grpcio 1.76 / 1.85.
    "rogue_1.76": "UNKNOWN: ipv4:1.2.3.4:1: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d",
    "rogue_1.85": "UNKNOWN: ipv4:1.2.3.4:1: Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d",
    "name_1.76": "UNKNOWN: ipv4:1.2.3.4:1: Peer name cloud.test is not in peer certificate",
    "name_1.85": "UNKNOWN: Custom verification check failed with error: Hostname Verification Check failed.",
}


class Error(grpc.RpcError, grpc.Call):
    """An error as a stub raises it. Any: grpc's own types, which differ between its versions."""

    def __init__(self, status: grpc.StatusCode, details: str | None, trailing: Any = ()) -> None:
        self._status, self._details, self._trailing = status, details, trailing

    def code(self) -> Any:
        return self._status

    def details(self) -> Any:
        return self._details

    def trailing_metadata(self) -> Any:
        return self._trailing

    def initial_metadata(self) -> Any:
        return ()

    def is_active(self) -> Any:
        return False

    def time_remaining(self) -> Any:
        return 0.0

    def cancel(self) -> Any:
        return False

    def add_callback(self, callback: Any) -> Any:
        return False


@pytest.mark.parametrize("words", IDENTITY.values(), ids=IDENTITY)
def test_words_of_the_security_layer_are_a_security_error(words: str) -> None:
    failure = from_rpc_error(Error(grpc.StatusCode.UNAVAILABLE, CONNECT + words))
    assert (failure.code, failure.blames_endpoint, failure.of("cloud").security) == (Code.SECURITY_ERROR, False, True)
    assert "1.2.3.4" not in failure.detail
    assert "check the certificates" in failure.detail


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (f"{CONNECT}UNKNOWN: ipv4:1.2.3.4:1: connect: Connection refused (111)", Code.UNAVAILABLE),
        (f"{CONNECT}UNAVAILABLE: ipv4:1.2.3.4:1: Failed parsing HTTP/2", Code.PROTOCOL_ERROR),
        (f"{CONNECT}OK", Code.PROTOCOL_ERROR),
        ("Received http2 header with status: 502", Code.PROTOCOL_ERROR),
        ("Socket closed", Code.UNAVAILABLE),
        (None, Code.UNAVAILABLE),
    ],
)
def test_other_words_of_a_call_that_got_nowhere(details: str | None, code: Code) -> None:
    assert from_rpc_error(Error(grpc.StatusCode.UNAVAILABLE, details)).code is code


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (grpc.StatusCode.NOT_FOUND, "no such model, or not this version"),
        (grpc.StatusCode.INVALID_ARGUMENT, "does not take these inputs"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "no room for the call"),
        (grpc.StatusCode.INTERNAL, "its log says why"),
    ],
)
def test_what_a_server_refused_is_told_in_our_words_and_where_to_look(status: grpc.StatusCode, says: str) -> None:
    """The error of an app ended in "cloud: MODEL_NOT_FOUND", and what to do about it was to be guessed."""
    failure = from_rpc_error(Error(status, "a stranger's words"))
    assert says in failure.detail
    assert "stranger" not in failure.detail


def test_a_server_cannot_make_its_status_a_security_error_by_its_words() -> None:
    """Only what gRPC says while connecting comes under UNAVAILABLE; here a server of the protocol speaks."""
    failure = from_rpc_error(Error(grpc.StatusCode.INVALID_ARGUMENT, "certificate verify failed"))
    assert failure.code is Code.INVALID_INPUT


def test_a_code_that_travels_with_the_error_is_believed_where_it_fits_the_status() -> None:
    trailing = ((ERROR_CODE_KEY, "MODEL_NOT_READY"),)
    assert from_rpc_error(Error(grpc.StatusCode.UNAVAILABLE, "x", trailing)).code is Code.MODEL_NOT_READY
    assert from_rpc_error(Error(grpc.StatusCode.INTERNAL, "x", trailing)).code is Code.INTERNAL


def test_an_error_that_is_no_call_is_an_endpoint_that_is_not_there() -> None:
    assert from_rpc_error(grpc.RpcError()).code is Code.UNAVAILABLE
    assert not hung_up(grpc.RpcError())


def test_only_an_end_while_connecting_is_asked_after() -> None:
    assert hung_up(Error(grpc.StatusCode.UNAVAILABLE, f"{CONNECT}UNAVAILABLE: ipv4:1.2.3.4:1: Socket closed"))
    assert not hung_up(Error(grpc.StatusCode.UNAVAILABLE, "Socket closed"))


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (f"{CONNECT}UNKNOWN: ipv4:1.2.3.4:1: connect: Connection refused (111)", True),
        (f"{CONNECT}{IDENTITY['name_1.85']}", True),
        ("errors resolving cloud.test:1: [field:hostname lookup error:address lookup failed]", True),
        ("DNS resolution failed for cloud.test:1: C-ares status is not ARES_SUCCESS", True),
        ("Socket closed", False),
        ("Deadline Exceeded", False),
        (None, False),
    ],
)
def test_what_grpc_says_of_a_call_that_it_had_no_connection_for(details: str | None, expected: bool) -> None:
    assert speaks_of_no_connection(Error(grpc.StatusCode.UNAVAILABLE, details)) is expected


@pytest.mark.parametrize("code", list(Code))
def test_a_failure_says_its_code_and_at_most_its_own_words(code: Code) -> None:
    assert str(RemoteFailure(code)) == code.value
    assert RemoteFailure(code, "words").of("cloud").detail == "words"
