"""From what gRPC says of a failed call to what it means: was it the network, the server, or somebody's identity?

gRPC reports a rogue certificate, a wrong host name and a missing client certificate as UNAVAILABLE, the code of a
server that is down, which would be retried. They are told apart here, by the words of its security layer."""

from __future__ import annotations

import re
from typing import Final

import grpc

from edge_agent.egress.told import told_by
from nearfar_wire.status import CODES, Code, code_from_status
from router.running.advice import NOTHING_TOLD, Told
from router.running.attempt import Failure

__all__ = ["RemoteFailure", "from_rpc_error", "hung_up", "speaks_of_no_connection"]

# As worded by grpcio 1.76 to 1.85 with BoringSSL; pinned by the tests under tests/faults, case by case.
_IDENTITY: Final = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|Hostname Verification|Peer name .* is not in peer certificate"
    r"|bad.certificate|certificate.required|CERTIFICATE_REQUIRED|unknown.ca|TLSV1_ALERT|SSLV3_ALERT|tlsv1 alert"
    r"|certificate expired|WRONG_VERSION_NUMBER|SSL_ERROR_SSL|(Ssl|Tls) handshake failed|TSI_PROTOCOL_FAILURE",
    re.IGNORECASE,
)
_NOT_THE_PROTOCOL: Final = re.compile(
    r"Received http2 header with status|Trying to connect an http1\.x server|HTTP/1\.|unexpected content-type"
    r"|First byte: |Failed parsing HTTP/2|Expected SETTINGS frame|last error: OK$",
    re.IGNORECASE,
)
_NO_CONNECTION: Final = re.compile(
    r"failed to connect to all addresses|errors resolving |DNS resolution failed|empty address list", re.IGNORECASE
)
_HUNG_UP: Final = re.compile(r"failed to connect to all addresses.*Socket closed", re.IGNORECASE)
# gRPC's own words here, for a reply that is no message of ours.
_NO_MESSAGE: Final = "Exception deserializing response!"
# Only these words reach a failure's detail: the server's own text is a stranger's.
_IN_WORDS: Final = {
    Code.SECURITY_ERROR: "one side could not prove who it is: check the certificates and names in tls",
    Code.PROTOCOL_ERROR: "what answered does not speak the protocol: a captive portal, or another service's port",
    Code.BAD_RESPONSE: "its answer is no message of the protocol",
    Code.INVALID_INPUT: "the model there does not take these inputs: compare its contract with the manifest's remote",
    Code.MODEL_NOT_FOUND: "the server has no such model, or not this version: compare it with the manifest's remote",
    Code.MODEL_NOT_READY: "the server has the model and cannot run it now: its /readyz says why",
    Code.OVERLOADED: "the server has no room for the call now",
    Code.INTERNAL: "the server failed on the call: its log says why",
    Code.UNAUTHENTICATED: "the server wants another credential than came, or any: check token_file, or tls",
    Code.PERMISSION_DENIED: "the server knows this client, and does not allow it this call",
}


class RemoteFailure(Exception):
    """A call that brought no usable answer. `detail` holds no text of the server and no value of the request; `told` is
    what the server said of itself with it."""

    def __init__(self, code: Code, detail: str = "", told: Told = NOTHING_TOLD) -> None:
        super().__init__(f"{code}: {detail}" if detail else code.value)
        self.code = code
        self.detail = detail
        self.told = told
        self.unsent = False
        """Whether it is known that nothing of the request was sent, because there was no connection to send it on."""

    @classmethod
    def refused(cls) -> RemoteFailure:
        """The endpoint is there, and hangs up on us."""
        return cls(Code.SECURITY_ERROR, "the server wants TLS, or another client certificate: check tls")

    @classmethod
    def unreached(cls) -> RemoteFailure:
        """There was no connection to the endpoint, and none came about."""
        return cls(Code.UNAVAILABLE, "no connection to it came about: see that it runs, and where address points")

    @property
    def blames_endpoint(self) -> bool:
        return CODES[self.code].blames_endpoint

    def of(self, target: str) -> Failure:
        """Return this failure as the attempt machine's."""
        return Failure(target, self.code.value, self.detail, CODES[self.code].security)


def hung_up(error: grpc.RpcError) -> bool:
    """Tell whether the endpoint closed the connection while it was being made, without saying why."""
    return isinstance(error, grpc.Call) and _HUNG_UP.search(str(error.details() or "")) is not None


def speaks_of_no_connection(error: grpc.RpcError) -> bool:
    """Tell whether a call's error has the words with which gRPC ends one that it had no connection for. A server can
    say them too, as one does that hands on what became of its own call to another."""
    return isinstance(error, grpc.Call) and _NO_CONNECTION.search(str(error.details() or "")) is not None


def from_rpc_error(error: grpc.RpcError) -> RemoteFailure:
    """Return what a failed call means."""
    if not isinstance(error, grpc.Call):
        return RemoteFailure(Code.UNAVAILABLE)
    status, details = error.code(), str(error.details() or "")
    if status is grpc.StatusCode.UNAVAILABLE and _IDENTITY.search(details):
        code = Code.SECURITY_ERROR
    elif status is not grpc.StatusCode.DEADLINE_EXCEEDED and _NOT_THE_PROTOCOL.search(details):
        code = Code.PROTOCOL_ERROR
    elif details == _NO_MESSAGE:
        code = Code.BAD_RESPONSE
    else:
        code = code_from_status(status, error.trailing_metadata(), details=details)
    return RemoteFailure(code, _IN_WORDS.get(code, ""), told_by(error.trailing_metadata()))
