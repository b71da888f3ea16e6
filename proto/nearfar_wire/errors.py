"""What can be wrong with what is said on the wire. Carries fields; knows no transport's codes (see status.py).

WireError
├── MessageError       bytes that are no message, or have more parts than any request needs
├── TensorError        a tensor's name, datatype, shape or bytes contradict each other or the model's contract
├── ParameterError     a parameter that the protocol, or our restraint in using it, cannot carry
├── ManifestError      a release manifest that cannot be read, or that contradicts itself
├── ModelFileError     a model file that is damaged, or that asks for what no model may
├── GoldenFileError    a file of golden examples that cannot be read as one
├── DigestMismatch     the bytes are not the ones that were promised
└── MissingExtra       a part of nearfar that is not installed here
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "DigestMismatch",
    "GoldenFileError",
    "ManifestError",
    "MessageError",
    "MissingExtra",
    "ModelFileError",
    "ParameterError",
    "TensorError",
    "WireError",
    "kind_of",
    "quoted",
]

# Names come from strangers, and an error travels into answers and logs.
_MAX_NAME: Final = 64


def quoted(name: str) -> str:
    """Return `name` in quotes, shortened and with control characters escaped, fit for a message."""
    return repr(name) if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]!r}..."


def kind_of(value: object) -> str:
    """Return what sort of thing stands where another is wanted, with its article: "an int", "a list", "None"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"an {name}" if name[:1] in "aeioAEIO" or name == "ndarray" else f"a {name}"


class WireError(Exception):
    """Root of everything this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:  # Any: as pickle has it
        """Go to another process whole: made again without the constructor, which takes more than the message."""
        return BaseException.__new__, (type(self), *self.args), vars(self)


class MessageError(WireError):
    """What is wrong with the bytes as a whole; they are not quoted."""


class TensorError(WireError):
    """`tensor` is the name of the offending tensor, or None where the fault is in the list as a whole."""

    def __init__(self, tensor: str | None, problem: str) -> None:
        super().__init__(f"{quoted(tensor)}: {problem}" if tensor is not None else problem)
        self.tensor = tensor
        self.problem = problem


class ParameterError(WireError):
    """`parameter` is its name."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"parameter {quoted(parameter)}: {problem}")
        self.parameter = parameter
        self.problem = problem


class ManifestError(WireError):
    """`path` is where in the document the fault is, such as `inputs[0].datatype`."""

    def __init__(self, source: str, path: str, problem: str) -> None:
        super().__init__(f"{source}: {path}: {problem}" if path else f"{source}: {problem}")
        self.source = source
        self.path = path
        self.problem = problem


class ModelFileError(WireError):
    """`problem` says what the file is or asks for, `advice` what to do; neither says which file."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice


class GoldenFileError(WireError):
    """What is wrong with the file; neither which it is, nor what is in it."""


class DigestMismatch(WireError):
    """`wanted` was promised, `found` is what the bytes have; both are "sha256:" and hex digits."""

    def __init__(self, what: str, wanted: str, found: str) -> None:
        super().__init__(
            f"{what}: its digest is {found}, but {wanted} was promised; "
            "the file was changed or damaged: install the release again"
        )
        self.what = what
        self.wanted = wanted
        self.found = found


class MissingExtra(WireError):
    """`extra` is what to install to be able to do `what`."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a part that is not installed; install it with: pip install 'nearfar[{extra}]'")
        self.what = what
        self.extra = extra
