"""The policy that a command was pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.compile import MAX_POLICY_BYTES, compile_policy
from router.policy import Policy
from router.types import Kind

__all__ = ["read_policy"]


def read_policy(path: Path, targets: Mapping[str, Kind] | None = None) -> Policy:
    """Read and compile a policy file, for these `targets` where they are known. Raises PolicyError, OSError."""
    # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
    with path.open("rb") as file:
        content = file.read(MAX_POLICY_BYTES + 1)
    return compile_policy(content, source=str(path), targets=targets)
