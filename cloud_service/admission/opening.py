"""The gate and the tenants that the settings ask for. The only part of this package that reads a file."""

from __future__ import annotations

from cloud_service.admission.gate import Gate
from cloud_service.admission.quotas import Quotas
from cloud_service.admission.tenants import MAX_BYTES, Tenants, parse_tenants
from cloud_service.config import Settings
from cloud_service.errors import SettingsError

__all__ = ["open_gate", "read_tenants"]


def open_gate(settings: Settings, tenants: Tenants) -> Gate:
    """Return the gate."""
    return Gate(
        runs=settings.threads,
        maximum=settings.max_in_flight,
        queue_target_s=settings.queue_target_ms / 1000,
        quotas=Quotas(tenants),
    )


def read_tenants(settings: Settings) -> Tenants:
    """Return who may have what. Raises SettingsError: for a tenants document that cannot be read."""
    if settings.tenants is None:
        return Tenants()
    try:
        with settings.tenants.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError("tenants", f"{settings.tenants} cannot be read ({error.strerror})") from error
    return parse_tenants(content, str(settings.tenants))
