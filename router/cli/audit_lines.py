"""Audits out of files, by the request that they are of. Unlike records they are few, and all of them are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from router.cascade.audits import MAX_AUDIT_BYTES, AuditRecord, parse_audit, to_line
from router.cli.alike import not_alike
from router.cli.lines import Lines
from router.errors import AuditError

__all__ = ["read_audits"]

# Agents write 64 MB of them at most unless told otherwise, which are some 150,000.
_MOST: Final = 1_000_000


def read_audits(paths: Sequence[Path]) -> tuple[dict[str, AuditRecord], Lines]:
    """Return the last line of each request, as a label comes later, and what was wrong with others.

    Raises AuditError: there are more than are kept."""
    lines = Lines(paths, MAX_AUDIT_BYTES)
    found: dict[str, AuditRecord] = {}
    for place, line, _ in lines:
        try:
            audit = parse_audit(text := line.decode("utf-8"))
        except UnicodeDecodeError:
            lines.refuse(place, "not UTF-8")
        except AuditError as error:
            lines.refuse(place, str(error))
        else:
            # What was written as audits are written has each key once; all else is looked at more closely.
            if text.rstrip("\n") != to_line(audit) and (problem := not_alike(text)):
                lines.refuse(place, f"not an audit record: {problem}")
                continue
            found[audit.id] = audit
            if len(found) > _MOST:
                raise AuditError(f"{place}: more than {_MOST:,} audits; give those of fewer days")
    return found, lines
