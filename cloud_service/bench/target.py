"""The server at the other end: channels to it, what it says of its model, and a first answer that is looked at.

Whatever comes after the first answer is timed and counted, not read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from cloud_service.bench.options import Options, Tls
from cloud_service.bench.prepared import examine, messages_of, sampled, specs_of
from cloud_service.errors import BenchFailed
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub, method_path

__all__ = ["Endpoint", "prepare"]

_PATIENCE_S: Final = 10.0
_MAX_DETAILS: Final = 200
# Any server has a limit of its own; the generator has no reason to have one, but gRPC wants a finite number.
_MAX_MESSAGE_BYTES: Final = 1 << 30

Infer = Callable[..., Awaitable[bytes]]  # gRPC's multi-callable: of the message, `timeout` and `metadata`


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is and how it is spoken to. Can be sent to another process."""

    address: str
    root: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    encrypted: bool = False
    token: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, options: Options) -> Endpoint:
        """Read the files of the identity. Raises BenchFailed."""
        tls = options.tls or Tls()
        return cls(
            str(options.target),
            _content(tls.ca),
            _content(tls.certificate),
            _content(tls.key),
            options.tls is not None,
            options.token,
        )

    def channel(self) -> grpc.aio.Channel:
        """Return a connection of its own: gRPC would share one among channels that are alike."""
        settings = (
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.enable_retries", 0),  # a retry would be an error that nobody counts
        )
        if not self.encrypted:
            return grpc.aio.insecure_channel(self.address, settings)
        credentials = grpc.ssl_channel_credentials(self.root, self.key, self.certificate)
        return grpc.aio.secure_channel(self.address, credentials, settings)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...] | None:
        """What goes with every call."""
        return None if self.token is None else (("authorization", f"Bearer {self.token}"),)


def infer(channel: grpc.aio.Channel) -> Infer:
    """Return the call of ModelInfer, of bytes and to bytes."""
    call: Any = channel.unary_unary(method_path("ModelInfer"))  # Any: gRPC's own type says less than Infer
    return call  # type: ignore[no-any-return]


async def prepare(options: Options, endpoint: Endpoint, given: Sequence[dict[str, Any]]) -> list[bytes]:
    """Return the requests to send, made from `given` arrays or else the model's metadata, after one was answered.

    Raises BenchFailed: where the server cannot be reached, does not know the model, or answers with something else."""
    async with endpoint.channel() as channel:
        stub, metadata = Stub(channel), endpoint.metadata
        try:
            asked = pb.ModelMetadataRequest(name=options.model, version=options.version)
            model = await stub.ModelMetadata(asked, timeout=_PATIENCE_S, metadata=metadata)
            inputs = given or sampled(specs_of(model.inputs), rows=options.rows, free=options.free)
            messages = messages_of(options.model, inputs, version=options.version, priority=options.priority)
            answered = await infer(channel)(messages[0], timeout=_PATIENCE_S, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise BenchFailed(_told(options, error)) from error
    examine(_response(answered), specs_of(model.outputs))
    return messages


def _response(answered: bytes) -> pb.ModelInferResponse:
    try:
        return pb.ModelInferResponse.FromString(answered)
    except DecodeError as error:
        raise BenchFailed("its answer is no message of the protocol") from error


def _told(options: Options, error: grpc.aio.AioRpcError) -> str:
    code, details = error.code(), (error.details() or "")[:_MAX_DETAILS]
    if code is grpc.StatusCode.UNAVAILABLE and details.startswith("failed to connect"):
        return f"cannot reach {options.target}; check the address, and on both sides whether TLS is spoken"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{options.target} did not answer a first request within {_PATIENCE_S:g} s"
    return f"{options.target} refuses a first request with {code.name}: {details!r}"


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchFailed(f"cannot read {path}: {error.strerror}") from error
