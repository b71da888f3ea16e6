"""The table `[energy]`: what the device and its radio draw, where nobody measured it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from router.document.form import Part, told

__all__ = ["EnergyPart", "LinkPart", "Watts"]

# From nothing to more than anything that runs on a battery draws.
Watts = Annotated[float, Field(ge=0, le=1000)]
_AS_THE_PROFILE_SAYS: Final = "Without it the profile's number holds."
LinkName = Literal["ethernet", "wifi", "cellular", "none"]


class LinkPart(Part):
    """What one kind of link draws, after Huang et al. (2012)."""

    connected_w: Annotated[
        Watts | None,
        told("Drawn while a call is under way, whatever its pace.", unit="W", reason=_AS_THE_PROFILE_SAYS),
    ] = None
    up_w_per_mbps: Annotated[
        Watts | None,
        told("Drawn beside that for each Mbit/s sent.", unit="W per Mbit/s", reason=_AS_THE_PROFILE_SAYS),
    ] = None
    down_w_per_mbps: Annotated[
        Watts | None,
        told("Drawn beside that for each Mbit/s received.", unit="W per Mbit/s", reason=_AS_THE_PROFILE_SAYS),
    ] = None
    tail_s: Annotated[
        Annotated[float, Field(ge=0, le=3600)] | None,
        told(
            "How long the radio stays up after the last byte, before it goes to sleep.",
            unit="s",
            reason=_AS_THE_PROFILE_SAYS,
        ),
    ] = None
    tail_w: Annotated[Watts | None, told("Drawn meanwhile.", unit="W", reason=_AS_THE_PROFILE_SAYS)] = None
    wake_j: Annotated[
        Annotated[float, Field(ge=0, le=1000)] | None,
        told("What it takes to wake the radio.", unit="J", reason=_AS_THE_PROFILE_SAYS),
    ] = None


_NO_LINKS: Final[dict[LinkName, LinkPart]] = {}


class EnergyPart(Part):
    """What a call takes, in joules: a profile, and what is known better. What was measured on the device itself is
    used instead, where there is such a measurement; receipts and decisions say which it was."""

    profile: Annotated[
        str,
        Field(max_length=64),
        told(
            'Where the numbers are from that are not given here: "phone" or "board".',
            reason="Whoever counts joules mostly has a phone; a single-board computer is the other profile that there "
            "are published measurements for.",
        ),
    ] = "phone"
    cpu_w: Annotated[
        Watts | None,
        told("Drawn by a run of a model on the device.", unit="W", reason=_AS_THE_PROFILE_SAYS),
    ] = None
    assumed_link: Annotated[
        LinkName,
        told(
            "The kind of link that requests are taken to go over where no signal tells.",
            reason="An unknown link is not taken for one that sleeps and is dear to wake.",
        ),
    ] = "wifi"
    links: Annotated[
        dict[LinkName, LinkPart],
        told("Kind of link -> what it draws; replaces the profile's numbers one by one.", reason="See there."),
    ] = _NO_LINKS
