"""The networks that a back-test plays: recorded ones where NEARFAR_DATA is set, else some of those that ship."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from router.cli.scenario_files import Beside, find_scenario
from router.simulate.curve import Curve
from router.simulate.link import LinkModel
from router.simulate.radio import RadioModel
from router.simulate.scenario import read_scenario

__all__ = ["Network", "networks", "sleeping_soon"]

# A radio that falls asleep after three seconds: of those that ship each sleeps later, and a back-test is lived in real
# time. Its powers are LTE's.
_ASLEEP_AFTER_S: Final = 3.0
_WAKES_IN_S: Final = 0.4
_LTE_RECORDING: Final = "Verizon-LTE-short"
_ARCHIVE: Final = "lumos5g_dev.tar.gz"
_LINK: Final = """
schema = 1
name = "recorded"
duration_s = 1
device.model = "edge-box"
links.air = {{ radio = "{radio}", up = {{ {up} }}, down = {{ {down} }}, rtt_ms = {rtt_ms}, jitter = 0.2 }}
targets.cloud.server = "cpu-2"
models.m = {{ service_ms = {{ cloud = 1 }}, upload_bytes = 1, answers.accuracy = {{ device = 0.5, cloud = 0.9 }} }}
workload = [{{ name = "app", model = "m", deadline_ms = 1, arrivals = {{ every_s = 1 }} }}]
"""


@dataclass(frozen=True, slots=True)
class Network:
    """A link, and what it is called."""

    name: str
    link: LinkModel


def networks() -> list[Network]:
    """Return a cellular network or two, and Wi-Fi."""
    [office] = _links("office-wifi")
    wifi = Network("Wi-Fi, as in office-wifi", office)
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        [train] = _links("flaky-tunnel")
        return [Network("a train's 4G, as in flaky-tunnel", sleeping_soon(train)), wifi]
    net = Path(data) / "net"
    up, down = (f'mahimahi = "mahimahi/{_LTE_RECORDING}.{way}.gz"' for way in ("up", "down"))
    lte = _recorded(net, "lte", up, down, 60)
    walk = _walk(net)
    table = f'table = "{_ARCHIVE}/{walk}"'
    # The recording is of the downlink; 5G's uplink carries about a tenth.
    new_radio = _recorded(net, "nr-nsa", f"{table}, scale = 0.1", table, 30)
    return [
        Network(f"recorded 4G, {_LTE_RECORDING}", sleeping_soon(lte)),
        Network(f"recorded 5G, {Path(walk).name}", sleeping_soon(new_radio)),
        wifi,
    ]


def sleeping_soon(link: LinkModel) -> LinkModel:
    """Return the link with a radio that falls asleep while somebody waits for it."""
    radio: RadioModel = link.radio
    curve = Curve([(_ASLEEP_AFTER_S, 0.0), (_ASLEEP_AFTER_S + 0.1, _WAKES_IN_S)])
    return replace(link, radio=replace(radio, wake_s=curve, wake_spread=0.25, tail_s=_ASLEEP_AFTER_S))


def _links(scenario: str) -> list[LinkModel]:
    connections = find_scenario(scenario).setting.connections
    return list({link.name: link for _, link in connections if link is not None}.values())


def _walk(net: Path) -> str:
    with tarfile.open(net / _ARCHIVE) as archive:
        return next(name for name in sorted(archive.getnames()) if name.endswith("_walking") and "/5G/" in name)


def _recorded(net: Path, radio: str, up: str, down: str, rtt_ms: float) -> LinkModel:
    text = _LINK.format(radio=radio, up=up, down=down, rtt_ms=rtt_ms)
    link = read_scenario(text.encode(), Beside(net)).setting.connections[0][1]
    assert link is not None
    return link
