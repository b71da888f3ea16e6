"""What can be wrong with what is said on the wire. Carries fields; knows no transport's codes (see status.py).

    WireError
    ├── TensorError        a tensor's name, datatype, shape or bytes contradict each other or the model's contract
    ├── ManifestError      a release manifest that cannot be read, or that contradicts itself
    └── DigestMismatch     the bytes are not the ones that were promised
"""

from __future__ import annotations

__all__ = ["DigestMismatch", "ManifestError", "TensorError", "WireError"]


class WireError(Exception):
    """Root of everything this package raises."""


class TensorError(WireError):
    """`tensor` is the name of the offending tensor, or None where the fault is in the list as a whole."""

    def __init__(self, tensor: str | None, problem: str) -> None:
        super().__init__(f"{tensor!r}: {problem}" if tensor is not None else problem)
        self.tensor = tensor
        self.problem = problem


class ManifestError(WireError):
    """`path` is where in the document the fault is, such as `inputs[0].datatype`."""

    def __init__(self, source: str, path: str, problem: str) -> None:
        super().__init__(f"{source}: {path}: {problem}" if path else f"{source}: {problem}")
        self.source = source
        self.path = path
        self.problem = problem


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
