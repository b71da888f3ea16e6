"""What an app can be told instead of an answer. One request: one answer, or one of these.

    AgentError
    ├── ConfigError           the agent's configuration (or a policy in it) cannot be used; carries the exact place
    ├── ReleaseError          a model's release cannot be used
    ├── RequestError          this request was refused before anything ran
    │   ├── UnknownModel
    │   ├── UnknownLabel
    │   └── InputError        an input is missing, extra, or not what the model takes
    ├── SignalError           what the app said of a signal is nothing that the signal can be
    ├── NoFeasibleTarget      every target is closed; carries what closed each one
    ├── AllTargetsFailed      every target that was asked failed; carries each failure
    ├── DeadlineExceeded      the deadline came first
    ├── RequestCancelled      the app cancelled the request
    ├── AgentClosed           the agent was closed, or the process forked after it started
    ├── CloudFailed           the demo's cloud service did not start (edge_agent.demo.cloud)
    └── CloudOutOfReach       it did, and cannot be reached (edge_agent.demo.play)

Each carries `code`, a word of the error table (nearfar_wire.status), `retryable`, whether the same request may succeed
later as it is, and `source`, the part that told. No message holds an input's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from nearfar_wire.errors import quoted
from nearfar_wire.status import CODES, Code
from router.choosing.closed import Closed, Constraint
from router.errors import DocumentError, Fault
from router.running.events import Failure

__all__ = [
    "AgentClosed",
    "AgentError",
    "AllTargetsFailed",
    "ConfigError",
    "DeadlineExceeded",
    "InputError",
    "NoFeasibleTarget",
    "ReleaseError",
    "RequestCancelled",
    "RequestError",
    "SignalError",
    "UnknownLabel",
    "UnknownModel",
]


# What closes a target to a request today closes it tomorrow: its label, its size, a mode, a model that is not there.
_LASTING: Final = frozenset({Constraint.LABEL, Constraint.MODE, Constraint.NOT_SERVED, Constraint.TOO_LARGE})
# From here on told in minutes.
_MANY_S: Final = 600.0
_UNKNOWN: Final[Mapping[str, float]] = MappingProxyType({})


class AgentError(Exception):
    """Root of everything this package raises."""

    code: ClassVar[Code] = Code.INTERNAL
    retryable: bool = False
    source: ClassVar[str] = "agent"

    def __reduce__(self) -> tuple[Any, ...]:  # Any: as pickle has it
        """Go to another process whole: made again without the constructor, which takes more than the message."""
        return BaseException.__new__, (type(self), *self.args), vars(self)


class ConfigError(AgentError):
    """`path` is the place in the document, such as `targets.cloud.address`, empty for the whole; `line` is where it
    stands in a file. Of several faults these are of the first, and `faults` has all."""

    code = Code.INVALID_INPUT
    source = "config"

    def __init__(
        self,
        path: str,
        problem: str,
        *,
        document: str = "configuration",
        line: int | None = None,
        more: Sequence[Fault] = (),
    ) -> None:
        self.faults = (Fault(path, problem, line), *more)
        others = f" (the first of {len(self.faults)} faults)" if more else ""
        super().__init__(f"{document}: {self.faults[0]}{others}")
        self.path = path
        self.problem = problem
        self.document = document
        self.line = line

    @classmethod
    def of(cls, error: DocumentError, document: str | None = None) -> Self:
        """Return what an app is told of a document that cannot be read."""
        first, *more = error.faults
        return cls(first.path, first.problem, document=document or error.source, line=first.line, more=more)


class ReleaseError(AgentError):
    """The release of `model` cannot be used: unreadable, not what its manifest promises, or refused by the runtime."""

    code = Code.MODEL_NOT_READY
    source = "release"

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(f"model {model!r}: {problem}")
        self.model = model
        self.problem = problem


class RequestError(AgentError):
    """Refused before anything ran; the message says what to change."""

    code = Code.INVALID_INPUT
    source = "request"


class UnknownModel(RequestError):
    """No release of that name is configured."""

    code = Code.MODEL_NOT_FOUND


class UnknownLabel(RequestError):
    """The policy in force has no such privacy label. Nothing ran and nothing left."""


class InputError(RequestError):
    """`tensor` is the offending input, or None where the fault is in the inputs as a whole."""

    def __init__(self, model: str, tensor: str | None, problem: str) -> None:
        named = f"input {quoted(tensor)}" if tensor is not None else "inputs"
        super().__init__(f"model {model!r}, {named}: {problem}")
        self.model = model
        self.tensor = tensor
        self.problem = problem


class SignalError(AgentError):
    """What the app said of `signal` was not taken, and neither was what it said with it."""

    code = Code.INVALID_INPUT
    source = "report"

    def __init__(self, signal: str, problem: str) -> None:
        super().__init__(f"signal {quoted(signal)}: {problem}")
        self.signal = signal
        self.problem = problem


class NoFeasibleTarget(AgentError):
    """Every target is closed to this request.

    `again_s` says by target in how many seconds it is asked again, where that is known: a breaker's pause, one that the
    server asked for, the next hour of a budget. `retry_after_s` is the least of them, None where there is none."""

    code = Code.UNAVAILABLE
    source = "router"

    def __init__(self, model: str, closed: Sequence[Closed], again_s: Mapping[str, float] = _UNKNOWN) -> None:
        causes = "; ".join(f"{c.target}: {_closed(c, again_s)}" for c in closed)
        super().__init__(f"model {model!r}: no target may or can answer: {causes or 'none is configured'}")
        self.retryable = any(c.constraint not in _LASTING or c.target in again_s for c in closed)
        self.model = model
        self.closed = tuple(closed)
        self.again_s = dict(again_s)

    @property
    def retry_after_s(self) -> float | None:
        """In how many seconds the first of the targets is asked again."""
        return min(self.again_s.values(), default=None)


class AllTargetsFailed(AgentError):
    """Every target that was asked failed. `again_s` is of those that were not, as in NoFeasibleTarget."""

    code = Code.UNAVAILABLE
    source = "attempt"

    def __init__(
        self,
        model: str,
        failures: Sequence[Failure],
        closed: Sequence[Closed],
        again_s: Mapping[str, float] = _UNKNOWN,
    ) -> None:
        causes = [f"{f.target}: {f.code}{f' ({f.detail})' if f.detail else ''}" for f in failures]
        causes += [f"{c.target}: not asked, {_closed(c, again_s)}" for c in closed]
        super().__init__(f"model {model!r}: no target answered: {'; '.join(causes)}")
        self.retryable = any(CODES[Code(f.code)].retryable for f in failures)
        self.model = model
        self.failures = tuple(failures)
        self.closed = tuple(closed)
        self.again_s = dict(again_s)


class DeadlineExceeded(AgentError):
    """The deadline came before an answer."""

    code = Code.DEADLINE_EXCEEDED
    retryable = True
    source = "attempt"

    def __init__(self, model: str, deadline_ms: float, failures: Sequence[Failure] = ()) -> None:
        causes = "; ".join(f"{f.target}: {f.code}" for f in failures)
        problem = "the deadline has already passed" if deadline_ms <= 0 else f"no answer within {deadline_ms:.4g} ms"
        super().__init__(f"model {model!r}: {problem}{f' ({causes})' if causes else ''}")
        self.model = model
        self.deadline_ms = deadline_ms
        self.failures = tuple(failures)


class RequestCancelled(AgentError):
    """The app cancelled the request."""

    code = Code.CANCELLED


class AgentClosed(AgentError):
    """The agent is closed."""

    code = Code.UNAVAILABLE


def _closed(closed: Closed, again_s: Mapping[str, float]) -> str:
    """Tell what closed a target, and in how many seconds it is asked again."""
    seconds = again_s.get(closed.target)
    again = "" if seconds is None else f"; asked again in {_in_words(seconds)}"
    return f"{closed.constraint.value} ({closed.detail}{again})"


def _in_words(seconds: float) -> str:
    if seconds >= _MANY_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
