"""What routing can refuse. Everything else is a value: no feasible target is a decision that says so.

RouterError
├── DocumentError        a document that cannot be read; carries every fault, with its line and place
│   ├── CertificateError a certificate that certifies nothing
│   ├── PolicyError      a policy that cannot be put in force
│   └── ScenarioError    a scenario that cannot be simulated, or a trace that it names
├── AuditError           an audit record that cannot be read back
├── CertifyError         a promise that cannot be made from what there is
├── MeasureError         something asked of policies' figures that means nothing
├── RecordError          a decision record that cannot be read back
├── SavedError           what was learnt, kept by another version or damaged
└── TuneError            a search that cannot be made, or gone on with
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

__all__ = [
    "AuditError",
    "CertificateError",
    "CertifyError",
    "DocumentError",
    "Fault",
    "MeasureError",
    "PolicyError",
    "RecordError",
    "RouterError",
    "SavedError",
    "ScenarioError",
    "TuneError",
]


class RouterError(Exception):
    """Root of everything this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:  # Any: as pickle has it
        """Go to another process whole: made again without the constructor, which takes more than the message."""
        return BaseException.__new__, (type(self), *self.args), vars(self)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a document. `path` is the place, such as `rules[2].when.rtt_ms`, empty for the whole, and
    `key` the key in the table there that is at fault, where one is; `line` counts from 1, and is None where no line can
    be told."""

    path: str
    problem: str
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{self.path}: {self.problem}" if self.path else f"{line}{self.problem}"


class DocumentError(RouterError):
    """`path`, `problem` and `line` are those of the first fault, `faults` all that were found; `source` names the
    document. See Fault."""

    def __init__(
        self,
        path: str,
        problem: str,
        *,
        source: str = "document",
        line: int | None = None,
        key: str = "",
        more: Sequence[Fault] = (),
    ) -> None:
        self.faults = (Fault(path, problem, line, key), *more)
        self.source = source
        others = f" (the first of {len(self.faults)} faults)" if more else ""
        super().__init__(f"{source}: {self.faults[0]}{others}")

    @classmethod
    def of(cls, faults: Sequence[Fault], source: str) -> Self:
        """Return the error that tells these faults; there is at least one."""
        first, *more = faults
        return cls(first.path, first.problem, source=source, line=first.line, key=first.key, more=more)

    @property
    def path(self) -> str:
        return self.faults[0].path

    @property
    def problem(self) -> str:
        return self.faults[0].problem

    @property
    def line(self) -> int | None:
        return self.faults[0].line


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


class MeasureError(RouterError):
    """A measure that there is not, or a limit or margin for one that cannot be read; the text says which."""


class RecordError(RouterError):
    """A decision record that is not one, or was written by a version that this one cannot read."""


class SavedError(RouterError):
    """A document of what was learnt that this version did not write, or that is damaged."""


class TuneError(RouterError):
    """A search for a better policy that cannot be made as it was asked for, or gone on with; the text says why."""
