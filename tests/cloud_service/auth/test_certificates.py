"""What is served, and who a client's certificate says it is."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_service.auth.certificates import Material, ServerTls, client_names, client_names_in
from cloud_service.auth.material import TlsFiles, read_material, refuse_expired
from cloud_service.errors import SettingsError
from tests.builders.certificates import Authority

Pair = tuple[Path, Path]
_DAY_S = 86_400


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


def test_it_is_known_until_when_a_certificate_holds(ours: Authority) -> None:
    expires_utc = read_material(TlsFiles(*ours.issue("localhost"))).expires_utc
    assert 28 * _DAY_S < expires_utc - time.time() < 30 * _DAY_S


def test_a_certificate_that_has_expired_takes_no_good_ones_place(ours: Authority) -> None:
    """An old certificate that was put back was served, and every client turned away."""
    good, expired = (read_material(TlsFiles(*ours.issue("localhost", expired=old))) for old in (False, True))
    with pytest.raises(SettingsError, match=r"has expired at .+Z; put one there that holds") as caught:
        refuse_expired(good, expired)
    assert caught.value.setting == "tls_certificate"
    refuse_expired(expired, good)
    refuse_expired(good, good)
    refuse_expired(good, expired, clock_utc=lambda: good.own_expires_utc)  # neither is better


def test_a_key_is_in_no_text_of_what_was_read(ours: Authority) -> None:
    assert "PRIVATE" not in repr(read_material(TlsFiles(*ours.issue("localhost"))))


def _gone(pair: Pair, _: Pair) -> None:
    pair[0].unlink()


def _other_key(pair: Pair, other: Pair) -> None:
    pair[1].write_bytes(other[1].read_bytes())


def _swapped(pair: Pair, _: Pair) -> None:
    chain, key = (file.read_bytes() for file in pair)
    pair[0].write_bytes(key)
    pair[1].write_bytes(chain)


def _half_key(pair: Pair, _: Pair) -> None:
    pair[1].write_bytes(pair[1].read_bytes()[:100])


@pytest.mark.parametrize(
    ("spoil", "setting", "problem"),
    [
        pytest.param(_gone, "tls_certificate", "cannot be read", id="gone"),
        pytest.param(_other_key, "tls_key", "is not the key of", id="another_key"),
        pytest.param(_swapped, "tls_certificate", "no PEM certificate", id="swapped"),
        pytest.param(_half_key, "tls_key", "no PEM private key", id="half_a_key"),
    ],
)
def test_files_that_do_not_go_together_are_told_by_setting_and_nothing_of_them(
    ours: Authority, spoil: Callable[[Pair, Pair], None], setting: str, problem: str
) -> None:
    pair = ours.issue("localhost")
    key_lines = pair[1].read_text().splitlines()
    spoil(pair, ours.issue("localhost"))
    with pytest.raises(SettingsError, match=problem) as caught:
        read_material(TlsFiles(*pair))
    assert caught.value.setting == setting
    assert not any(line in str(caught.value) for line in key_lines)


@pytest.mark.parametrize(
    ("uris", "dns", "common", "names"),
    [
        pytest.param(["urn:a", "spiffe://t/a"], ["a.test"], ["a"], ["spiffe://t/a", "urn:a", "a.test", "a"], id="all"),
        pytest.param([], [], ["a"], ["a"], id="subject_alone"),
        pytest.param([], [], [], [], id="nobody"),
        pytest.param([""], ["a\x00.test"], ["a" * 257], [], id="no_names"),
    ],
)
def test_the_name_that_says_most_comes_first(
    uris: list[str], dns: list[str], common: list[str], names: list[str]
) -> None:
    assert client_names(uris, dns, common) == names


def test_the_names_are_found_in_what_python_makes_of_a_certificate() -> None:
    certificate = {
        "subject": ((("organizationName", "nearfar"),), (("commonName", "a"),)),
        "subjectAltName": (("DNS", "a.test"), ("IP Address", "127.0.0.1"), ("URI", "spiffe://t/a")),
    }
    assert client_names_in(certificate) == ["spiffe://t/a", "a.test", "a"]
    assert client_names_in(None) == client_names_in({}) == []


@pytest.mark.wide
def test_an_open_port_serves_the_newest_certificate_and_asks_for_clients_of_the_newest_authority(
    tmp_path: Path, ours: Authority
) -> None:
    theirs = Authority(tmp_path / "theirs")
    old = read_material(TlsFiles(*ours.issue("localhost"), ours.file))
    new = read_material(TlsFiles(*theirs.issue("localhost"), theirs.file))
    in_use: list[Material] = [old]
    tls = ServerTls(lambda: in_use[0])

    async def names(port: int, client: Authority, identity: Pair | None = None) -> str:
        context = ssl.create_default_context(cafile=client.file)
        if identity is not None:
            context.load_cert_chain(*identity)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            told = await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            return "refused"
        writer.close()
        return told.decode() or "refused"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(client_names_in(writer.get_extra_info("peercert"))[0].encode())
        writer.close()

    async def all_of_it() -> list[str]:
        async with asyncio.timeout(20), await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls.context) as server:
            port = server.sockets[0].getsockname()[1]
            first = [
                await names(port, ours, ours.issue_client(common_name="a")),
                await names(port, ours),
                await names(port, ours, theirs.issue_client(common_name="b")),
            ]
            in_use[0] = new
            return [
                *first,
                await names(port, theirs, theirs.issue_client(common_name="b")),
                await names(port, theirs, ours.issue_client(common_name="a")),
                await names(port, ours, ours.issue_client(common_name="a")),
            ]

    assert asyncio.run(all_of_it()) == ["a", "refused", "refused", "b", "refused", "refused"]
