from __future__ import annotations

import socket
import sys
import threading

import pytest

from edge_agent.demo.cloud import CloudFailed, CloudProcess, serve_command
from edge_agent.demo.release import DemoRelease

pytestmark = pytest.mark.wide

WAIT_FOR_EVER = "import threading; threading.Event().wait()"
ADDRESSES = "print('grpc 127.0.0.1:1234'); print('http 127.0.0.1:5678')"


def python(code: str) -> CloudProcess:
    return CloudProcess([sys.executable, "-c", code])


def test_the_printed_addresses_are_read_among_other_lines() -> None:
    with python(f"print('loading'); {ADDRESSES}; {WAIT_FOR_EVER}") as cloud:
        assert (cloud.grpc, cloud.http) == (("127.0.0.1", 1234), ("127.0.0.1", 5678))


def test_a_service_that_ends_at_once_is_an_error_with_what_it_said() -> None:
    with pytest.raises(CloudFailed, match="exit code 3") as failed:
        python("import sys; print('no such folder', file=sys.stderr); sys.exit(3)").start()
    assert failed.value.said == ("no such folder",)
    assert "no such folder" in str(failed.value)


def test_a_service_that_says_nothing_is_ended_after_a_bounded_time() -> None:
    cloud = python(WAIT_FOR_EVER)
    with pytest.raises(CloudFailed, match=r"within 0\.2 s"):
        cloud.start(within_s=0.2)
    assert [thread for thread in threading.enumerate() if thread.name == "cloud-output"] == []


def test_a_service_that_prints_much_is_not_held_up() -> None:
    with python(f"for _ in range(5000): print('x' * 79)\n{ADDRESSES}") as cloud:
        assert cloud.grpc == ("127.0.0.1", 1234)


def test_stop_twice_does_no_harm_nor_does_stop_before_start() -> None:
    cloud = python(f"{ADDRESSES}; {WAIT_FOR_EVER}")
    cloud.stop()
    cloud.start()
    cloud.stop()
    cloud.stop()


def test_the_real_service_listens_until_it_is_stopped(made: DemoRelease) -> None:
    with CloudProcess(serve_command(made.models)) as cloud:
        for address in (cloud.grpc, cloud.http):
            socket.create_connection(address, timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(cloud.grpc, timeout=5)
