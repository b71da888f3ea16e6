"""The policy that a command was pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.compile import MAX_POLICY_BYTES, compile_policy
from router.policy import Policy
from router.types import Kind

__all__ = ["read_bytes", "read_policy"]


def read_policy(path: Path, targets: Mapping[str, Kind] | None = None) -> Policy:
    """Read and compile a policy file, for these `targets` where they are known. Raises PolicyError, OSError."""
    return compile_policy(read_bytes(path), source=str(path), targets=targets)


def read_bytes(path: Path) -> bytes:
    """Read a policy file, or enough of it to be refused: one of gigabytes is not read to its end. Raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_POLICY_BYTES + 1)
