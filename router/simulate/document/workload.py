"""The tables `[[workload]]`: what the app asks for, and when."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from router.document.form import Milliseconds, Name, Part, Share, told
from router.simulate.document.series import Column, FileName, SeriesPart

__all__ = ["ArrivalsPart", "BurstsPart", "StreamPart"]

# Below a tenth of a millisecond nobody asks, and a sum of instants would stand still.
Seconds = Annotated[float, Field(ge=1e-4, le=31_622_400)]
_PUBLIC = {"public": 1.0}


class BurstsPart(Part):
    """Requests that come in bursts, with silence between them in which a radio falls asleep."""

    requests: Annotated[
        float,
        Field(ge=1, le=1e6),
        told("Requests in a burst, on average.", unit="requests", reason="It makes the burst."),
    ]
    within_s: Annotated[
        Seconds, told("Between two requests of a burst, on average.", unit="s", reason="It makes the burst.")
    ]
    between_s: Annotated[Seconds, told("Between two bursts, on average.", unit="s", reason="It makes the silence.")]


class ArrivalsPart(Part):
    """When requests come: by exactly one of these."""

    per_s: Annotated[
        SeriesPart | None,
        told("At random, so many a second.", unit="requests a second", reason="One way of coming is wanted."),
    ] = None
    every_s: Annotated[
        Seconds | None, told("One after so many seconds.", unit="s", reason="One way of coming is wanted.")
    ] = None
    jitter: Annotated[
        Share,
        told(
            "Share of `every_s` by which each comes earlier or later at most.",
            unit="share",
            reason="A timer is exact.",
        ),
    ] = 0.0
    bursts: Annotated[BurstsPart | None, told("In bursts.", reason="One way of coming is wanted.")] = None
    trace: Annotated[
        FileName | None,
        told(
            "A table with a row for each, in which a column tells when; packed as tables may be.",
            reason="One way of coming is wanted.",
        ),
    ] = None
    time: Annotated[
        Column, told("The trace's column of times: its number from 0, or its name.", reason="Times come first.")
    ] = 0
    unit: Annotated[
        Literal["s", "ms"], told("What the trace's times are counted in, where they are numbers.", reason="Mostly so.")
    ] = "s"
    speed: Annotated[
        float,
        Field(ge=1e-6, le=1e6),
        told("The trace runs so many times faster.", unit="factor", reason="As recorded."),
    ] = 1.0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = ("per_s", "every_s", "bursts", "trace")
        if sum(getattr(self, way) is not None for way in ways) != 1:
            raise ValueError(f"exactly one of {', '.join(ways)} is wanted")
        if "jitter" in self.model_fields_set and self.every_s is None:
            raise ValueError("jitter goes with every_s")
        idle = [name for name in ("time", "unit", "speed") if name in self.model_fields_set]
        if idle and self.trace is None:
            raise ValueError(f"{idle[0]} goes with trace")
        return self


class StreamPart(Part):
    """One source of requests."""

    name: Annotated[Name, told("What it is called.", reason="Each draws its own chance, by its name.")]
    model: Annotated[Name, told("The model that it asks for.", reason="A request is for one model.")]
    deadline_ms: Annotated[
        Milliseconds,
        told("How long it waits for an answer.", unit="ms", reason="Nothing is decided without a deadline."),
    ]
    labels: Annotated[
        dict[Name, Annotated[float, Field(gt=0, le=1e9)]],
        Field(min_length=1, max_length=64),
        told(
            "Privacy label -> its share of the requests; only the ratios count.",
            unit="share",
            reason="Nothing to hide.",
        ),
    ] = _PUBLIC
    arrivals: Annotated[ArrivalsPart, told("When they come.", reason="It is what makes a workload.")]
