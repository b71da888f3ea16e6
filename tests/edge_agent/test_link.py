"""The link is what other tests and the demo trust, so it is tested with plain sockets alone."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from edge_agent.testing.carry import Carrier
from edge_agent.testing.faults import End
from edge_agent.testing.link import Faults, FaultyLink

pytestmark = pytest.mark.wide

TIMEOUT_S = 10.0
MESSAGE = bytes(range(256)) * 4


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while piece := self.request.recv(65536):
                self.request.sendall(piece)


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
        thread.join(TIMEOUT_S)


@pytest.fixture
def link(echo: tuple[str, int]) -> Iterator[FaultyLink]:
    with FaultyLink(echo) as link:
        yield link


def test_both_ends_may_be_told_as_an_agent_s_configuration_has_them(echo: tuple[str, int]) -> None:
    """FakeCloud tells its address as text, which the link did not take, and the agent did not take the link's."""
    with FaultyLink(f"{echo[0]}:{echo[1]}") as link:
        host, port = link.endpoint.split(":")
        assert (host, int(port)) == link.address
        with connect(link) as client:
            ask(client)
    assert link.bytes_up == len(MESSAGE)


def connect(link: FaultyLink) -> socket.socket:
    return socket.create_connection(link.address, timeout=TIMEOUT_S)


def receive(client: socket.socket, size: int) -> bytes:
    """Return `size` bytes, or what came before the end of the stream."""
    received = b""
    while len(received) < size and (piece := client.recv(size - len(received))):
        received += piece
    return received


def ask(client: socket.socket, message: bytes = MESSAGE) -> float:
    """Send `message`, expect it back, and return how long that took."""
    started = time.monotonic()
    client.sendall(message)
    assert receive(client, len(message)) == message
    return time.monotonic() - started


