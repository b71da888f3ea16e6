from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from cloud_service.config import Address
from cloud_service.errors import BindError
from cloud_service.http.reply import Reply
from cloud_service.http.server import HttpServer
from tests.builders.clouds import RunningCloud, running_cloud
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    root = write_repository(tmp_path_factory.mktemp("models"), {"good": identity(), "bad": {2: b"junk"}})
    with running_cloud(root) as cloud:
        yield cloud


def test_the_service_is_alive_although_it_is_not_ready(cloud: RunningCloud) -> None:
    assert cloud.http("/livez").status == 200
    assert cloud.http("/readyz").status == 503


def test_readyz_names_each_version_that_cannot_answer_and_why(cloud: RunningCloud) -> None:
    document = json.loads(cloud.http("/readyz").body)
    assert document["models"] == {"good": True, "bad": False}
    assert document["draining"] is False
    assert document["reason"] == "bad cannot answer, and should; see not_ready"
    (problem,) = document["not_ready"]
    assert (problem["model"], problem["version"]) == ("bad", 2)
    assert "the model file is refused: it is no ONNX model" in problem["reason"]


def test_readyz_is_200_when_every_model_can_answer(tmp_path: Path) -> None:
    write_repository(tmp_path, {"good": {1: identity(), 2: b"junk"}})
    with running_cloud(tmp_path) as cloud:
        answer = cloud.http("/readyz")
    assert answer.status == 200
    assert [problem["version"] for problem in json.loads(answer.body)["not_ready"]] == [2], (
        "told, although no hindrance"
    )


def test_a_service_without_models_serves_and_is_not_ready(tmp_path: Path) -> None:
    with running_cloud(tmp_path) as cloud:
        assert cloud.http("/livez").status == 200
        assert cloud.http("/readyz").status == 503


def test_a_repository_that_was_emptied_is_said_to_be_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Readiness was lost with no word of why, in the answer and in the log."""
    caplog.set_level(logging.INFO, "cloud_service.app")
    write_repository(tmp_path, {"m": identity()})
    with running_cloud(tmp_path, poll_s=0.05) as cloud:
        assert "reason" not in json.loads(cloud.http("/readyz").body)
        (tmp_path / "m").rename(tmp_path / ".m")
        eventually(lambda: cloud.http("/readyz").status == 503)
        assert json.loads(cloud.http("/readyz").body)["reason"].startswith("there is no model in the repository; add ")
        (tmp_path / ".m").rename(tmp_path / "m")
        eventually(lambda: cloud.http("/readyz").status == 200)
    told = [record.getMessage() for record in caplog.records if record.name == "cloud_service.app"]
    assert told[0].startswith("not ready: there is no model in the repository; add ")
    assert told[1:] == ["ready again"]


def test_metrics_are_prometheus_text(cloud: RunningCloud) -> None:
    answer = cloud.http("/metrics?debug=1")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE nearfar_cloud_requests_in_flight gauge" in answer.body


def test_head_answers_as_get_does_without_the_body(cloud: RunningCloud) -> None:
    head, get = cloud.http("/livez", "HEAD"), cloud.http("/livez")
    assert (head.status, head.body) == (200, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed_over_the_operations_port(cloud: RunningCloud, method: str) -> None:
    answer = cloud.http("/readyz", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_any_other_path_is_not_found(cloud: RunningCloud) -> None:
    assert {cloud.http(path).status for path in ("/", "/v2/models", "/livez/", "/../livez")} == {404}


def _serving(
    client: Callable[[Address], Coroutine[None, None, None]],
    *,
    exchange_s: float = 10,
    reply: Callable[[str], Reply] = lambda _: Reply(HTTPStatus.OK, "text/plain", b"ok"),
) -> None:
    async def main() -> None:
        server = HttpServer(reply, idle_s=exchange_s)
        address = await server.start(Address("127.0.0.1", 0))
        try:
            await client(address)
        finally:
            await server.stop()

    asyncio.run(main())


async def _sent(address: Address, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b" 200 OK", id="good"),
        pytest.param(b"GET /livez\r\n\r\n", b" 400 Bad Request", id="no version"),
        pytest.param(b"\x16\x03\x01\x02\r\n\r\n", b" 400 Bad Request", id="TLS to a plaintext port"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b" 400 Bad Request", id="HTTP/2"),
        pytest.param(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b" 431 ", id="endless head"),
        pytest.param(b"", b"", id="nothing until its time is up"),
        pytest.param(b"GET /livez HTTP/1.1\r\n", b"", id="half a request"),
    ],
)
def test_whatever_a_stranger_sends_is_answered_or_dropped(request_bytes: bytes, status: bytes) -> None:
    async def client(address: Address) -> None:
        answer = await _sent(address, request_bytes)
        # A head that cannot be read does not say which version of HTTP it is.
        assert answer[len("HTTP/1.1") :].startswith(status)
        assert bool(answer) == bool(status)
        assert (await _sent(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")

    _serving(client, exchange_s=0.3)


@pytest.mark.wide
def test_connections_are_bounded_and_come_free_again() -> None:
    async def client(address: Address) -> None:
        idle = [await asyncio.open_connection(address.host, address.port) for _ in range(32)]
        assert await _sent(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        for reader, _ in idle:
            await _dropped(reader)
        assert (await _sent(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, writer in idle:
            writer.close()

    _serving(client, exchange_s=2.0)


async def _dropped(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(10):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


def test_a_reply_that_fails_is_a_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    def reply(_: str) -> Reply:
        raise ValueError("canary")

    async def client(address: Address) -> None:
        answer = await _sent(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"canary" not in answer

    _serving(client, reply=reply)
    assert "canary" not in caplog.text
    assert "ValueError at test_operations_port.py" in caplog.text


def test_an_address_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(BindError, match=f"cannot listen on {address}"):
            asyncio.run(HttpServer(lambda _: Reply(HTTPStatus.OK, "", b"")).start(address))
