"""What production tells of the promise: one line of JSON for each audited request, without the request.

The device's class and confidence, whether the cloud agreed, and who was right where somebody said so. With these a
new certificate is made."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from router.errors import AuditError
from router.versions import whole_number

__all__ = ["MAX_AUDIT_BYTES", "AuditRecord", "parse_audit", "to_line"]

MAX_AUDIT_BYTES: Final = 8192

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Bit = Annotated[int, Field(ge=0, le=1)]


class AuditRecord(BaseModel):
    """One audited request. `None` is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    audit: Annotated[Literal[1], whole_number("1")] = 1
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The request's; a second line of the same id replaces the first, as when a label comes later."""
    model: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    device_digest: Digest
    remote_digest: Digest | None
    preprocessing_digest: Digest
    at_utc: Annotated[float, Field(ge=0, le=1e11)]
    """Seconds since 1970."""
    answer: int
    """The device's class; 0 where the task has none."""
    confidence: float | None
    """The device's score; None where it could not be read, which keeps nothing."""
    kept: bool
    """Whether the app got the device's answer."""
    disagree: Bit | None
    device_right: Bit | None = None
    remote_right: Bit | None = None


def parse_audit(line: str) -> AuditRecord:
    """Read one line. Raises AuditError: for anything that `to_line` did not write."""
    if len(line) > MAX_AUDIT_BYTES:
        raise AuditError(f"an audit is at most {MAX_AUDIT_BYTES} characters long")
    try:
        return AuditRecord.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AuditError(f"not an audit record: {place}: {first['msg']}" if place else "not an audit record") from error


def to_line(record: AuditRecord) -> str:
    """Return one line of JSON, without its end."""
    return record.model_dump_json()
