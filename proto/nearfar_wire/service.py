"""The protocol's methods on gRPC, bound by hand to their public path: the six of inference, and Triton's extensions for
the model repository, statistics and configuration.

The messages live in our own proto package (see inference.proto), so no generated service could name this path. The
only module of the contract that imports gRPC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import Message

from nearfar_wire import inference_pb2 as pb

__all__ = ["METHODS", "SERVICE", "Handler", "Method", "Stub", "generic_handler", "method_path"]

SERVICE: Final = "inference.GRPCInferenceService"


@dataclass(frozen=True, slots=True)
class Method:
    """One unary method, and the messages that go in and come out."""

    name: str
    request: type[Message]
    response: type[Message]


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("ServerLive", pb.ServerLiveRequest, pb.ServerLiveResponse),
            Method("ServerReady", pb.ServerReadyRequest, pb.ServerReadyResponse),
            Method("ModelReady", pb.ModelReadyRequest, pb.ModelReadyResponse),
            Method("ServerMetadata", pb.ServerMetadataRequest, pb.ServerMetadataResponse),
            Method("ModelMetadata", pb.ModelMetadataRequest, pb.ModelMetadataResponse),
            Method("ModelInfer", pb.ModelInferRequest, pb.ModelInferResponse),
            Method("ModelConfig", pb.ModelConfigRequest, pb.ModelConfigResponse),
            Method("ModelStatistics", pb.ModelStatisticsRequest, pb.ModelStatisticsResponse),
            Method("RepositoryIndex", pb.RepositoryIndexRequest, pb.RepositoryIndexResponse),
            Method("RepositoryModelLoad", pb.RepositoryModelLoadRequest, pb.RepositoryModelLoadResponse),
            Method("RepositoryModelUnload", pb.RepositoryModelUnloadRequest, pb.RepositoryModelUnloadResponse),
        )
    }
)

# Any, below: a call on a grpc.Channel returns the response, one on a grpc.aio.Channel an awaitable of it.
MultiCallable = Any
# Any: a request is its method's message or bytes; context and answer are as the server is, with or without asyncio.
Handler = Callable[[Any, Any], Any]


class Stub:
    """The client's side: each method as a multi-callable of `channel`, synchronous or asynchronous as that is."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        self.ServerLive: MultiCallable = _bind(channel, "ServerLive")
        self.ServerReady: MultiCallable = _bind(channel, "ServerReady")
        self.ModelReady: MultiCallable = _bind(channel, "ModelReady")
        self.ServerMetadata: MultiCallable = _bind(channel, "ServerMetadata")
        self.ModelMetadata: MultiCallable = _bind(channel, "ModelMetadata")
        self.ModelInfer: MultiCallable = _bind(channel, "ModelInfer")
        self.ModelConfig: MultiCallable = _bind(channel, "ModelConfig")
        self.ModelStatistics: MultiCallable = _bind(channel, "ModelStatistics")
        self.RepositoryIndex: MultiCallable = _bind(channel, "RepositoryIndex")
        self.RepositoryModelLoad: MultiCallable = _bind(channel, "RepositoryModelLoad")
        self.RepositoryModelUnload: MultiCallable = _bind(channel, "RepositoryModelUnload")


def method_path(name: str) -> str:
    """Return the path of a method, such as "/inference.GRPCInferenceService/ModelInfer"."""
    return f"/{SERVICE}/{METHODS[name].name}"


def generic_handler(handlers: Mapping[str, Handler], *, parse: bool = True) -> grpc.GenericRpcHandler:
    """Return what a server registers: `handlers` by method name, functions of (request, context), sync or async.

    They answer with a message, or with the bytes of one. Without `parse` a request is handed to them as its bytes. A
    method without a handler answers UNIMPLEMENTED. Raises ValueError: for a name that is no method."""
    unknown = sorted(set(handlers) - set(METHODS))
    if unknown:
        raise ValueError(f"no such method: {', '.join(unknown)}; the methods are {', '.join(METHODS)}")
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                handler,
                request_deserializer=METHODS[name].request.FromString if parse else None,
                response_serializer=_serialized,
            )
            for name, handler in handlers.items()
        },
    )


def _serialized(response: Message | bytes) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString()


def _bind(channel: grpc.Channel | grpc.aio.Channel, name: str) -> MultiCallable:
    method = METHODS[name]
    return channel.unary_unary(
        method_path(name),
        request_serializer=method.request.SerializeToString,
        response_deserializer=method.response.FromString,
    )