def is_reset(client: socket.socket) -> bool:
    """Tell whether the connection ends with a reset rather than in good order."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def test_a_good_link_carries_and_counts_what_went_each_way(link: FaultyLink) -> None:
    with connect(link) as first, connect(link) as second:
        ask(first)
        ask(second, b"two")
    assert (link.connections, link.bytes_up, link.bytes_down) == (2, len(MESSAGE) + 3, len(MESSAGE) + 3)


def test_the_end_of_a_stream_travels_behind_its_bytes(link: FaultyLink) -> None:
    link.faults = Faults(latency_s=0.02)
    with connect(link) as client:
        client.sendall(MESSAGE)
        client.shutdown(socket.SHUT_WR)
        assert receive(client, len(MESSAGE) + 1) == MESSAGE


def test_latency_is_added_each_way_on_a_connection_that_is_live(link: FaultyLink) -> None:
    with connect(link) as client:
        ask(client)
        link.faults = Faults(latency_s=0.05)
        assert ask(client) >= 0.1
        link.faults = Faults()
        assert ask(client) < 0.1


def test_latency_does_not_throttle(link: FaultyLink) -> None:
    link.faults = Faults(latency_s=0.1)
    with connect(link) as client:
        # One after another, the 16 KiB pieces of 2 MiB would take 12 s each way.
        reader = threading.Thread(target=lambda: received.append(receive(client, 2 << 20)))
        received: list[bytes] = []
        started = time.monotonic()
        reader.start()
        client.sendall(bytes(2 << 20))
        reader.join(TIMEOUT_S)
    assert len(received[0]) == 2 << 20
    assert time.monotonic() - started < 3


def test_bandwidth_bounds_what_goes_through(link: FaultyLink) -> None:
    link.faults = Faults(bandwidth_bytes_s=20_000)
    with connect(link) as client:
        assert ask(client, bytes(4_000)) >= 0.2


def test_bandwidth_is_shared_by_connections(link: FaultyLink) -> None:
    link.faults = Faults(bandwidth_bytes_s=20_000)
    started = time.monotonic()
    with connect(link) as first, connect(link) as second:
        for client in (first, second):
            client.sendall(bytes(2_000))
        for client in (first, second):
            receive(client, 2_000)
    assert time.monotonic() - started >= 0.2


def test_slices_arrive_in_pieces_and_whole(link: FaultyLink) -> None:
    link.faults = Faults(slice_bytes=1)
    with connect(link) as client:
        client.sendall(MESSAGE * 4)
        first = client.recv(65536)
        assert len(first) < len(MESSAGE * 4)
        assert first + receive(client, len(MESSAGE * 4) - len(first)) == MESSAGE * 4


def test_a_black_hole_accepts_and_counts_and_delivers_nothing(link: FaultyLink) -> None:
    link.faults = Faults(black_hole=True)
    with connect(link) as client:
        client.sendall(MESSAGE)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert (link.bytes_up, link.bytes_down) == (len(MESSAGE), 0)


def test_what_a_black_hole_held_arrives_when_it_ends(link: FaultyLink) -> None:
    with connect(link) as client:
        ask(client)
        link.faults = Faults(black_hole=True)
        client.sendall(MESSAGE)
        link.faults = Faults()
        assert receive(client, len(MESSAGE)) == MESSAGE


def test_a_reset_comes_after_so_many_bytes_counted_from_when_it_was_set(link: FaultyLink) -> None:
    with connect(link) as client:
        ask(client)
        link.faults = Faults(reset_after_bytes=100)
        client.sendall(MESSAGE)
        assert is_reset(client)
    assert link.bytes_down == len(MESSAGE) + 100


def test_a_close_comes_in_good_order_and_leaves_a_prefix(link: FaultyLink) -> None:
    link.faults = Faults(close_after_bytes=100)
    with connect(link) as client:
        client.sendall(MESSAGE)
        assert receive(client, len(MESSAGE)) == MESSAGE[:100]


def test_down_refuses_and_resets_and_up_is_the_same_port(link: FaultyLink) -> None:
    address = link.address
    with connect(link) as client:
        ask(client)
        link.down()
        assert is_reset(client)
    with pytest.raises(ConnectionRefusedError):
        connect(link)
    link.up()
    assert link.address == address
    with connect(link) as client:
        ask(client)
    assert link.connections == 2


def test_down_leaves_no_connection_open_that_comes_in_the_same_moment(link: FaultyLink) -> None:
    """A connection that came while the listener closed once stayed open, and its client waited for ever."""
    for _ in range(20):
        with connect(link) as client:
            link.down()
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
        link.up()


def test_down_and_up_twice_do_no_harm(link: FaultyLink) -> None:
    for change in (link.up, link.down, link.down, link.up):
        change()
    with connect(link) as client:
        ask(client)


def test_nobody_behind_the_link_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()
    # The reset may come so soon that connecting already tells of it.
    with FaultyLink(free) as link, pytest.raises(ConnectionResetError), connect(link) as client:
        client.recv(1)


def test_stop_resets_what_is_live_and_leaves_no_thread(echo: tuple[str, int]) -> None:
    before = set(threading.enumerate())
    link = FaultyLink(echo).start()
    link.faults = Faults(black_hole=True)
    with connect(link) as client:
        client.sendall(MESSAGE)
        link.stop()
        link.stop()
        assert is_reset(client)
    assert [thread.name for thread in set(threading.enumerate()) - before if thread.name == "faulty-link"] == []


def test_a_link_that_is_not_running_says_so(echo: tuple[str, int]) -> None:
    with pytest.raises(RuntimeError, match="call start"):
        FaultyLink(echo).down()


@pytest.mark.parametrize("wrong", [{"slice_bytes": 0}, {"bandwidth_bytes_s": 0.0}, {"bandwidth_bytes_s": float("nan")}])
def test_faults_that_could_never_end_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Faults(**wrong)  # type: ignore[arg-type]  # a table of different fields


@pytest.mark.parametrize(
    ("faults", "delivered", "wanted"),
    [
        pytest.param(Faults(), 5, None, id="none-set"),
        pytest.param(Faults(reset_after_bytes=7), 5, (2, End.RESET), id="reset-in-two"),
        pytest.param(Faults(close_after_bytes=7), 9, (0, End.CLOSE), id="overdue-is-now"),
        pytest.param(Faults(reset_after_bytes=9, close_after_bytes=7), 5, (2, End.CLOSE), id="the-nearer-one"),
    ],
)
def test_the_end_that_comes_first_ends_the_connection(
    faults: Faults, delivered: int, wanted: tuple[int, End] | None
) -> None:
    assert faults.before_end(delivered) == wanted


def test_a_carrier_of_ones_own_says_when_each_piece_arrives(echo: tuple[str, int]) -> None:
    asked: list[tuple[int, bool]] = []

    class Late(Carrier):
        def due(self, size_bytes: int, upward: bool) -> float:
            asked.append((size_bytes, upward))
            return super().due(size_bytes, upward) + (0.2 if upward else 0.0)

    with FaultyLink(echo, carrier=Late()) as link, connect(link) as client:
        assert ask(client) >= 0.2
        assert {upward for _, upward in asked} == {True, False}
        assert sum(size for size, upward in asked if upward) == link.bytes_up == len(MESSAGE)
