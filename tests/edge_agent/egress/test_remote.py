"""One remote target's transport: what it makes of gRPC's errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import grpc
import pytest

from edge_agent import RemoteConfig
from edge_agent.egress.failure import RemoteFailure
from edge_agent.egress.remote import InFlight, Remote
from nearfar_wire.status import Code
from router.types import Kind
from tests.builders.scenes import X
from tests.edge_agent.egress.test_failure import CONNECT, Error


def test_an_error_of_grpc_before_anything_is_sent_is_a_failure_like_others() -> None:
    """As for a request that cannot be serialized; it reached the app as it was."""

    def refuse(*_: Any, **__: Any) -> NoReturn:  # Any: gRPC's own
        raise grpc.RpcError

    remote = Remote("cloud", Kind.CLOUD, RemoteConfig(address="127.0.0.1:1"))
    stub: Any = SimpleNamespace(ModelInfer=SimpleNamespace(future=refuse))
    remote._stub = stub
    with pytest.raises(RemoteFailure):
        remote.call("tiny", "", "r", X, timeout_s=1.0, on_done=lambda: None)


class _Ended:
    """A call that has ended in `error`, and tells so at once, in the thread that asks."""

    def __init__(self, error: grpc.RpcError) -> None:
        self._error = error

    def exception(self) -> grpc.RpcError:
        return self._error

    def add_done_callback(self, tell: Callable[[Any], None]) -> None:  # Any: itself
        tell(self)


def test_asking_why_an_endpoint_hung_up_keeps_no_other_call_waiting() -> None:
    """It was asked in gRPC's own thread, which has to tell of every other call on the channel."""
    answer, done = threading.Event(), threading.Event()

    def ask(_: grpc.RpcError) -> RemoteFailure:
        assert answer.wait(10)
        return RemoteFailure.refused()

    flight = InFlight(10)
    flight.follow(_Ended(Error(grpc.StatusCode.UNAVAILABLE, CONNECT + "Socket closed")), done.set, ask)
    assert not done.is_set()
    answer.set()
    assert done.wait(10)
    with pytest.raises(RemoteFailure) as caught:
        flight.result()
    assert caught.value.code is Code.SECURITY_ERROR
