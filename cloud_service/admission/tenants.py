"""The tenants document: what each tenant may have of the service, as the operator writes it. Pure.

    [default]                      # every tenant that is not named, each for itself
    requests_per_s = 20
    in_flight = 8

    [tenants.reports]              # what is not said here is the default's
    best_priority = 2              # its calls can wait, whatever they say

What stands nowhere is unbounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_service.errors import SettingsError
from router.errors import DocumentError
from router.toml.document import read_document

__all__ = ["MAX_BYTES", "Tenants", "Terms", "parse_tenants"]

MAX_BYTES: Final = 1 << 20

TenantName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one tenant may have; None is unbounded. `burst` is how many calls may come at once after a pause, and
    `best_priority` the lowest number that its calls can have, which is the most urgent."""

    requests_per_s: float | None = None
    burst: int = 1
    in_flight: int | None = None
    best_priority: int = 1

    @property
    def bounded(self) -> bool:
        """Whether there is anything that the tenant may have too much of; if not, nothing is kept of its calls."""
        return self.requests_per_s is not None or self.in_flight is not None

    def priority(self, asked: int) -> int:
        """Return the priority that a call has which asked for one; 0 asks for none, and gets the best there is."""
        return max(asked, 1, self.best_priority)


@dataclass(frozen=True, slots=True)
class Tenants:
    """Who has which terms."""

    default: Terms = Terms()
    named: Mapping[str, Terms] = field(default_factory=dict)

    def terms(self, tenant: str) -> Terms:
        """Return what `tenant` may have."""
        return self.named.get(tenant, self.default)


class TenantPart(BaseModel):
    """See Terms."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    # From one call in a quarter of an hour; a tenant that may not call at all is revoked, not given nothing.
    requests_per_s: Annotated[float, Field(ge=0.001, le=1e6)] | None = None
    """How many calls a second it may begin, in the long run. A call that is refused for another reason counts for
    nothing."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many it may begin at once after a pause. Without it: what comes in one second."""
    in_flight: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    """How many of its calls may be in work at a time."""
    best_priority: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    """The most urgent that its calls can be; 1 is the most urgent there is, and from 2 on calls can wait."""


class TenantsDocument(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    default: TenantPart = TenantPart()
    """What every tenant may have that is not named, each for itself."""
    tenants: Annotated[dict[TenantName, TenantPart], Field(max_length=10_000)] = {}
    """By the tenant's name."""


def parse_tenants(content: bytes, source: str) -> Tenants:
    """Read the bytes of a tenants document; `source` names it in errors.

    Raises SettingsError: with the exact place of the first fault."""

    def fault(path: str, problem: str) -> DocumentError:
        return DocumentError(path, problem, source=source)

    try:
        document = read_document(content, TenantsDocument, source=source, max_bytes=MAX_BYTES)
        default = _terms(document.default, TenantPart(), "default", fault)
        named = {
            name: _terms(part, document.default, f"tenants.{name}", fault) for name, part in document.tenants.items()
        }
    except DocumentError as error:
        raise SettingsError("tenants", str(error)) from error
    return Tenants(default, named)


def _terms(part: TenantPart, default: TenantPart, path: str, fault: Callable[[str, str], DocumentError]) -> Terms:
    values = {**default.model_dump(exclude_none=True), **part.model_dump(exclude_none=True)}
    rate = values.get("requests_per_s")
    if rate is None and "burst" in values:
        raise fault(f"{path}.burst", "says how far requests_per_s may be exceeded for a moment; give that too")
    return Terms(**{"burst": max(1, round(rate or 1)), **values})
