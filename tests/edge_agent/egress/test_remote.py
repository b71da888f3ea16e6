"""One remote target's transport: what it makes of gRPC's errors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import grpc
import pytest

from edge_agent import RemoteConfig
from edge_agent.egress.failure import RemoteFailure
from edge_agent.egress.remote import Remote
from router.types import Kind
from tests.builders.scenes import X


def test_an_error_of_grpc_before_anything_is_sent_is_a_failure_like_others() -> None:
    """As for a request that cannot be serialized; it reached the app as it was."""

    def refuse(*_: Any, **__: Any) -> NoReturn:  # Any: gRPC's own
        raise grpc.RpcError

    remote = Remote("cloud", Kind.CLOUD, RemoteConfig(address="127.0.0.1:1"))
    stub: Any = SimpleNamespace(ModelInfer=SimpleNamespace(future=refuse))
    remote._stub = stub
    with pytest.raises(RemoteFailure):
        remote.call("tiny", "", "r", X, timeout_s=1.0, on_done=lambda: None)
