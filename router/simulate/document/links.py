"""The tables `[links.NAME]` and `[[connected]]`: what the device is connected with, and when with which."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Name, Part, told
from router.simulate.document.series import CapacityPart, FileName, Instant, SeriesPart

__all__ = ["ConnectionPart", "LinkPart"]


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
