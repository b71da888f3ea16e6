"""The tables `[[faults]]`: what goes wrong with a target, and when."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from router.document.form import Name, Part, Share, told
from router.simulate.document.series import Instant

__all__ = ["FaultPart"]

# The agent's words for what a remote target can do wrong: see nearfar_wire/status.py.
Code = Literal[
    "UNAVAILABLE",
    "OVERLOADED",
    "INTERNAL",
    "UNIMPLEMENTED",
    "BAD_RESPONSE",
    "PROTOCOL_ERROR",
    "SECURITY_ERROR",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "MODEL_NOT_FOUND",
    "MODEL_NOT_READY",
    "INVALID_INPUT",
    "TOO_LARGE",
]


class FaultPart(Part):
    """One fault of one target, which has to do at least one thing. Faults of one moment add up."""

    target: Annotated[Name, told("Whose fault it is.", reason="Links have their faults in their pace.")]
    from_s: Annotated[Instant, told("From then on.", unit="s", reason="From the beginning.")] = 0.0
    to_s: Annotated[Instant | None, told("Until then.", unit="s", reason="Without it until the end.")] = None
    every_s: Annotated[
        Annotated[float, Field(gt=0, le=31_622_400)] | None,
        told("It comes again after so long, from its beginning to its next.", unit="s", reason="It comes once."),
    ] = None
    black_hole: Annotated[bool, told("Nothing that is sent there is ever answered.", reason="It answers.")] = False
    error_share: Annotated[
        Share,
        told(
            "Share of calls that fail; with 1, UNAVAILABLE and no `pushback_ms` the server is down: it takes no "
            "connection, so that nothing is sent and nothing paid.",
            unit="share",
            reason="None does.",
        ),
    ] = 0.0
    code: Annotated[
        Code | None,
        told(
            "How they fail: a code of the error table.", reason="UNAVAILABLE without it, as of a server that is down."
        ),
    ] = None
    pushback_ms: Annotated[
        Annotated[float, Field(ge=-1, le=600_000)] | None,
        told("What failing calls say of coming again; -1: not again.", unit="ms", reason="They say nothing."),
    ] = None
    slow: Annotated[
        float, Field(ge=1, le=10_000), told("Its models take so many times longer.", unit="factor", reason="As usual.")
    ] = 1.0
    delay_ms: Annotated[
        float, Field(ge=0, le=600_000), told("So much is added to its round trip.", unit="ms", reason="Nothing.")
    ] = 0.0

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.black_hole or self.error_share or self.slow > 1 or self.delay_ms):
            raise ValueError("does nothing; one of black_hole, error_share, slow, delay_ms is wanted")
        idle = sorted({"code", "pushback_ms"} & self.model_fields_set)
        if idle and not self.error_share:
            raise ValueError(f"{idle[0]} goes with error_share")
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError("to_s has to come after from_s")
        if self.every_s is not None and (self.to_s is None or self.every_s < self.to_s - self.from_s):
            raise ValueError("every_s wants a to_s, and has to be longer than the fault lasts")
        return self
