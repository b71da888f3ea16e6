"""A server of the protocol that is not ours: y = x, as fast or as badly as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Handler, generic_handler

__all__ = ["EchoServer", "echo_server"]

_Answer = Callable[[pb.ModelInferRequest, grpc.ServicerContext], pb.ModelInferResponse]


def echo(request: pb.ModelInferRequest, _context: grpc.ServicerContext) -> pb.ModelInferResponse:
    x = request.inputs[0]
    output = pb.ModelInferResponse.InferOutputTensor(name="y", datatype=x.datatype, shape=x.shape)
    return pb.ModelInferResponse(
        model_name=request.model_name, outputs=[output], raw_output_contents=request.raw_input_contents
    )


@dataclass
class EchoServer:
    """`answer` may be replaced while it runs; the requests and metadata it got are kept."""

    target: str = ""
    answer: _Answer = echo
    datatype: str = "FP32"
    shape: tuple[int, ...] = (-1, 4)
    requests: list[pb.ModelInferRequest] = field(default_factory=list)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def model_metadata(
        self, request: pb.ModelMetadataRequest, context: grpc.ServicerContext
    ) -> pb.ModelMetadataResponse:
        if request.name != "echo":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        x = pb.ModelMetadataResponse.TensorMetadata(name="x", datatype=self.datatype, shape=self.shape)
        y = pb.ModelMetadataResponse.TensorMetadata(name="y", datatype=self.datatype, shape=self.shape)
        return pb.ModelMetadataResponse(name="echo", inputs=[x], outputs=[y])

    def model_infer(self, request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        return self.answer(request, context)


@contextmanager
def echo_server(credentials: grpc.ServerCredentials | None = None) -> Iterator[EchoServer]:
    """Serve until the block ends, with `credentials` over TLS; whoever waits for `go` is let go then."""
    echoing = EchoServer()
    server = grpc.server(ThreadPoolExecutor(8))
    handlers: dict[str, Handler] = {"ModelMetadata": echoing.model_metadata, "ModelInfer": echoing.model_infer}
    server.add_generic_rpc_handlers((generic_handler(handlers),))
    address = "127.0.0.1:0"
    port = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    echoing.target = f"127.0.0.1:{port}"
    server.start()
    try:
        yield echoing
    finally:
        echoing.go.set()
        server.stop(0).wait(30)
