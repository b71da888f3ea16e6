"""The tables `[links.NAME]` and `[[connected]]`: what the device is connected with, and when with which."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from router.document.form import Name, Part, told
from router.simulate.document.series import CapacityPart, Column, FileName, Instant, SeriesPart

__all__ = ["ConnectionPart", "LinkPart", "WakePart"]

Point = Annotated[list[Annotated[float, Field(ge=0, le=1e6)]], Field(min_length=2, max_length=2)]


class WakePart(Part):
    """How long the radio takes to wake, as it was measured on this network: points, or a table of them."""

    points: Annotated[
        Annotated[list[Point], Field(min_length=1, max_length=10_000)] | None,
        told(
            "Pairs of the seconds that the radio was not used and the median seconds that the next exchange then waits "
            "for it; straight between them, level beyond.",
            unit="s, s",
            reason="One of points or table is wanted.",
        ),
    ] = None
    table: Annotated[
        FileName | None,
        told("A file with a row for each point; packed as tables may be.", reason="One of points or table is wanted."),
    ] = None
    idle: Annotated[
        Column,
        told("The table's column of silences: its number from 0, or its name.", reason="Causes come first."),
    ] = 0
    wake: Annotated[
        Column,
        told("The table's column of waits: its number from 0, or its name.", reason="Effects come next."),
    ] = 1
    unit: Annotated[
        Literal["s", "ms"], told("What both of the table's columns are counted in.", reason="Mostly so.")
    ] = "s"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.points is None) == (self.table is None):
            raise ValueError("exactly one of points, table is wanted")
        idle = [name for name in ("idle", "wake", "unit") if name in self.model_fields_set]
        if idle and self.table is None:
            raise ValueError(f"{idle[0]} goes with table")
        if self.points is not None and any(after[0] <= before[0] for before, after in pairwise(self.points)):
            raise ValueError("the first numbers of the points have to rise")
        return self


class LinkPart(Part):
    """One network."""

    radio: Annotated[
        FileName,
        told(
            "The radio behind it: one of the catalogue's, or a file beside the scenario, which ends in .toml.",
            reason="A link without its radio's sleep and power would hide what routing is about.",
        ),
    ]
    up: Annotated[CapacityPart, told("Pace of the uplink.", unit="Mbit/s", reason="A link is what it carries.")]
    down: Annotated[CapacityPart, told("Pace of the downlink.", unit="Mbit/s", reason="A link is what it carries.")]
    rtt_ms: Annotated[
        SeriesPart,
        told(
            "Round trip to the edge of the network, with the radio awake; targets add their own distance.",
            unit="ms",
            reason="It differs too much between networks for a default.",
        ),
    ]
    wake: Annotated[
        WakePart | None,
        told("How long the radio takes to wake here.", reason="Without it as its own document says."),
    ] = None
    jitter: Annotated[
        float,
        Field(ge=0, le=3),
        told("Standard deviation of the logarithm of a round trip.", unit="natural logarithm", reason="All alike."),
    ] = 0.0


class ConnectionPart(Part):
    """From when on which link is in use."""

    from_s: Annotated[Instant, told("From then on.", unit="s", reason="The first has to be 0.")]
    link: Annotated[
        Name,
        told(
            'The link\'s name, or "none": the system knows that there is no network. A tunnel, in which it does not, '
            "is a link without pace.",
            reason="There is no default place to be.",
        ),
    ]
