from __future__ import annotations

import socket
import sys

import pytest

from cloud_service.config import Address
from cloud_service.errors import BindError
from cloud_service.processes.ports import reserved

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ports are shared on Linux alone")


def test_a_port_is_held_for_several_listeners_and_takes_no_call_itself() -> None:
    with reserved(Address("127.0.0.1", 0)) as address:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port))
        with (
            socket.create_server((address.host, address.port), reuse_port=True),
            socket.create_server((address.host, address.port), reuse_port=True),
            socket.create_connection((address.host, address.port)),
        ):
            pass


@pytest.mark.parametrize("shared", [True, False])
def test_a_port_of_another_service_is_refused_although_it_could_be_shared(shared: bool) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=shared) as other:
        address = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(BindError, match=str(address)), reserved(address):
            pass


def test_a_port_can_be_taken_again_after_a_service_with_connections_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ended:
        address = Address("127.0.0.1", ended.getsockname()[1])
        with socket.create_connection((address.host, address.port)) as client:
            served, _ = ended.accept()
            served.close()  # this side ends it, and lingers
            client.recv(1)
    with reserved(address) as again:
        assert again == address


def test_an_address_of_no_machine_is_refused() -> None:
    with pytest.raises(BindError), reserved(Address("192.0.2.1", 0)):
        pass
