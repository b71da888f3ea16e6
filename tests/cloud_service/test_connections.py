"""How long connections to the gRPC port last."""

from __future__ import annotations

import asyncio
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
from tests.builders.gates import open_gate_of

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
