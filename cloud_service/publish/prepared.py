"""A release that was made, and all that was found out on the way: what people are told is told from this."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cloud_service.publish.certify import Certified
from cloud_service.publish.compress import Compression
from cloud_service.publish.outcomes import Outcomes
from cloud_service.publish.splits import Split
from nearfar_wire.manifest import Manifest
from router.cascade.certificate import Certificate

__all__ = ["Prepared"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made, in `out`."""

    out: Path
    manifest: Manifest
    certificate: Certificate
    certified: Certified
    compression: Compression
    split: Split
    outcomes: Outcomes
    notes: tuple[str, ...] = field(default=())
