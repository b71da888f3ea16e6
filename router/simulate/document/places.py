"""The tables `[device]` and `[targets.NAME]`: the machines, and what others do to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Part, told
from router.simulate.document.series import FileName, SeriesPart

__all__ = ["DevicePart", "TargetPart"]

_NEVER = SeriesPart(value=0.0)
_ALWAYS = SeriesPart(value=1.0)
_A_ROOM = SeriesPart(value=22.0)


class DevicePart(Part):
    """The device, and what happens to it whatever is decided."""

    model: Annotated[
        FileName,
        told(
            "Which device: one of the catalogue's, or a file beside the scenario, which ends in .toml.",
            reason="There is no typical device.",
        ),
    ]
    battery_pct: Annotated[
        float, Field(ge=0, le=100), told("The charge it begins with.", unit="%", reason="A phone in the morning.")
    ] = 100.0
    load: Annotated[
        SeriesPart,
        told("Share of the processor that others use.", unit="share", reason="Nobody else is at work."),
    ] = _NEVER
    screen: Annotated[
        SeriesPart, told("How much of its time the screen is on.", unit="share", reason="It is in its owner's hand.")
    ] = _ALWAYS
    charger_w: Annotated[
        SeriesPart, told("What the charger gives; 0 where it is not plugged in.", unit="W", reason="Not plugged in.")
    ] = _NEVER
    ambient_c: Annotated[SeriesPart, told("The air around it.", unit="°C", reason="A room.")] = _A_ROOM


class TargetPart(Part):
    """A remote target."""

    kind: Annotated[
        Literal["fog", "cloud"] | None,
        told("What sort of place it is.", reason="A target that is called as its kind needs no other word."),
    ] = None
    server: Annotated[
        FileName,
        told(
            "Its machine: one of the catalogue's, or a file beside the scenario, which ends in .toml.",
            reason="There is no typical server.",
        ),
    ]
    rtt_ms: Annotated[
        float,
        Field(ge=0, le=600_000),
        told("From the edge of the network to it and back.", unit="ms", reason="A server at the network's edge."),
    ] = 0.0
    usd_per_request: Annotated[
        float,
        Field(ge=0, le=1e6),
        told("What a call costs that reaches it.", unit="US dollars", reason="One's own server."),
    ] = 0.0
    busy: Annotated[
        SeriesPart, told("Share of its workers that others keep busy.", unit="share", reason="Nobody else calls it.")
    ] = _NEVER
