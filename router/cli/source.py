"""The policy that a command was pointed at."""

from __future__ import annotations

from pathlib import Path

from router.compile import MAX_POLICY_BYTES, compile_policy
from router.policy import Policy

__all__ = ["read_policy"]


def read_policy(path: Path) -> Policy:
    """Read and compile a policy file. Raises PolicyError, OSError."""
    # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
    with path.open("rb") as file:
        content = file.read(MAX_POLICY_BYTES + 1)
    return compile_policy(content, source=str(path))
