"""Who makes a call, as far as the service knows. It comes from a credential alone, and never from a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ANONYMOUS", "Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` and `tenant` are a credential's own words: not for logs, and a label only where a document names them."""

    name: str
    tenant: str
    administrator: bool = False


ANONYMOUS: Final = Caller("", "")
"""Whoever calls a service that asks nobody who they are."""
