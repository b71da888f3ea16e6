"""What can go wrong in the cloud service. Fields, not codes: codes.py says which of the contract's codes each is.

CloudError
├── SettingsError        settings that the service will not run with
├── BenchFailed          a server that cannot be measured
├── BindError            an address that cannot be listened on
├── UnservableModel      a model file or manifest that cannot become a ready version
├── RunFailed            the runtime failed on a run; what it said is in `__cause__` only
└── CallError            a call that is refused; its message may be shown to the caller
    ├── InvalidInput         the call contradicts the model's contract or the service's limits
    ├── ModelNotFound        no such model, or no such version of it
    ├── LoadFailed           a model that was asked to be loaded, and is not all that it should be
    ├── NotByRequest         a change that a request cannot make here
    ├── ModelNotReady        the model is known, and no version that was asked for can answer
    ├── DeadlineExceeded     the time the caller gave has passed
    ├── Overloaded           there is no room for the call now, or its tenant had its share
    ├── TooLarge             a request or an answer is longer than may be
    ├── Unauthenticated      the call has no credential that counts
    ├── PermissionDenied     the caller is known, and may not do this
    └── Draining             the service is about to stop

A CallError's message names models, tensors and limits; it never holds a tensor's value or another error's text."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

__all__ = [
    "BenchFailed",
    "BindError",
    "CallError",
    "CloudError",
    "DeadlineExceeded",
    "Doubt",
    "Draining",
    "InvalidInput",
    "LoadFailed",
    "ModelNotFound",
    "ModelNotReady",
    "NotByRequest",
    "Overloaded",
    "PermissionDenied",
    "RunFailed",
    "SettingsError",
    "TooLarge",
    "Unauthenticated",
    "UnservableModel",
]


class CloudError(Exception):
    """Root of everything this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:  # Any: as pickle has it
        """Go to another process whole: made again without the constructor, which takes more than the message."""
        return BaseException.__new__, (type(self), *self.args), vars(self)


class SettingsError(CloudError):
    """`setting` is the setting's name as Settings has it, `origin` where its value came from, if somewhere."""

    def __init__(self, setting: str, problem: str, origin: str | None = None) -> None:
        where = f" (from {origin})" if origin else ""
        super().__init__(f"{setting}: {problem}{where}" if setting else f"{problem}{where}")
        self.setting = setting
        self.problem = problem
        self.origin = origin


class BenchFailed(CloudError):
    """Why there is nothing to measure, and what may help."""


class BindError(CloudError):
    """`address` could not be listened on."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"cannot listen on {address}: it is in use, or is not this machine's; choose another, or port 0 for any"
        )
        self.address = address


class UnservableModel(CloudError):
    """`reason` is for the operator: it is logged and shown by /readyz."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RunFailed(CloudError):
    """The message is the same for every failure, because the runtime's own may hold a caller's values."""

    def __init__(self) -> None:
        super().__init__("the model failed on this input")


class CallError(CloudError):
    """A call that is refused."""


class InvalidInput(CallError):
    """What is wrong, and what would be right."""


class ModelNotFound(CallError):
    """`version` is None where the model itself is unknown. Both are the caller's words: not for logs or labels."""

    def __init__(self, model: str, version: str | None = None) -> None:
        what = f"model {model!r}" if version is None else f"version {version!r} of model {model!r}"
        super().__init__(f"there is no {what} here; check the name, or add it to the service's models")
        self.model = model
        self.version = version


class LoadFailed(CallError):
    """`reasons` are for operators, for whom alone models are loaded: they may speak of files."""

    def __init__(self, model: str, reasons: Sequence[str]) -> None:
        why = "; ".join(reasons) or "it has no version to serve"
        super().__init__(f"model {model!r} is not served as asked: {why}")
        self.model = model
        self.reasons = reasons


class ModelNotReady(CallError):
    """The reason is the operator's to read in /readyz: it may speak of files."""

    def __init__(self, model: str, version: str = "") -> None:
        what = f"version {version} of model {model!r}" if version else f"model {model!r}"
        super().__init__(f"{what} is not ready to answer; try again later, or see the service's /readyz")
        self.model = model
        self.version = version


class NotByRequest(CallError):
    """Several processes serve, and a request reaches one of them."""

    def __init__(self) -> None:
        super().__init__(
            "several processes serve here, and a request could change one of them only; "
            "change the repository's files, which all of them follow with --poll-s"
        )


class DeadlineExceeded(CallError):
    """The time the caller gave has passed."""

    def __init__(self) -> None:
        super().__init__("the deadline passed before an answer was ready")


class Overloaded(CallError):
    """There is no room for the call now. `reason` is one of a few words that are counted, `pushback_s` when to come
    again; None where nobody can tell."""

    def __init__(self, problem: str, *, reason: str, pushback_s: float | None = None) -> None:
        super().__init__(problem)
        self.reason = reason
        self.pushback_s = pushback_s


class Doubt(StrEnum):
    """Why a credential does not count: for the operator, who has to tell clocks, keys and settings apart."""

    NONE_SENT = "none_sent"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    ISSUER = "issuer"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    CLAIMS = "claims"
    """One that has to be there is missing, or is not what it has to be."""


class Unauthenticated(CallError):
    """The message is the same whatever was wrong with a credential: which it was would help whoever forges them. The
    `doubt` is counted and logged."""

    def __init__(
        self,
        message: str = "this service has to know who calls; send a credential that it takes",
        *,
        doubt: Doubt = Doubt.NONE_SENT,
    ) -> None:
        super().__init__(message)
        self.doubt = doubt


class PermissionDenied(CallError):
    """The message is one of the service's own, and names nobody."""


class Draining(CallError):
    """The service is about to stop."""

    def __init__(self) -> None:
        super().__init__("the service is stopping and takes no new calls; try another instance")


class TooLarge(CallError):
    """`limit` is in bytes, counted unpacked."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request, or what would be its answer, is longer than {limit} bytes, which is the limit")
        self.limit = limit
