"""One remote target: its channel, calls on it, and the round trip to it.

The channel is made when first needed and carries every call. Deadlines are passed on as time left; gRPC retries nothing
by itself, because a retry is the attempt machine's to decide and the receipt's to tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import grpc

from edge_agent.config import RemoteConfig, TlsConfig
from edge_agent.egress.failure import RemoteFailure, from_rpc_error
from edge_agent.errors import ConfigError
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import WireError
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import Array, encode_request
from router.types import Kind

__all__ = ["InFlight", "Remote"]

# A fleet is kept away from a failing server by the breaker; the channel's own pause on top of that only delays the
# breaker's probe, so it stays short.
_RECONNECT_MS: Final = (100, 2_000)


class InFlight:
    """One call that was started."""

    __slots__ = ("_future", "sent_bytes")

    def __init__(self, future: Any, sent_bytes: int) -> None:  # Any: a grpc.Future that is also a grpc.Call
        self._future = future
        self.sent_bytes = sent_bytes

    def cancel(self) -> None:
        """Stop the call; harmless when it has ended."""
        self._future.cancel()

    def result(self) -> pb.ModelInferResponse:
        """Return the response of a call that is done.

        Raises RemoteFailure."""
        try:
            response: pb.ModelInferResponse = self._future.result(timeout=0)
        except grpc.FutureCancelledError:
            raise RemoteFailure(Code.CANCELLED) from None
        except grpc.FutureTimeoutError:
            raise RemoteFailure(Code.DEADLINE_EXCEEDED) from None
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None
        return response


class Remote:
    """See the module."""

    def __init__(self, name: str, kind: Kind, config: RemoteConfig) -> None:
        """Read the TLS files, so that a missing one is told before anything runs. Raises ConfigError."""
        self.name = name
        self.kind = kind
        self.endpoint = config.address
        self.max_message_bytes = config.max_message_bytes
        self._probe_timeout_s = config.probe_timeout_s
        self._credentials = None if config.tls is None else _credentials(name, config.tls)
        self._options = _options(config)
        self._lock = Lock()
        self._channel: grpc.Channel | None = None
        self._stub: Stub | None = None
        self._closed = False

    def call(
        self,
        model: str,
        version: str,
        request_id: str,
        inputs: Mapping[str, Array],
        *,
        timeout_s: float,
        on_done: Callable[[], None],
    ) -> InFlight:
        """Start one inference; `on_done` is called from another thread when it has ended.

        Raises RemoteFailure: for a request that cannot be written or is over the limit; nothing was sent then."""
        try:
            request = encode_request(model, inputs, version=version, request_id=request_id)
        except WireError as error:
            raise RemoteFailure(Code.INVALID_INPUT, str(error)) from None
        size_bytes = request.ByteSize()
        if size_bytes > self.max_message_bytes:
            detail = f"{size_bytes} bytes to send, {self.max_message_bytes} is the limit"
            raise RemoteFailure(Code.TOO_LARGE, detail)
        stub = self._connected()
        try:
            future = stub.ModelInfer.future(request, timeout=timeout_s)
        except ValueError:  # how gRPC refuses a call on a channel that was closed meanwhile
            raise _closed() from None
        future.add_done_callback(lambda _: on_done())
        return InFlight(future, size_bytes)

    def round_trip_s(self) -> float:
        """Measure the round trip to the endpoint itself, with no request's data in it.

        The first exchange may have to connect; the second is the measurement. Raises RemoteFailure."""
        stub = self._connected()
        deadline = time.monotonic() + self._probe_timeout_s
        try:
            stub.ServerLive(pb.ServerLiveRequest(), timeout=self._probe_timeout_s, wait_for_ready=False)
            started = time.monotonic()
            stub.ServerLive(pb.ServerLiveRequest(), timeout=max(0.001, deadline - started))
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None
        except ValueError:  # see call
            raise _closed() from None
        return time.monotonic() - started

    def models_ready(self, models: Mapping[str, str]) -> dict[str, bool]:
        """Ask whether each model (name -> version) is ready there. Raises RemoteFailure."""
        stub = self._connected()
        try:
            return {
                name: stub.ModelReady(
                    pb.ModelReadyRequest(name=name, version=version), timeout=self._probe_timeout_s
                ).ready
                for name, version in models.items()
            }
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def close(self) -> None:
        """Cancel what runs and close the channel; safe twice."""
        with self._lock:
            self._closed = True
            channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            channel.close()

    def _connected(self) -> Stub:
        stub = self._stub
        if stub is not None:
            return stub
        with self._lock:
            if self._closed:
                raise _closed()
            if self._stub is None:
                if self._credentials is None:
                    self._channel = grpc.insecure_channel(self.endpoint, self._options)
                else:
                    self._channel = grpc.secure_channel(self.endpoint, self._credentials, self._options)
                self._stub = Stub(self._channel)
            return self._stub


def _closed() -> RemoteFailure:
    return RemoteFailure(Code.CANCELLED, "the agent was closed")


def _options(config: RemoteConfig) -> list[tuple[str, Any]]:  # Any: gRPC's own
    options: list[tuple[str, Any]] = [
        ("grpc.max_send_message_length", config.max_message_bytes),
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MS[0]),
        ("grpc.min_reconnect_backoff_ms", _RECONNECT_MS[0]),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS[1]),
        # The channel of one agent is its own: another agent in this process may have other credentials or be closed.
        ("grpc.use_local_subchannel_pool", 1),
        # What is permitted to leave, leaves to the endpoint that was configured, not to a proxy of the environment.
        ("grpc.enable_http_proxy", 0),
    ]
    if config.tls is not None and config.tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", config.tls.server_name))
    return options


def _credentials(name: str, tls: TlsConfig) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_read(f"targets.{name}.tls.ca", tls.ca),
        private_key=_read(f"targets.{name}.tls.key", tls.key),
        certificate_chain=_read(f"targets.{name}.tls.certificate", tls.certificate),
    )


def _read(path: str, file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"{file} cannot be read: {error.strerror or error}") from error
