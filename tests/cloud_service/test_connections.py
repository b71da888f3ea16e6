"""How long connections to the gRPC port last, and how much each may ask at once."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path
from typing import cast

import grpc
import grpc.aio
import pytest
from prometheus_client import CollectorRegistry

from cloud_service.auth.authenticator import Authenticator
from cloud_service.calls import Calls
from cloud_service.catalogue import Catalogue
from cloud_service.config import Address
from cloud_service.grpc.server import GrpcServer
from cloud_service.metrics import Metrics
from cloud_service.repository.control import Repository
from cloud_service.service import Service
from cloud_service.workers import Workers
from nearfar_wire import inference_pb2 as pb
from tests.builders.clouds import running_cloud
from tests.builders.gates import open_gate_of
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide


def test_a_connection_ends_in_time_and_no_call_fails_for_it() -> None:
    async def connections() -> int:
        workers = Workers(threads=1)
        server = GrpcServer(
            Service(Catalogue(), workers, gate=open_gate_of(1), longest_call_s=5),
            cast(Repository, None),  # nobody asks for it here
            Calls(Metrics(CollectorRegistry())),
            Authenticator.open(),
            tls=None,
            max_in_flight=1,
            max_message_bytes=1 << 20,
            longest_call_s=5,
            connection_age_s=0.2,
        )
        address = await server.start(Address("127.0.0.1", 0))
        ended = 0
        try:
            async with asyncio.timeout(30), grpc.aio.insecure_channel(str(address)) as channel:
                live = channel.unary_unary(
                    "/inference.GRPCInferenceService/ServerLive",
                    pb.ServerLiveRequest.SerializeToString,
                    pb.ServerLiveResponse.FromString,
                )
                was_ready = False
                while ended < 3:
                    assert (await live(pb.ServerLiveRequest(), timeout=5)).live
                    is_ready = channel.get_state() is grpc.ChannelConnectivity.READY
                    ended += was_ready and not is_ready
                    was_ready = is_ready
        finally:
            await server.stop()
            workers.close(within_s=1)
        return ended

    assert asyncio.run(connections()) == 3


def test_what_a_connection_asks_beyond_twice_what_may_be_in_work_waits_on_its_own_side(tmp_path: Path) -> None:
    """A caller's flood waited in gRPC, where the service could not refuse it, and everybody else behind it."""
    with running_cloud(write_repository(tmp_path, {"same": identity()}), max_in_flight=8) as cloud:
        settings = _settings_of(cloud.target)
    assert settings[_MAX_CONCURRENT_STREAMS] == 2 * (8 + 32)


_MAX_CONCURRENT_STREAMS = 3


def _settings_of(target: str) -> dict[int, int]:
    """Return what an HTTP/2 server says of itself in its first frame (RFC 9113, sections 3.4 and 6.5)."""
    host, _, port = target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        stream = connection.makefile("rb")
        head = stream.read(9)
        payload = stream.read(int.from_bytes(head[:3]))
    assert head[3] == 4, "the first frame is SETTINGS"
    return dict(struct.iter_unpack(">HI", payload))
