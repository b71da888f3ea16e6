"""The methods over a real server: public path, errors with their code, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import ExitStack
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import METHODS, Stub, generic_handler, method_path
from nearfar_wire.status import Code, code_from_status, error_metadata, grpc_status
from nearfar_wire.tensors import decode_request, decode_response, encode_request, encode_response

Handlers = Mapping[str, Callable[[Any, Any], Any]]
Connect = Callable[..., grpc.Channel]
TIMEOUT_S = 5


@pytest.fixture
def serve() -> Iterator[Connect]:
    """Start a server of given handlers, and return a channel to it."""
    with ExitStack() as stack:

        def start(handlers: Handlers, *, parse: bool = True, **limits: int) -> grpc.Channel:
            pool = stack.enter_context(futures.ThreadPoolExecutor(2))
            server = grpc.server(pool, options=[(f"grpc.{name}", limit) for name, limit in limits.items()])
            server.add_generic_rpc_handlers((generic_handler(handlers, parse=parse),))
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            stack.callback(lambda: server.stop(None).wait(TIMEOUT_S))
            return stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))

        yield start


def double(request: pb.ModelInferRequest, _: object) -> pb.ModelInferResponse:
    tensors = decode_request(request)
    return encode_response(request.model_name, {name: tensor * 2 for name, tensor in tensors.items()})


def test_paths_are_the_public_ones() -> None:
    assert [method_path(name) for name in METHODS] == [
        "/inference.GRPCInferenceService/ServerLive",
        "/inference.GRPCInferenceService/ServerReady",
        "/inference.GRPCInferenceService/ModelReady",
        "/inference.GRPCInferenceService/ServerMetadata",
        "/inference.GRPCInferenceService/ModelMetadata",
        "/inference.GRPCInferenceService/ModelInfer",
        "/inference.GRPCInferenceService/ModelConfig",
        "/inference.GRPCInferenceService/ModelStatistics",
        "/inference.GRPCInferenceService/RepositoryIndex",
        "/inference.GRPCInferenceService/RepositoryModelLoad",
        "/inference.GRPCInferenceService/RepositoryModelUnload",
    ]


def test_a_handler_for_no_method_is_refused() -> None:
    with pytest.raises(ValueError, match="no such method: ModelStreamInfer"):
        generic_handler({"ModelStreamInfer": double})


@pytest.mark.wide
def test_a_handler_may_take_and_give_bytes(serve: Connect) -> None:
    received: list[bytes] = []

    def answer(request: bytes, _: object) -> bytes:
        received.append(request)
        return pb.ModelReadyResponse(ready=True).SerializeToString()

    request = pb.ModelReadyRequest(name="m")
    assert Stub(serve({"ModelReady": answer}, parse=False)).ModelReady(request, timeout=TIMEOUT_S).ready
    assert received == [request.SerializeToString()]


@pytest.mark.wide
def test_tensors_go_there_and_back(serve: Connect) -> None:
    stub = Stub(serve({"ModelInfer": double}))
    response = stub.ModelInfer(encode_request("m", {"x": np.arange(3, dtype=np.float32)}), timeout=TIMEOUT_S)
    assert decode_response(response)["x"].tolist() == [0, 2, 4]


@pytest.mark.wide
@pytest.mark.parametrize("name", METHODS)
def test_every_method_reaches_its_handler(serve: Connect, name: str) -> None:
    method = METHODS[name]
    stub = Stub(serve({name: lambda request, _: method.response() if type(request) is method.request else None}))
    assert getattr(stub, name)(method.request(), timeout=TIMEOUT_S) == method.response()


@pytest.mark.wide
def test_a_method_without_a_handler_is_unimplemented(serve: Connect) -> None:
    stub = Stub(serve({"ModelInfer": double}))
    with pytest.raises(grpc.RpcError) as failed:
        stub.ServerLive(pb.ServerLiveRequest(), timeout=TIMEOUT_S)
    assert code_of(failed.value) is Code.UNIMPLEMENTED


@pytest.mark.wide
@pytest.mark.parametrize("code", Code)
def test_every_code_crosses_the_wire(serve: Connect, code: Code) -> None:
    def fail(_: object, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata(error_metadata(code))
        context.abort(grpc_status(code), "no")

    stub = Stub(serve({"ServerLive": fail}))
    with pytest.raises(grpc.RpcError) as failed:
        stub.ServerLive(pb.ServerLiveRequest(), timeout=TIMEOUT_S)
    assert code_of(failed.value) is code


@pytest.mark.wide
def test_gRPC_s_own_refusal_of_a_size_is_too_large(serve: Connect) -> None:
    """gRPC words it, so this fails when its wording changes."""
    stub = Stub(serve({"ModelInfer": double}, max_receive_message_length=1000))
    with pytest.raises(grpc.RpcError) as failed:
        stub.ModelInfer(encode_request("m", {"x": np.zeros(1001, np.int8)}), timeout=TIMEOUT_S)
    assert code_of(failed.value) is Code.TOO_LARGE


@pytest.mark.wide
def test_C7_bytes_that_are_no_message_are_an_error_and_the_server_lives(serve: Connect) -> None:
    channel = serve({"ModelInfer": double})
    send_bytes: Callable[..., object] = channel.unary_unary(method_path("ModelInfer"))
    with pytest.raises(grpc.RpcError) as failed:
        send_bytes(b"\xff\xff\xff", timeout=TIMEOUT_S)
    assert code_of(failed.value) is Code.INTERNAL
    assert Stub(channel).ModelInfer(encode_request("m", {}), timeout=TIMEOUT_S) == pb.ModelInferResponse(model_name="m")


async def _asynchronous_round_trip() -> list[float]:
    async def handler(request: pb.ModelInferRequest, context: object) -> pb.ModelInferResponse:
        return double(request, context)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((generic_handler({"ModelInfer": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            response = await Stub(channel).ModelInfer(
                encode_request("m", {"x": np.ones(2, np.float64)}), timeout=TIMEOUT_S
            )
            return list(decode_response(response)["x"].tolist())
    finally:
        await server.stop(None)


@pytest.mark.wide
def test_the_same_stub_and_handler_work_asynchronously() -> None:
    assert asyncio.run(_asynchronous_round_trip()) == [2, 2]


def code_of(error: grpc.RpcError) -> Code:
    assert isinstance(error, grpc.Call)
    return code_from_status(error.code(), error.trailing_metadata(), details=error.details() or "")
