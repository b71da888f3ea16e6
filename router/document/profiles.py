"""What devices and their radios draw, where nobody measured it: documents whose numbers cite where they are from. Pure.

A policy names one of these and may replace any number. The radios' are from 2012, and of one phone: newer ones send a
bit for less, and still have a tail of ten seconds (Narayanan et al., "A Variegated Look at 5G in the Wild", SIGCOMM
2021). Whoever has measured their own devices writes those numbers into `[energy]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Annotated, Final

from pydantic import Field

from router.document.energy import EnergyPart, LinkPart, Watts
from router.document.form import Part
from router.errors import Fault, PolicyError
from router.naming import did_you_mean
from router.spending.energy import EnergyTerms, RadioPower
from router.toml.document import read_document

__all__ = ["PROFILES", "energy_terms"]

# Huang, Qian, Gerber, Mao, Sen, Spatscheck: "A Close Examination of Performance and Power Characteristics of 4G LTE
# Networks", MobiSys 2012, the table of the LTE and Wi-Fi power models: base power, mW per Mbit/s upwards and downwards,
# tail, and promotion (its time by its power) from idle.
_LINKS_OF_2012: Final = b"""
[links.wifi]
connected_w = 0.13286
up_w_per_mbps = 0.28317
down_w_per_mbps = 0.13701
tail_s = 0.2381
tail_w = 0.1193
wake_j = 0.0098             # 79.1 ms at 124.4 mW

[links.cellular]
connected_w = 1.28804
up_w_per_mbps = 0.43839
down_w_per_mbps = 0.05197
tail_s = 11.576
tail_w = 1.060
wake_j = 0.315              # 260.1 ms at 1210.7 mW
"""

PROFILES: Final[Mapping[str, bytes]] = {
    "phone": b"""\
# AnandTech, "HiSilicon Kirin 960: A Closer Look at Performance and Power" (2017), active power of the system with one
# core loaded: 1.35 to 2.4 W over seven chips; 1.81 W for the Cortex-A73 at 2.36 GHz.
cpu_w = 1.81
"""
    + _LINKS_OF_2012,
    "board": b"""\
# J. Geerling, Raspberry Pi Dramble, power consumption benchmarks: a Raspberry Pi 4 B draws 2.7 W idle and 6.4 W with
# its four cores loaded; a quarter of the difference is one core's.
cpu_w = 0.925
"""
    + _LINKS_OF_2012
    + b"""
# A wired port sends idle symbols when there is nothing to send (IEEE 802.3): a request adds next to nothing.
[links.ethernet]
connected_w = 0.0
up_w_per_mbps = 0.0
down_w_per_mbps = 0.0
tail_s = 0.0
tail_w = 0.0
wake_j = 0.0
""",
}


_WANTED: Final = "the profile knows no such link, so that all of its numbers are wanted"


class ProfileDocument(Part):
    """A whole profile: what EnergyPart may replace, and nothing left out."""

    cpu_w: Watts
    links: Annotated[dict[str, LinkPart], Field(min_length=1)]


@cache
def _profile(name: str) -> ProfileDocument:
    return read_document(PROFILES[name], ProfileDocument, PolicyError, max_bytes=1 << 16)


def energy_terms(part: EnergyPart, faults: list[Fault]) -> EnergyTerms:
    """Return the profile that a policy names, with the numbers that it replaces.

    A profile that there is not, a link that is described in part, and an assumed link that nothing is known of are
    added to `faults`."""
    known_profile = part.profile in PROFILES
    if not known_profile:
        problem = f'no profile is called "{part.profile}"{did_you_mean(part.profile, PROFILES)}'
        faults.append(Fault("energy.profile", problem))
    profile = _profile(part.profile if known_profile else next(iter(PROFILES)))
    links = {name: RadioPower(**described.model_dump()) for name, described in profile.links.items()}
    for name, described in part.links.items():
        numbers: dict[str, float] = asdict(links[name]) if name in links else {}
        numbers |= described.model_dump(exclude_none=True)
        missing = [field for field in LinkPart.model_fields if field not in numbers]
        faults += [Fault(f"energy.links.{name}.{field}", _WANTED) for field in missing]
        if not missing:
            links[name] = RadioPower(**numbers)
    if part.assumed_link not in links and part.assumed_link != "none":
        known = did_you_mean(part.assumed_link, links)
        problem = f'nothing is known of what "{part.assumed_link}" draws{known}'
        faults.append(Fault("energy.assumed_link", problem))
    return EnergyTerms(part.profile, profile.cpu_w if part.cpu_w is None else part.cpu_w, part.assumed_link, links)
