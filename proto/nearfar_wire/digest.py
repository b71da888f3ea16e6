"""Digests of model and policy files, written the same way everywhere: "sha256:" and 64 hex digits.

A digest is taken over the bytes that will be parsed, before they are parsed."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from nearfar_wire.errors import DigestMismatch

__all__ = ["DIGEST_PATTERN", "digest_of", "is_digest", "verify"]

DIGEST_PATTERN: Final = r"sha256:[0-9a-f]{64}"
_DIGEST: Final = re.compile(DIGEST_PATTERN)


def digest_of(content: bytes) -> str:
    """Return "sha256:" and the hex digits for `content`."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def is_digest(text: str) -> bool:
    """Tell whether `text` is written as a digest."""
    return _DIGEST.fullmatch(text) is not None


def verify(what: str, content: bytes, wanted: str) -> str:
    """Return the digest of `content`, which is `wanted`.

    Raises DigestMismatch: naming `what`, the promised and the found digest."""
    found = digest_of(content)
    if found != wanted:
        raise DigestMismatch(what, wanted, found)
    return found
