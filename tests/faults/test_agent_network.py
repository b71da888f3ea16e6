"""The link is bad: the device answers in time, the receipt says why, and nobody asks more often than is good."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import grpc
import numpy as np
import pytest

from edge_agent import RemoteConfig, SignalsConfig
from edge_agent.testing import FakeClock, Faults, Script
from router.types import BreakerPhase
from tests.builders.scenes import Scene, X, agents_threads
from tests.builders.waiting import eventually
from tests.builders.watched import GRACE_S

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)


def test_A1_a_refused_connection_is_one_failed_attempt_and_the_device_answers(scene: Scene) -> None:
    scene.link.down()
    with scene.agent(signals=UNPROBED) as watched:
        result = watched.infer("tiny", X)
        assert result.target == "device"
        assert [(f.target, f.code) for f in result.receipt.failures] == [("cloud", "UNAVAILABLE")]
        assert "cloud failed (UNAVAILABLE)" in result.reason
        assert "no connection to it came about: see that it runs" in str(result.receipt)
        assert not result.receipt.sent
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED
        for _ in range(4):
            watched.infer("tiny", X)
        assert watched.agent.core.phase("cloud") is BreakerPhase.OPEN


def test_A2_into_a_black_hole_the_device_is_asked_at_the_clouds_share_of_the_deadline(scene: Scene) -> None:
    scene.link.faults = Faults(black_hole=True)
    threads = agents_threads()
    with scene.agent() as watched:
        result = watched.infer("tiny", X, deadline_ms=300)
        assert result.target == "device"
        assert [f.code for f in result.receipt.failures] == ["DEADLINE_EXCEEDED"]
        assert result.decision.plan is not None
        assert result.decision.plan.backup is not None
        share_s = 0.3 - result.decision.plan.backup.before_s
        # Not the few milliseconds that a busy thread of the host app keeps the interpreter for.
        assert share_s <= 0.29
        assert share_s <= result.receipt.duration_s < 0.3 + GRACE_S
    eventually(lambda: agents_threads() <= threads)


def test_A2_a_short_deadline_is_the_apps_own_affair_and_opens_no_breaker(scene: Scene) -> None:
    with scene.agent(rules="[targets.cloud]\nprior_ms = [500.0, 900.0]\n", signals=UNPROBED) as watched:
        scene.link.faults = Faults(black_hole=True)
        for _ in range(8):
            assert watched.infer("tiny", X, deadline_ms=60).target == "device"
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED


def test_a_slow_network_is_one_that_can_be_connected_over(scene: Scene) -> None:
    """Each attempt to connect was cut off after 100 ms, so that nobody on a cellular network ever reached the cloud."""
    scene.link.faults = Faults(latency_s=0.2)
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        assert watched.infer("tiny", X, deadline_ms=5000).target == "cloud"


# A second is worth two wrong answers: the cloud, half as often wrong as the device, is worth some 25 ms.
IN_A_HURRY = "[worth]\nsecond = 2.0\n[estimates]\nforget_after_s = 1.0\n[targets.cloud]\nprior_ms = [0.5, 5.0]\n"


def test_A3_when_the_link_turns_slow_the_device_takes_over_and_hands_back(scene: Scene) -> None:
    with scene.agent("auto", rules=IN_A_HURRY) as watched:

        def target() -> str:
            return watched.infer("tiny", X, deadline_ms=2000).target

        eventually(lambda: target() == "cloud")
        assert [target() for _ in range(5)] == ["cloud"] * 5
        scene.link.faults = Faults(latency_s=0.1)
        targets = [target() for _ in range(20)]
        assert targets[-1] == "device"
        assert targets.count("cloud") <= 5
        assert sum(one != other for one, other in pairwise(targets)) <= 1
        scene.link.faults = Faults()
        eventually(lambda: target() == "cloud")


def test_A4_while_the_link_flaps_every_request_is_answered_once_and_asked_once(scene: Scene) -> None:
    stop = threading.Event()

    def flap() -> None:
        while not stop.wait(0.15):
            scene.link.down()
            stop.wait(0.15)
            scene.link.up()

    flapping = threading.Thread(target=flap)
    with scene.agent(signals=UNPROBED, rules="[breaker]\nopen_s = 0.1\nmax_open_s = 0.1\n") as watched:
        flapping.start()
        try:
            began = watched.agent.core.clock()
            requests = 0
            while watched.agent.core.clock() - began < 1.5:
                watched.infer("tiny", X)
                requests += 1
        finally:
            stop.set()
            flapping.join()
        assert scene.cloud.calls["ModelInfer"] <= requests
        # The channel pauses between attempts to connect, for 100 ms and more, whatever is asked of it.
        assert scene.link.connections <= 1.5 / 0.1 + 1


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults(reset_after_bytes=30), id="A5_reset"),
        pytest.param(Faults(close_after_bytes=30), id="A8_close"),
        pytest.param(Faults(reset_after_bytes=30, slice_bytes=1), id="A5_reset_between_slices"),
    ],
)
def test_A5_A8_half_an_answer_is_no_answer(scene: Scene, faults: Faults) -> None:
    with scene.agent(signals=UNPROBED) as watched:
        assert watched.infer("tiny", X).target == "cloud"
        scene.link.faults = faults
        result = watched.infer("tiny", X)
        assert result.target == "device"
        assert [f.code for f in result.receipt.failures] == ["UNAVAILABLE"]
        assert scene.cloud.calls["ModelInfer"] <= 2  # never asked again
        scene.link.faults = Faults()
        eventually(lambda: watched.infer("tiny", X).target == "cloud")


def test_A6_after_one_slow_upload_large_inputs_stay_here_untried_and_small_ones_do_not(scene: Scene) -> None:
    large = {"x": np.ones((1250, 4), np.float32)}  # 20 kB
    # Here a second is worth a fifth of a wrong answer: a quarter of a second, and no more, is worth spending.
    with scene.agent("auto", rules="[worth]\nsecond = 0.2\n[targets.cloud]\nprior_ms = [0.5, 5.0]\n") as watched:
        assert watched.infer("tiny", X, deadline_ms=2000).target == "cloud"
        eventually(lambda: any(s.name == "rtt_ms.cloud" and s.fresh for s in watched.agent.signals()))
        scene.link.faults = Faults(bandwidth_bytes_s=8000)
        result = watched.infer("tiny", large, deadline_ms=20_000)
        assert result.target == "cloud"
        assert result.receipt.duration_s > 2
        calls, sent = scene.cloud.calls["ModelInfer"], scene.link.bytes_up
        for _ in range(5):
            assert watched.infer("tiny", large, deadline_ms=20_000).target == "device"
        assert scene.cloud.calls["ModelInfer"] == calls
        assert scene.link.bytes_up - sent < 5000  # probes alone
        assert watched.infer("tiny", X, deadline_ms=20_000).target == "cloud"


def test_A7_an_answer_in_pieces_of_one_byte_is_the_same_answer(scene: Scene) -> None:
    with scene.agent(signals=UNPROBED) as watched:
        whole = watched.infer("tiny", X)
        scene.link.faults = Faults(slice_bytes=1)
        sliced = watched.infer("tiny", X)
        assert whole.target == sliced.target == "cloud"
        np.testing.assert_array_equal(whole.outputs["probabilities"], sliced.outputs["probabilities"])


@contextmanager
def _answering(reply: bytes) -> Iterator[str]:
    """A port where everybody is told the same, whatever they ask."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):  # closing the listener ends it
            while True:
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    client.recv(4096)
                    client.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


