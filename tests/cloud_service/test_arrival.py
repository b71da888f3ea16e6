"""Calls whose message does not come: they end, and keep nobody else out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.errors import CallError, DeadlineExceeded, InvalidInput, Overloaded
from cloud_service.grpc.arrival import Arrivals
from nearfar_wire.service import Stub, method_path
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository
from tests.builders.tokens import Issuer
from tests.builders.waiting import eventually

REQUEST = encode_request("same", {"x": np.ones(1, np.float32)})


class _Context:
    """The part of a call that is waited for."""

    def __init__(self, *messages: object) -> None:
        self._messages = list(messages)

    async def read(self) -> object:
        if self._messages:
            return self._messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


async def _outcome(arrivals: Arrivals, *messages: object) -> bytes | type[CallError]:
    try:
        return await arrivals.message(cast(Any, _Context(*messages)))
    except CallError as error:
        return type(error)


def test_a_message_is_what_was_sent_and_none_is_refused() -> None:
    async def main() -> None:
        arrivals = Arrivals(within_s=10, at_most=1)
        assert await _outcome(arrivals, b"sent", b"and more") == b"sent"
        assert await _outcome(arrivals, grpc.aio.EOF) is InvalidInput

    asyncio.run(main())


def test_a_message_that_does_not_come_ends_its_call_and_little_is_waited_where_many_are() -> None:
    async def main() -> None:
        arrivals = Arrivals(within_s=0.8, at_most=1, crowded_s=0.1)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            ended: list[type[CallError] | bytes] = []

            async def note(*messages: object) -> None:
                ended.append(await _outcome(arrivals, *messages))

            for messages in ((), (), (b"sent",)):
                tasks.create_task(note(*messages))
        assert ended == [b"sent", Overloaded, DeadlineExceeded]

    asyncio.run(main())


def test_a_caller_who_leaves_is_no_late_one() -> None:
    async def main() -> None:
        arrivals = Arrivals(within_s=10, at_most=1)
        task = asyncio.create_task(_outcome(arrivals))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _outcome(arrivals, b"sent") == b"sent"

    asyncio.run(main())


@contextmanager
def _silent(cloud: RunningCloud, path: str, count: int, metadata: object = None) -> Iterator[list[Any]]:
    """Open so many calls of a method, and send nothing."""
    over = threading.Event()

    def never() -> Iterator[bytes]:
        over.wait(60)
        yield b""

    with grpc.insecure_channel(cloud.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.stream_unary(path, request_serializer=bytes, response_deserializer=bytes)
        try:
            yield [call.future(never(), metadata=metadata) for _ in range(count)]
        finally:
            over.set()


@pytest.mark.wide
@pytest.mark.parametrize(
    "path", [method_path("ModelInfer"), "/grpc.health.v1.Health/Check"], ids=["inference", "health"]
)
def test_who_opens_all_calls_that_there_may_be_and_sends_nothing_keeps_nobody_out(tmp_path: Path, path: str) -> None:
    """They held every place until their connection ended, ten minutes later: without a credential, and no deadline
    that the service had set was theirs."""
    models = write_repository(tmp_path, {"same": identity()})
    with running_cloud(models, max_in_flight=4, longest_call_s=3.0) as cloud, _silent(cloud, path, 100) as calls:
        # Those beyond what may be are refused at once, and a quarter of the rest after a moment.
        eventually(lambda: sum(call.done() for call in calls) >= 100 - 51, within_s=30)
        with grpc.insecure_channel(cloud.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            assert Stub(channel).ModelInfer(REQUEST, timeout=30).model_name == "same"
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        eventually(lambda: all(call.done() for call in calls), within_s=30)
        codes = {call.code() for call in calls}
    assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}


@pytest.mark.wide
def test_whoever_is_unknown_is_told_so_before_a_message_is_waited_for(tmp_path: Path) -> None:
    keys = tmp_path / "keys.pem"
    keys.write_bytes(Issuer().public_pem)
    models = write_repository(tmp_path / "models", {"same": identity()})
    with (
        running_cloud(models, token_keys=keys, token_audience="nearfar") as cloud,
        _silent(cloud, method_path("ModelInfer"), 1) as (call,),
    ):
        assert call.exception(timeout=30).code() is grpc.StatusCode.UNAUTHENTICATED
        assert cloud.count("requests_total", method="ModelInfer", code="UNAUTHENTICATED") == 1


@pytest.mark.wide
def test_a_call_that_ends_without_a_message_is_refused_as_malformed(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        empty: Callable[..., object] = cloud.channel.stream_unary(
            method_path("ModelInfer"), request_serializer=bytes, response_deserializer=bytes
        )
        assert refused(lambda: empty(iter(()), timeout=30))[0] is Code.INVALID_INPUT
