"""A13: what a name server says of the cloud's name, and what becomes of requests meanwhile.

The agent's channel resolves names, as gRPC does; here it is told to ask a name server of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from edge_agent import SignalsConfig
from tests.builders.names import NameServer
from tests.builders.scenes import Scene, X, host_port
from tests.builders.waiting import eventually
from tests.builders.watched import Watched

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 on its loopback interface"),
]

_PATIENT = "[breaker]\nconsecutive = 1000\nmin_calls = 1000\n[throttle]\nmin_rps = 1000.0\n"
_UNPROBED = SignalsConfig(round_trip_s=15)
_NOBODY_THERE = "127.0.0.99"


@contextmanager
def _named(scene: Scene, names: NameServer, *, resolve_ms: int | None = None) -> Iterator[Watched]:
    """An agent that knows the cloud by name; `resolve_ms` in the place of what ships, which a test cannot wait for."""
    with scene.agent(rules=_PATIENT, targets={"cloud": {"address": scene.cloud.address}}, signals=_UNPROBED) as watched:
        assert watched.agent.core.door is not None
        remote = watched.agent.core.door.remotes["cloud"]
        remote.endpoint = names.endpoint("cloud.test", host_port(scene.cloud.address)[1])
        if resolve_ms is not None:
            name = "grpc.dns_min_time_between_resolutions_ms"
            options: list[tuple[str, Any]] = [option for option in remote._options if option[0] != name]
            assert len(options) == len(remote._options) - 1, "it is set"
            remote._options = [*options, (name, resolve_ms)]
        yield watched


@pytest.mark.parametrize("addresses", [None, ()], ids=["no such name", "a name without an address"])
def test_A13_while_the_name_leads_nowhere_the_device_answers_and_the_name_server_is_not_flooded(
    scene: Scene, addresses: Sequence[str] | None
) -> None:
    with NameServer() as names, _named(scene, names) as watched:
        names.addresses = addresses
        for _ in range(30):
            result = watched.infer("tiny", X)
            assert (result.target, [f.code for f in result.receipt.failures]) == ("device", ["UNAVAILABLE"])
            assert not any(f.security for f in result.receipt.failures)
            assert not result.receipt.sent
        assert 1 <= names.asked <= 5
    assert not scene.cloud.calls


def test_A13_of_a_hundred_addresses_the_one_that_answers_is_used(scene: Scene) -> None:
    with NameServer() as names, _named(scene, names) as watched:
        names.addresses = [*(f"127.0.0.{number}" for number in range(100, 199)), "127.0.0.1"]
        assert watched.infer("tiny", X, deadline_ms=5000).target == "cloud"


@pytest.mark.parametrize("before", [None, (), (_NOBODY_THERE,)], ids=["no such name", "no address", "an old address"])
def test_A13_a_new_address_is_used_within_the_time_that_is_set(scene: Scene, before: Sequence[str] | None) -> None:
    with NameServer() as names, _named(scene, names, resolve_ms=50) as watched:
        names.addresses = before
        assert watched.infer("tiny", X).target == "device"
        names.addresses = ("127.0.0.1",)
        eventually(lambda: watched.infer("tiny", X).target == "cloud")
