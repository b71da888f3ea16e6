"""A cloud in this process: a real gRPC server on a loopback port, whose behaviour is a value that a test replaces.

    with FakeCloud({"tiny": CloudModel({"probabilities": [[0.1, 0.2, 0.7]]})}) as cloud:
        cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)

Speaks what an agent asks: liveness, readiness, inference. Keeps counts and the last request's id, never a payload."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self

import grpc
from google.protobuf.message import Message

from edge_agent.testing.answer import Answer, answered
from edge_agent.testing.lies import Lie
from edge_agent.testing.releases import FULL_MODEL_DIGEST
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import WireError
from nearfar_wire.service import generic_handler
from nearfar_wire.status import Code, error_metadata, grpc_status
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, decode_request, encode_response

__all__ = ["CloudModel", "FakeCloud", "Script"]

Behaviour = Callable[[Any, grpc.ServicerContext], Message | bytes]  # Any: each method's own request

_STOP_S: Final = 5.0
_NO_LIMIT: Final = -1  # what a client is willing to receive is its own affair, and what tests look at


@dataclass(frozen=True, slots=True)
class CloudModel:
    """One model there. `digest` None: as a stranger's server, which does not say what it runs."""

    answer: Answer
    version: str = "1"
    digest: str | None = FULL_MODEL_DIGEST
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Script:
    """How inference goes from now on; by default well and at once."""

    delay_s: float = 0.0
    """Waited first; `math.inf` never answers. A client that leaves ends it."""
    fails: grpc.StatusCode | Code | None = None
    """End with this instead of an answer. A Code travels as our own services send it, with its metadata."""
    details: str = ""
    trailing: tuple[tuple[str, str | bytes], ...] = ()
    """Trailing metadata of answers and failures, beside what a Code brings."""
    lie: Lie | None = None
    """Spoil the answer; see lies.py."""


class FakeCloud:
    """See the module. `models` and `script` may be replaced at any time, and hold for the calls that come then."""

    def __init__(
        self,
        models: Mapping[str, CloudModel],
        script: Script | None = None,
        *,
        credentials: grpc.ServerCredentials | None = None,
        threads: int = 4,
    ) -> None:
        """With `credentials` it serves TLS alone. `threads` is how many calls it works on at once."""
        self.models = dict(models)
        self.script = script or Script()
        self.calls: Counter[str] = Counter()
        """How often each method was called, `ModelInfer` and the others."""
        self.last_request_id = ""
        self.address = ""
        """HOST:PORT, from start() on."""
        self._credentials = credentials
        self._threads = threads
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None

    def start(self) -> Self:
        """Return when calls are taken."""
        pool = ThreadPoolExecutor(self._threads, "fake-cloud")
        options = [("grpc.max_send_message_length", _NO_LIMIT), ("grpc.so_reuseport", 0)]
        self._server = grpc.server(pool, handlers=[self._handlers()], options=options)
        if self._credentials is None:
            port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            port = self._server.add_secure_port("127.0.0.1:0", self._credentials)
        self._server.start()
        self.address = f"127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """Cancel what is under way and close the port, within 5 s; safe twice."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(grace=None).wait(_STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handlers(self) -> grpc.GenericRpcHandler:
        behaviours: dict[str, Behaviour] = {
            "ServerLive": lambda _request, _context: pb.ServerLiveResponse(live=True),
            "ServerReady": lambda _request, _context: pb.ServerReadyResponse(ready=True),
            "ModelReady": self._model_ready,
            "ModelInfer": self._infer,
        }
        return generic_handler({name: self._counted(name, behaviour) for name, behaviour in behaviours.items()})

    def _counted(self, name: str, behaviour: Behaviour) -> Behaviour:
        def counted(request: Any, context: grpc.ServicerContext) -> Message | bytes:  # Any: as above
            with self._lock:
                self.calls[name] += 1
            return behaviour(request, context)

        return counted

    def _model_ready(self, request: pb.ModelReadyRequest, context: grpc.ServicerContext) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=self._model(request.name, request.version, context).ready)

    def _infer(self, request: pb.ModelInferRequest, context: grpc.ServicerContext) -> Message | bytes:
        script = self.script
        self.last_request_id = request.id
        if script.delay_s > 0:
            _wait(script.delay_s, context)
        if script.fails is not None:
            _fail(script.fails, script.details, context, script.trailing)
        model = self._model(request.model_name, request.model_version, context)
        try:
            outputs = answered(model.answer, decode_request(request))
        except WireError as error:
            _fail(Code.INVALID_INPUT, str(error), context)
        response = encode_response(
            request.model_name,
            outputs,
            version=model.version,
            request_id=request.id,
            parameters={} if model.digest is None else {MODEL_DIGEST_PARAMETER: model.digest},
        )
        context.set_trailing_metadata(script.trailing)
        return response if script.lie is None else script.lie(response)

    def _model(self, name: str, version: str, context: grpc.ServicerContext) -> CloudModel:
        model = self.models.get(name)
        if model is None or version not in ("", model.version):
            _fail(Code.MODEL_NOT_FOUND, "no such model or version", context)
        return model


def _wait(seconds: float, context: grpc.ServicerContext) -> None:
    left = threading.Event()
    # False: the client has left already, and nobody would set the event.
    if context.add_callback(left.set):
        left.wait(min(seconds, threading.TIMEOUT_MAX))


def _fail(
    status: grpc.StatusCode | Code,
    details: str,
    context: grpc.ServicerContext,
    trailing: tuple[tuple[str, str | bytes], ...] = (),
) -> NoReturn:
    if isinstance(status, Code):
        trailing = (*error_metadata(status), *trailing)
        status = grpc_status(status)
    context.set_trailing_metadata(trailing)
    context.abort(status, details)
    raise AssertionError("abort() raises")
