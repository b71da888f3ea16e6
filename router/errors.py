"""What routing can refuse. Everything else is a value: no feasible target is a decision that says so.

RouterError
├── DocumentError        a document that cannot be read; carries the exact place
│   ├── CertificateError a certificate that certifies nothing
│   ├── PolicyError      a policy that cannot be put in force
│   └── ScenarioError    a scenario that cannot be simulated, or a trace that it names
├── AuditError           an audit record that cannot be read back
├── CertifyError         a promise that cannot be made from what there is
└── RecordError          a decision record that cannot be read back
"""

from __future__ import annotations

__all__ = [
    "AuditError",
    "CertificateError",
    "CertifyError",
    "DocumentError",
    "PolicyError",
    "RecordError",
    "RouterError",
    "ScenarioError",
]


class RouterError(Exception):
    """Root of everything this package raises."""


class DocumentError(RouterError):
    """`path` is the place, such as `rules[2].when.rtt_ms`, empty for the whole; `source` names the document."""

    def __init__(self, path: str, problem: str, *, source: str = "document") -> None:
        super().__init__(f"{source}: {path}: {problem}" if path else f"{source}: {problem}")
        self.path = path
        self.problem = problem
        self.source = source


class CertificateError(DocumentError):
    """See DocumentError."""


class PolicyError(DocumentError):
    """See DocumentError."""


class ScenarioError(DocumentError):
    """See DocumentError. For a trace, `problem` tells its file and line as well."""


class AuditError(RouterError):
    """An audit record that is not one, or was written by a version that this one cannot read."""


class CertifyError(RouterError):
    """A promise that cannot be made from what there is; the text says what it would take."""


class RecordError(RouterError):
    """A decision record that is not one, or was written by a version that this one cannot read."""
