"""The whole scenario document."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import FirstForm, Name, Part, told
from router.simulate.document.faults import FaultPart
from router.simulate.document.links import ConnectionPart, LinkPart
from router.simulate.document.models import ModelPart
from router.simulate.document.places import DevicePart, TargetPart
from router.simulate.document.workload import StreamPart

__all__ = ["ScenarioDocument"]

_NO_FAULTS: list[FaultPart] = []


class ScenarioDocument(Part):
    """A stretch of a device's life: one TOML file."""

    schema_version: Annotated[
        FirstForm,
        Field(alias="schema"),
        told(
            "The version of the document's form.",
            reason="Said by each, so that a later form is never read as this one.",
        ),
    ]
    name: Annotated[Name, told("What it is called.", reason="Reports tell it, so there is no default.")]
    about: Annotated[
        str,
        Field(max_length=2000),
        told("What it shows, in words; a report begins with it.", reason="May be left out."),
    ] = ""
    duration_s: Annotated[
        float,
        Field(gt=0, le=31_622_400),
        told(
            "How long it lasts; requests that have come by then are waited for.", unit="s", reason="It is the author's."
        ),
    ]
    seed: Annotated[
        int,
        Field(ge=0, le=2**63 - 1),
        told("What chance begins with; the command's --seed overrides it.", unit="count", reason="Any will do."),
    ] = 1
    devices: Annotated[
        int,
        Field(ge=1, le=100_000),
        told(
            "How many such devices there are, each with its own chance, and one set of servers for all.",
            unit="devices",
            reason="A policy is judged on one device; stampedes need many.",
        ),
    ] = 1
    device: Annotated[DevicePart, told("The device.", reason="There is one in every scenario.")]
    links: Annotated[
        dict[Name, LinkPart],
        Field(min_length=1, max_length=64),
        told("Link -> what it is.", reason="A device without any network has nothing to choose."),
    ]
    connected: Annotated[
        Annotated[list[ConnectionPart], Field(min_length=1, max_length=100_000)] | None,
        told("When which link is in use.", reason="May be left out where there is one link: it is always in use then."),
    ] = None
    targets: Annotated[
        dict[Name, TargetPart],
        Field(min_length=1, max_length=64),
        told("Remote target -> what it is.", reason="A device without any has nothing to choose."),
    ]
    models: Annotated[
        dict[Name, ModelPart],
        Field(min_length=1, max_length=64),
        told("Model -> what it takes.", reason="Requests are for models."),
    ]
    workload: Annotated[
        list[StreamPart],
        Field(min_length=1, max_length=64),
        told("What the app asks for.", reason="Without requests nothing happens."),
    ]
    faults: Annotated[list[FaultPart], Field(max_length=10_000), told("What goes wrong.", reason="Nothing does.")] = (
        _NO_FAULTS
    )
