from __future__ import annotations

import pytest

from cloud_service.config import Address, read_settings
from cloud_service.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("127.0.0.1:8001", Address("127.0.0.1", 8001), id="IPv4"),
        pytest.param("[::1]:0", Address("::1", 0), id="IPv6, any free port"),
        pytest.param("localhost:65535", Address("localhost", 65535), id="name, last port"),
    ],
)
def test_an_address_is_written_as_it_is_read(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "8001", ":8001", "host:", "host:http", "host:65536", "host:-1", "::1:80", "host:²"], ids=repr
)
def test_what_is_not_an_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"such as 127\.0\.0\.1:8001") as caught:
        read_settings({"models": "m", "grpc": text})
    assert caught.value.setting == "grpc"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_plaintext_is_served_on_loopback(host: str) -> None:
    assert read_settings({"models": "m", "grpc": Address(host, 0), "http": Address(host, 0)}).grpc.is_loopback


@pytest.mark.parametrize(("setting", "flag"), [("grpc", "plaintext"), ("rest", "plaintext"), ("http", "operations")])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org"])
def test_plaintext_beyond_loopback_has_to_be_asked_for_in_so_many_words(setting: str, flag: str, host: str) -> None:
    values = {"models": "m", setting: Address(host, 8001)}
    with pytest.raises(SettingsError, match=f"{setting}: .* pass --{flag}-beyond-loopback"):
        read_settings(values)
    assert read_settings({**values, f"{flag}_beyond_loopback": True})
    assert read_settings({**values, "plaintext_beyond_loopback": True})


def test_letting_prometheus_in_does_not_let_plaintext_inference_out() -> None:
    with pytest.raises(SettingsError, match=r"grpc: .* pass --plaintext-beyond-loopback"):
        read_settings({"models": "m", "grpc": Address("0.0.0.0", 8001), "operations_beyond_loopback": True})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("threads", 0),
        ("max_in_flight", 0),
        ("max_message_bytes", -1),
        ("longest_call_s", float("nan")),
        ("longest_call_s", 0),
        ("drain_s", float("inf")),
        ("drain_s", "soon"),
        ("theads", 4),
    ],
)
def test_a_wrong_setting_is_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"models": "m", setting: value})
    assert caught.value.setting == setting


def test_the_models_have_to_be_named() -> None:
    with pytest.raises(SettingsError, match="models"):
        read_settings({})


def test_defaults_stay_on_this_machine_and_have_bounds() -> None:
    settings = read_settings({"models": "m"})
    assert settings.grpc.is_loopback
    assert settings.http.is_loopback
    assert settings.max_message_bytes == 16 << 20
    assert settings.max_message_bytes * settings.max_in_flight == 1 << 30
