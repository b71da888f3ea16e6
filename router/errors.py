"""What routing can refuse. Everything else is a value: no feasible target is a decision that says so.

RouterError
├── PolicyError      a policy document that cannot be put in force; carries the exact place
└── RecordError      a decision record that cannot be read back
"""

from __future__ import annotations

__all__ = ["PolicyError", "RecordError", "RouterError"]


class RouterError(Exception):
    """Root of everything this package raises."""


class PolicyError(RouterError):
    """`path` is the place in the document, such as `rules[2].when.rtt_ms`; empty for the document as a whole."""

    def __init__(self, path: str, problem: str, *, source: str = "policy") -> None:
        place = f"{path}: " if path else ""
        super().__init__(f"{source}: {place}{problem}")
        self.path = path
        self.problem = problem
        self.source = source


class RecordError(RouterError):
    """A decision record that is not one, or was written by a version that this one cannot read."""
