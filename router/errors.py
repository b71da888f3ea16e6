"""What routing can refuse. Everything else is a value: no feasible target is a decision that says so.

RouterError
├── DocumentError        a document that cannot be read; carries the exact place
│   └── PolicyError      a policy that cannot be put in force
└── RecordError          a decision record that cannot be read back
"""

from __future__ import annotations

__all__ = ["DocumentError", "PolicyError", "RecordError", "RouterError"]


class RouterError(Exception):
    """Root of everything this package raises."""


class DocumentError(RouterError):
    """`path` is the place, such as `rules[2].when.rtt_ms`, empty for the whole; `source` names the document."""

    def __init__(self, path: str, problem: str, *, source: str = "document") -> None:
        super().__init__(f"{source}: {path}: {problem}" if path else f"{source}: {problem}")
        self.path = path
        self.problem = problem
        self.source = source


class PolicyError(DocumentError):
    """See DocumentError."""


class RecordError(RouterError):
    """A decision record that is not one, or was written by a version that this one cannot read."""
