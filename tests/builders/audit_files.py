"""Audits as agents write them, for a release that was not served: what each device saw, and what the cloud said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from router.cascade.audits import AuditRecord, to_line
from router.cascade.certificate import Certificate

__all__ = ["audits", "write_audits"]

_DAY_S = 86_400.0


def audits(certificate: Certificate, count: int, *, seed: int = 0, **changed: Any) -> list[AuditRecord]:
    """Return `count` audits, one a day: the surer the device, the seldomer the cloud disagrees; all say who was right.

    Labels side with the cloud where the two disagree. `changed` are fields that all of them have."""
    chance = np.random.default_rng(seed)
    table, threshold = certificate.table(), certificate.promises[-1].value
    found: list[AuditRecord] = []
    for day in range(count):
        confidence = float(chance.random())
        apart = int(chance.random() > confidence + 0.2)
        record = AuditRecord(
            id=f"{seed}-{day}",
            model=certificate.model,
            device_digest=certificate.device_digest,
            remote_digest=certificate.remote_digest,
            preprocessing_digest=certificate.preprocessing_digest,
            at_utc=day * _DAY_S,
            answer=0,
            confidence=confidence,
            kept=table.score(0, confidence) > threshold,
            disagree=apart,
            device_right=1 - apart,
            remote_right=1,
        )
        found.append(record.model_copy(update=changed))
    return found


def write_audits(path: Path, records: Iterable[AuditRecord] | Sequence[str]) -> Path:
    """Write a line each."""
    lines = [record if isinstance(record, str) else to_line(record) for record in records]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path
