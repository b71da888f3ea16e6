"""One remote target: its channel, calls on it, and the round trip to it.

The channel is made when first needed and carries every call. Deadlines are passed on as time left; gRPC retries nothing
by itself, because a retry is the attempt machine's to decide and the receipt's to tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import grpc

from edge_agent.config import RemoteConfig, TlsConfig
from edge_agent.egress.credential import Metadata, credential_of
from edge_agent.egress.failure import RemoteFailure, from_rpc_error, hung_up, speaks_of_no_connection
from edge_agent.egress.hangup import client_context, refuses_us
from edge_agent.egress.told import told_by
from edge_agent.errors import ConfigError
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import WireError
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, Array, encode_request
from nearfar_wire.trace_context import TRACEPARENT, read_trace_context
from router.running.advice import Told
from router.types import Kind

__all__ = ["InFlight", "Remote"]

# A fleet is kept away from a failing server by the breaker; the channel's own pause on top of that only delays the
# breaker's probe, so it stays short.
_RECONNECT_MS: Final = (100, 2_000)
# TCP, TLS and the first frames take four round trips: a second each, and a lost packet. (gRPC calls this the least
# backoff, and gives an attempt to connect as long as that.)
_CONNECT_MS: Final = 5_000
# A service that has moved is found again after so long; gRPC's own half a minute is longer than most networks stay. Of
# a name server that is as much as of a browser: it is asked only while requests come and the endpoint is out of reach.
_RESOLVE_MS: Final = 5_000


# Endpoints that hung up are asked why at most so often.
_ASK_AGAIN_S: Final = 2.0


class InFlight:
    """One call that was started."""

    __slots__ = ("_failure", "_future", "sent_bytes")

    def __init__(self, sent_bytes: int) -> None:
        self.sent_bytes = sent_bytes
        self._failure: RemoteFailure | None = None
        self._future: Any = None  # Any: a grpc.Future that is also a grpc.Call

    def follow(
        self, future: Any, on_done: Callable[[], None], failure_of: Callable[[grpc.RpcError], RemoteFailure]
    ) -> None:  # Any: as above
        """Call `on_done` in another thread when `future` has ended, and what its error means is known."""

        def explain(error: grpc.RpcError) -> None:
            try:
                self._failure = failure_of(error)
            finally:
                on_done()

        def ended(future: Any) -> None:  # Any: as above
            try:
                error = future.exception()
            except grpc.FutureCancelledError:
                self._failure = RemoteFailure(Code.CANCELLED)
                error = None
            if error is None:
                on_done()
            elif hung_up(error):
                # The endpoint will be asked why; gRPC's thread, which is here, has other calls to tell of.
                Thread(target=explain, args=(error,), name="nearfar-hangup", daemon=True).start()
            else:
                explain(error)

        self._future = future
        future.add_done_callback(ended)

    def cancel(self) -> None:
        """Stop the call; harmless when it has ended."""
        self._future.cancel()

    def result(self) -> pb.ModelInferResponse:
        """Return the response of a call that is done.

        Raises RemoteFailure."""
        if self._failure is not None:
            raise self._failure
        response: pb.ModelInferResponse = self._future.result()
        return response

    @property
    def unsent(self) -> bool:
        """Whether it has failed and nothing of it was sent. One that was given up may have waited for a connection as
        well, but nobody knows: it counts as sent."""
        return self._failure is not None and self._failure.unsent

    def told(self) -> Told:
        """Return what the server of a call that is done, and went well, said of itself."""
        return told_by(self._future.trailing_metadata())


class Remote:
    """See the module."""

    def __init__(self, name: str, kind: Kind, config: RemoteConfig) -> None:
        """Read the files of TLS and of the token, so that a missing one is told before anything runs.

        Raises ConfigError."""
        self.name = name
        self.kind = kind
        self.endpoint = config.address
        self.max_message_bytes = config.max_message_bytes
        self._probe_timeout_s = config.probe_timeout_s
        self._tls = config.tls
        self._credentials = None if config.tls is None else _credentials(name, config.tls)
        self._credential = credential_of(name, config)
        self._refused = False
        self._ask_at = 0.0
        self._asking = Lock()
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
        traceparent: str | None = None,
    ) -> InFlight:
        """Start one inference; `on_done` is called from another thread when it has ended.

        A `traceparent` that is not one, as W3C writes it, is left out: no request fails for its trace.

        Raises RemoteFailure: for a request that cannot be written, is over the limit, or has no token to go with;
        nothing was sent then."""
        try:
            request = encode_request(model, inputs, version=version, request_id=request_id)
        except WireError as error:
            raise RemoteFailure(Code.INVALID_INPUT, str(error)) from None
        size_bytes = request.ByteSize()
        if size_bytes > self.max_message_bytes:
            detail = f"{size_bytes} bytes to send, {self.max_message_bytes} is the limit"
            raise RemoteFailure(Code.TOO_LARGE, detail)
        metadata = self._credential()
        if traceparent is not None:
            context = read_trace_context({TRACEPARENT: traceparent})
            metadata += () if context is None else ((TRACEPARENT, context.traceparent),)
        stub = self._connected()
        try:
            future = stub.ModelInfer.future(request, timeout=timeout_s, metadata=metadata)
        except ValueError:  # how gRPC refuses a call on a channel that was closed meanwhile
            raise _closed() from None
        except grpc.RpcError as error:  # before anything was sent: a request that cannot be serialized
            raise from_rpc_error(error) from None
        flight = InFlight(size_bytes)
        flight.follow(future, on_done, self._failure)
        return flight

    def round_trip_s(self) -> float:
        """Measure the round trip to the endpoint itself, with no request's data in it.

        The first exchange may have to connect; the second is the measurement. Raises RemoteFailure."""
        metadata = self._credential()
        stub = self._connected()
        deadline = time.perf_counter() + self._probe_timeout_s
        try:
            _exchange(stub, metadata, self._probe_timeout_s)
            started = time.perf_counter()  # a monotonic clock may go in steps of 16 ms
            _exchange(stub, metadata, max(0.001, deadline - started))
        except grpc.RpcError as error:
            raise self._failure(error) from None
        except ValueError:  # see call
            raise _closed() from None
        return time.perf_counter() - started

    def ask_for_model(self, model: str, version: str) -> str | None:
        """Return the digest of a model that is ready there, None where the server does not tell.

        Raises RemoteFailure: MODEL_NOT_FOUND or MODEL_NOT_READY among others."""
        metadata, timeout_s, stub = self._credential(), self._probe_timeout_s, self._connected()
        asked = pb.ModelReadyRequest(name=model, version=version)
        try:
            ready = stub.ModelReady(asked, timeout=timeout_s, metadata=metadata).ready
        except grpc.RpcError as error:
            raise self._failure(error) from None
        try:
            described = stub.ModelMetadata(
                pb.ModelMetadataRequest(name=model, version=version), timeout=timeout_s, metadata=metadata
            )
        except grpc.RpcError as error:
            # Not to be ready, and not to be there at all, is the same answer to the first question.
            if not ready:
                failure = self._failure(error)
                raise failure if failure.code is Code.MODEL_NOT_FOUND else RemoteFailure(Code.MODEL_NOT_READY) from None
            return None
        if not ready:
            raise RemoteFailure(Code.MODEL_NOT_READY)
        digest: str | None = described.properties.get(MODEL_DIGEST_PARAMETER)
        return digest

    def close(self) -> None:
        """Cancel what runs and close the channel; safe twice."""
        with self._lock:
            self._closed = True
            channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            channel.close()

    def _failure(self, error: grpc.RpcError) -> RemoteFailure:
        # Looked at before anything else is asked: later there may be a connection.
        unsent = speaks_of_no_connection(error) and not self._is_connected()
        failure = RemoteFailure.refused() if hung_up(error) and self._refuses_us() else from_rpc_error(error)
        if unsent and failure.code is Code.UNAVAILABLE:
            failure = RemoteFailure.unreached()
        failure.unsent = unsent
        return failure

    def _is_connected(self) -> bool:
        """Tell whether there is a connection now; also where that cannot be found out.

        Who has the words of a call without a connection from a server has a connection to it. The public way to ask
        starts a thread, which looks five times a second."""
        try:
            state = self._channel._channel.check_connectivity_state(False)  # type: ignore[union-attr]  # gRPC's own
        except Exception:  # noqa: BLE001  a closed channel, or another version of gRPC
            return True
        return bool(state == grpc.ChannelConnectivity.READY.value[0])

    def _refuses_us(self) -> bool:
        with self._asking:  # whoever comes meanwhile waits for the answer
            if time.monotonic() >= self._ask_at:
                self._refused = refuses_us(self.endpoint, self._tls, self._probe_timeout_s)
                self._ask_at = time.monotonic() + _ASK_AGAIN_S
            return self._refused

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


def _exchange(stub: Stub, metadata: Metadata, timeout_s: float) -> None:
    try:
        stub.ServerLive(pb.ServerLiveRequest(), timeout=timeout_s, metadata=metadata)
    except grpc.RpcError as error:
        # A stranger's server without this method has answered all the same, and as quickly.
        if not (isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNIMPLEMENTED):
            raise


def _options(config: RemoteConfig) -> list[tuple[str, Any]]:  # Any: gRPC's own
    options: list[tuple[str, Any]] = [
        ("grpc.max_send_message_length", config.max_message_bytes),
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MS[0]),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS[1]),
        ("grpc.dns_min_time_between_resolutions_ms", _RESOLVE_MS),
        # The channel of one agent is its own: another agent in this process may have other credentials or be closed.
        ("grpc.use_local_subchannel_pool", 1),
        # What is permitted to leave, leaves to the endpoint that was configured, not to a proxy of the environment.
        ("grpc.enable_http_proxy", 0),
    ]
    if config.tls is not None and config.tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", config.tls.server_name))
    return options


def _credentials(name: str, tls: TlsConfig) -> grpc.ChannelCredentials:
    files = {field: _read(f"targets.{name}.tls.{field}", getattr(tls, field)) for field in ("ca", "certificate", "key")}
    try:
        client_context(tls)
    except OSError as error:
        # Its words name the kind of fault, such as KEY_VALUES_MISMATCH, and nothing of the files.
        raise ConfigError(f"targets.{name}.tls", f"not PEM files that go together: {error}") from error
    return grpc.ssl_channel_credentials(
        root_certificates=files["ca"], private_key=files["key"], certificate_chain=files["certificate"]
    )


def _read(path: str, file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"{file} cannot be read: {error.strerror or error}") from error
