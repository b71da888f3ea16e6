"""What production told of a release: audits read back from the files that agents wrote, and whether they speak for all
requests.

Audited is who was drawn before anything was known of the request, so audits stand for all of them, as long as what was
kept and what was escalated are both there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from cloud_service.publish.errors import PublishError
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.audits import MAX_AUDIT_BYTES, AuditRecord, parse_audit
from router.cascade.certificate import Certificate
from router.errors import AuditError

__all__ = ["read_audits", "require_escalated"]

_MAX_LINES: Final = 10_000_000
_UNBELIEVABLE: Final = 1e-6
"""A chance so small that something else is the reason."""


def read_audits(
    paths: Sequence[Path], manifest: Manifest, certificate: Certificate
) -> tuple[list[AuditRecord], Counter[str]]:
    """Return the audits of this release in the order of their time, the last line of each request, and how many were
    left out, by reason.

    Raises PublishError: for a line that is no audit, by its number; the last line of a file may be cut off."""
    left_out: Counter[str] = Counter()
    found: dict[str, AuditRecord] = {}
    wanted = (certificate.device_digest, certificate.remote_digest, preprocessing_digest(manifest))
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            record = _record(path, number, line)
            if record is None:
                left_out["cut off at the end of a file"] += 1
            elif record.model != certificate.model:
                left_out["of another model"] += 1
            elif (record.device_digest, record.remote_digest, record.preprocessing_digest) != wanted:
                left_out["of other files or preparation"] += 1
            elif record.disagree is None:
                left_out["without the cloud's answer"] += 1
            else:
                earlier = found.get(record.id)
                left_out["said again later"] += earlier is not None
                found[record.id] = record if earlier is None or _is_told(record) or not _is_told(earlier) else earlier
    return sorted(found.values(), key=lambda record: (record.at_utc, record.id)), +left_out


def require_escalated(records: Sequence[AuditRecord], certificate: Certificate) -> None:
    """Pass audits among which escalated requests are, where the certificate escalates some.

    Without them every threshold would look as safe as the one that was in force. Raises PublishError."""
    most = max(promise.kept for promise in certificate.promises)
    if all(record.kept for record in records) and most ** len(records) < _UNBELIEVABLE:
        raise PublishError(
            f"each of {len(records)} audits kept the device's answer, where the certificate escalates {1 - most:.0%}",
            "give the agents' files whole: audits of escalated requests are missing",
        )


def _is_told(record: AuditRecord) -> bool:
    """Tell whether it is known who was right."""
    return record.device_right is not None and record.remote_right is not None


def _record(path: Path, number: int, line: str) -> AuditRecord | None:
    """Return what a line says; None where it ends with the file, in the middle of what it says."""
    if number > _MAX_LINES:
        raise PublishError(f"{path} has more than {_MAX_LINES} lines", "give the latest ones")
    try:
        return parse_audit(line.rstrip("\n"))
    except AuditError as error:
        if not line.endswith("\n") and len(line) <= MAX_AUDIT_BYTES:
            return None  # a device that lost power while it wrote
        raise PublishError(f"{path}: line {number}: {error}", "leave the line out if nothing else is lost") from None


def _lines(path: Path) -> Iterable[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(MAX_AUDIT_BYTES + 2):
                if line.strip():
                    yield line
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}", "name a file of audits") from error
    except UnicodeDecodeError as error:
        raise PublishError(f"{path} cannot be read as text", "one audit a line, in UTF-8") from error