PAGE = b"Content-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>pay</html>"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + PAGE, id="captive_portal"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n" + PAGE, id="redirect"),
        pytest.param(b"HTTP/1.0 200 OK\r\n" + PAGE, id="old_proxy"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="ssh"),
        pytest.param(bytes(100), id="zeros"),
    ],
)
def test_A14_what_does_not_speak_the_protocol_is_told_as_that(scene: Scene, reply: bytes) -> None:
    with _answering(reply) as address, scene.agent(targets={"cloud": RemoteConfig(address=address)}) as watched:
        result = watched.infer("tiny", X)
        assert result.target == "device"
        [failure] = result.receipt.failures
        assert (failure.code, failure.security) == ("PROTOCOL_ERROR", False)
        assert "captive portal" in failure.detail
        assert "pay" not in str(result.receipt)


def test_A14_an_http_page_in_the_answer_to_a_call_is_no_answer(scene: Scene) -> None:
    """A proxy that takes the connection, and puts its page where the reply should be."""
    with scene.agent(signals=UNPROBED) as watched:
        scene.cloud.script = Script(fails=grpc.StatusCode.UNKNOWN, details="Received http2 header with status: 503")
        result = watched.infer("tiny", X)
        assert (result.target, result.receipt.failures[0].code) == ("device", "PROTOCOL_ERROR")


def test_A16_a_pause_of_the_breaker_is_measured_by_the_monotonic_clock_alone(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        for _ in range(5):
            watched.infer("tiny", X)
        assert watched.agent.core.phase("cloud") is BreakerPhase.OPEN
        clock.advance(8 * 3600)
        scene.cloud.script = Script()
        assert watched.infer("tiny", X).target == "cloud"
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED
