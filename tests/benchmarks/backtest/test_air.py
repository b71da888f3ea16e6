"""What the proxy plays, on plain sockets. Lower bounds alone: a busy machine is later than any of them, not earlier."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.backtest.air import Air
from edge_agent.testing import FaultyLink
from router.simulate.capacity import Rates
from router.simulate.curve import Curve, Steps
from router.simulate.link import LinkModel
from tests.router.simulate.worlds import link, radio

pytestmark = pytest.mark.wide

TIMEOUT_S = 20.0
RTT_S = 0.1
AWAKE = radio(wake_s=Curve([(0.0, 0.0)]))


class _Echo(socketserver.BaseRequestHandler):
    """Answers each hundred bytes with one."""

    def handle(self) -> None:
        received = 0
        with contextlib.suppress(OSError):
            while piece := self.request.recv(65536):
                received += len(piece)
                self.request.sendall(b"." * (received // 100))
                received %= 100


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
        thread.join(TIMEOUT_S)


@contextlib.contextmanager
def connected(echo: tuple[str, int], model: LinkModel) -> Iterator[socket.socket]:
    with (
        FaultyLink(echo, carrier=Air(model, 1)) as played,
        socket.create_connection(played.address, timeout=TIMEOUT_S) as client,
    ):
        yield client


def ask(client: socket.socket, size_bytes: int = 100) -> float:
    """Send so much, wait for the whole answer, and return how long that took."""
    started, left = time.monotonic(), size_bytes // 100
    client.sendall(b"?" * size_bytes)
    while left:
        left -= len(client.recv(left))
    return time.monotonic() - started


def test_an_exchange_takes_the_round_trip_and_the_first_one_its_connection_s_as_well(echo: tuple[str, int]) -> None:
    model = link(rtt_s=Steps([(0.0, RTT_S)]), radio=AWAKE)
    started = time.monotonic()
    with connected(echo, model) as client:
        ask(client)
        assert time.monotonic() - started >= 2.5 * RTT_S
        assert ask(client) >= RTT_S


@pytest.mark.parametrize(("up", "down"), [(0.8, 800.0), (800.0, 0.008)], ids=["up", "down"])
def test_bytes_take_as_long_as_the_recorded_pace_says(echo: tuple[str, int], up: float, down: float) -> None:
    slow = link(rtt_s=Steps([(0.0, 0.0)]), up=Rates([(0.0, up)]), down=Rates([(0.0, down)]), radio=AWAKE)
    with connected(echo, slow) as client:
        # 40 kB at 100 kB/s, or 400 bytes at 1 kB/s.
        assert ask(client, 40_000) >= 0.4


def test_whatever_is_sent_over_a_radio_that_sleeps_waits_for_it(echo: tuple[str, int]) -> None:
    sleepy = link(rtt_s=Steps([(0.0, 0.0)]), radio=radio(wake_s=Curve([(0.0, 0.2)])))
    with connected(echo, sleepy) as client:
        assert ask(client) >= 0.2
        assert ask(client) >= 0.2


def test_a_recording_begins_when_it_is_told_to(echo: tuple[str, int]) -> None:
    model = link(rtt_s=Steps([(0.0, 0.0), (0.5, 0.3)]), radio=AWAKE)
    air = Air(model, 1)
    with FaultyLink(echo, carrier=air) as played:
        air.begin(time.monotonic() - 60.0)
        with socket.create_connection(played.address, timeout=TIMEOUT_S) as client:
            ask(client)
            assert ask(client) >= 0.3
