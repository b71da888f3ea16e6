"""Whom a verified token speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_TOKEN_BYTES", "Bearer"]

MAX_TOKEN_BYTES: Final = 8 << 10
"""Issuers' longest are some 2 KiB, and all of a call's metadata may be 16 KiB."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token speaks of. `token_id` is its jti, or empty."""

    subject: str
    tenant: str
    token_id: str
    expires_utc: float
