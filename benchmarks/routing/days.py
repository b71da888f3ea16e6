"""The days: the scenarios that ship, and recorded links where NEARFAR_DATA names a folder that has them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from router.cli.scenario_files import Beside, find_scenario, shipped
from router.simulate.scenario import Scenario, read_scenario

__all__ = ["day", "names", "recorded"]

_MAHIMAHI: Final = ("ATT-LTE-driving", "TMobile-LTE-short", "Verizon-LTE-short")
_WALKS: Final = 6
# On recorded links requests come in bursts, so that the radio sleeps in between.
_RECORDED: Final = """
schema = 1
name = "{name}"
about = "a recorded link"
duration_s = 3600
device = {{ model = "phone-midrange" }}
links.air = {{ radio = "cellular-slow-wake", up = {up}, down = {down}, rtt_ms = 60, jitter = 0.2 }}
targets.cloud = {{ server = "cpu-16", rtt_ms = 20, usd_per_request = 0.0001 }}

[models.vision]
device_ms = 20
service_ms = {{ cloud = 20 }}
upload_bytes = 24000
answers = {{ accuracy = {{ device = 0.755, cloud = 0.9 }}, auroc = 0.8 }}

[[workload]]
name = "app"
model = "vision"
deadline_ms = 2000
arrivals = {{ bursts = {{ requests = 8, within_s = 2.0, between_s = 45 }} }}
"""


def names() -> list[str]:
    """Return what the days are called: those of one device, for a fleet is another question."""
    return [*(name for name in shipped() if find_scenario(name).devices == 1), *recorded()]


def recorded() -> list[str]:
    """Return what the recorded links are called; none where NEARFAR_DATA is not set."""
    net = _net()
    return [] if net is None else [*_MAHIMAHI, *_walks(net)]


@lru_cache(maxsize=4)
def day(name: str) -> Scenario:
    """Return the day of this name, or in this file. Raises OSError, ScenarioError."""
    if name in shipped() or name.endswith(".toml"):
        return find_scenario(name)
    net = _net()
    assert net is not None, "recorded days are there only with NEARFAR_DATA"
    if name in _MAHIMAHI:
        up, down = (f'{{ mahimahi = "mahimahi/{name}.{way}.gz" }}' for way in ("up", "down"))
    else:
        up = down = f'{{ table = "lumos5g_dev.tar.gz/{_walks(net)[name]}" }}'
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    text = _RECORDED.format(name=f"link-{plain}", up=up, down=down)
    return read_scenario(text.encode(), Beside(net))


def _net() -> Path | None:
    data = os.environ.get("NEARFAR_DATA")
    return Path(data) / "net" if data else None


@lru_cache(maxsize=1)
def _walks(net: Path) -> dict[str, str]:
    """Return some of the recorded walks and drives, 4G and 5G, by their names."""
    with tarfile.open(net / "lumos5g_dev.tar.gz") as archive:
        found = sorted(member.name for member in archive if member.isfile())
    return dict(_named(found[:: max(1, len(found) // _WALKS)]))


def _named(paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield Path(path).stem, path
