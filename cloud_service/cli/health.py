"""`nearfar-cloud health`: ask a service how it is, as gRPC's own health service tells it.

For containers without a shell, whose health check is this command. Prints one word."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.config import Address, Settings
from cloud_service.errors import SettingsError
from cloud_service.sources import PREFIX

__all__ = ["ask"]


def ask(given: Mapping[str, Any], environment: Mapping[str, str]) -> int:  # Any: each flag's own type
    """Ask, print what came back, and return the exit code: 0 for a service, or a model, that can answer, else 1.

    Raises SettingsError: where the question itself is wrong."""
    target = _target(given["target"], environment)
    with _channel(target, given) as channel:
        request = health_pb2.HealthCheckRequest(service=given["model"])
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=given["timeout_s"])
        except grpc.RpcError as error:
            print(f"nearfar-cloud: {target} {_why(error.code(), given['model'])}", file=sys.stderr)
            return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


def _why(status: grpc.StatusCode, model: str) -> str:
    if status is grpc.StatusCode.NOT_FOUND:
        return f"knows no model {model!r}"
    advice = "; check the address, and on both sides whether TLS is spoken"
    return f"does not answer ({status.name}){advice if status is grpc.StatusCode.UNAVAILABLE else ''}"


def _target(given: str | None, environment: Mapping[str, str]) -> Address:
    if given is not None:
        return _address("target", given)
    address = _address("grpc", environment.get(f"{PREFIX}GRPC") or str(Settings.model_fields["grpc"].default))
    # Who listens on every address is asked on this machine's own.
    try:
        everywhere = ipaddress.ip_address(address.host).is_unspecified
    except ValueError:
        everywhere = False
    return Address("::1" if ":" in address.host else "127.0.0.1", address.port) if everywhere else address


def _address(setting: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise SettingsError(setting, str(error)) from error


def _channel(target: Address, given: Mapping[str, Any]) -> grpc.Channel:  # Any: each flag's own type
    if given["ca"] is None:
        for flag in ("cert", "key", "server_name"):
            if given[flag] is not None:
                raise SettingsError(flag, "is for TLS; add --ca")
        return grpc.insecure_channel(str(target))
    credentials = grpc.ssl_channel_credentials(_read("ca", given), _read("key", given), _read("cert", given))
    name = given["server_name"]
    return grpc.secure_channel(
        str(target), credentials, options=[("grpc.ssl_target_name_override", name)] if name else []
    )


def _read(flag: str, given: Mapping[str, Any]) -> bytes | None:  # Any: each flag's own type
    path: Path | None = given[flag]
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(flag, f"{path} cannot be read: {error.strerror}") from error
