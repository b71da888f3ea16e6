"""What the parts of a manifest are made of: bounded names, numbers and shapes, and faults that know their place."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.digest import DIGEST_PATTERN

__all__ = [
    "SMALLEST",
    "Datatype",
    "Digest",
    "Dimension",
    "Fault",
    "FileName",
    "Name",
    "Number",
    "Part",
    "TensorName",
]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A file beside the manifest; never a path."""
TensorName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Digest = Annotated[str, StringConstraints(pattern=rf"^{DIGEST_PATTERN}$")]
Dimension = Annotated[int, Field(ge=-1, le=1 << 31)]


def _known_datatype(value: str) -> str:
    if value not in DATATYPES:
        raise ValueError(f"not one of {', '.join(DATATYPES)}")
    return value


Datatype = Annotated[str, AfterValidator(_known_datatype)]

# Preparation computes in 32-bit floats: beyond the first bound a number is infinite there, below the second zero.
_LARGEST: Final = 3.4e38
SMALLEST: Final = 1.2e-38
Number = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]


class Fault(ValueError):
    """Parts that contradict each other; `path` leads on from the part that noticed."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path


class Part(BaseModel):
    """A table of the document: no key that nobody reads, no type that was only nearly right."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
