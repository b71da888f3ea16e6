"""What changes over time: one number, steps, or a recorded table; and for links a packet trace as well."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from router.document.form import Part, told

__all__ = ["CapacityPart", "FileName", "SeriesPart"]

FileName = Annotated[str, StringConstraints(min_length=1, max_length=512)]
# What is simulated lasts no longer than a year, and no quantity is larger than a terabit.
Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Instant = Annotated[float, Field(ge=0, le=31_622_400)]
Step = Annotated[list[Number], Field(min_length=2, max_length=2)]
Column = Annotated[int, Field(ge=0, le=1000)] | Annotated[str, StringConstraints(min_length=1, max_length=64)]
_NOTHING: list[float] = []


class SeriesPart(Part):
    """A quantity over time. A bare number is one that never changes."""

    value: Annotated[
        Number | None, told("It never changes.", unit="its own", reason="One of value, steps or table is wanted.")
    ] = None
    steps: Annotated[
        Annotated[list[Step], Field(min_length=1, max_length=100_000)] | None,
        told(
            "Pairs of the second from which on it holds and the value; before the first it is the first's.",
            unit="s, its own",
            reason="One of value, steps or table is wanted.",
        ),
    ] = None
    period_s: Annotated[
        Annotated[float, Field(ge=0.1, le=31_622_400)] | None,
        told("The steps begin again after so long.", unit="s", reason="Without it the last step lasts."),
    ] = None
    table: Annotated[
        FileName | None,
        told(
            "A file with a row for each moment, beside the scenario; it begins again at its end. May be packed with "
            "gzip, or lie in a tar archive, which is named as if it were a folder.",
            reason="One of value, steps or table is wanted.",
        ),
    ] = None
    time: Annotated[
        Column, told("The table's column of times: its number from 0, or its name.", reason="Times come first.")
    ] = 0
    column: Annotated[
        Column, told("The table's column of values: its number from 0, or its name.", reason="Values come next.")
    ] = 1
    unit: Annotated[
        Literal["s", "ms"], told("What the table's times are counted in, where they are numbers.", reason="Mostly so.")
    ] = "s"
    scale: Annotated[
        Number,
        told(
            "The table's values are multiplied by this: 0.01 makes shares of percents.",
            unit="factor",
            reason="As recorded.",
        ),
    ] = 1.0
    counts: Annotated[
        Annotated[list[Number], Field(max_length=100)],
        told(
            "Values of the table that count as 1, before scaling; all others count as 0. For columns of codes.",
            unit="the table's",
            reason="Without any, values are what they are.",
        ),
    ] = _NOTHING
    clip: Annotated[
        bool,
        told(
            "Take the table's values that are out of range for the nearest that is in it.",
            reason="A sensor's nonsense is refused, with its line, unless the author has seen it.",
        ),
    ] = False
    shorten_gaps_to_s: Annotated[
        Annotated[float, Field(gt=0, le=31_622_400)] | None,
        told(
            "Longer stretches without a row last only so long.",
            unit="s",
            reason="Without it a table with a hole of more than sixty steps is refused: nobody knows what was then.",
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _of_number(cls, given: Any) -> Any:  # Any: what stands in the document
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return {"value": given} if is_number else given

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        wanted = self._sources()
        if sum(getattr(self, name) is not None for name in wanted) != 1:
            raise ValueError(f"exactly one of {', '.join(wanted)} is wanted")
        if self.period_s is not None and self.steps is None:
            raise ValueError("period_s goes with steps")
        of_table = ("time", "column", "unit", "scale", "counts", "clip", "shorten_gaps_to_s")
        idle = [name for name in of_table if name in self.model_fields_set]
        if idle and self.table is None:
            raise ValueError(f"{idle[0]} goes with table")
        return self

    @classmethod
    def _sources(cls) -> tuple[str, ...]:
        return ("value", "steps", "table")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "number"}, handler(core)]}


class CapacityPart(SeriesPart):
    """How much a link carries one way, in Mbit/s over time, or packet by packet."""

    mahimahi: Annotated[
        FileName | None,
        told(
            "A packet-delivery trace: a line for each packet of 1500 bytes that may pass, with its millisecond; it "
            "begins again at its end.",
            reason="One of value, steps, table or mahimahi is wanted.",
        ),
    ] = None

    @classmethod
    def _sources(cls) -> tuple[str, ...]:
        return ("value", "steps", "table", "mahimahi")
