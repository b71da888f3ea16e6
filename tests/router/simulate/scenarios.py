"""Scenario documents for tests, and what stands beside them without a disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.simulate.scenario import Scenario, read_scenario
from router.simulate.sources import Described

__all__ = ["DEVICE", "RADIO", "SERVER", "Given", "document", "read"]

RADIO = """\
schema = 1
name = "radio"
kind = "cellular"
metered = true
wake_s = [[10, 0], [11, 0.8]]
wake_w = 1.2
tail_s = 10
tail_w = 1.0
connected_w = 1.3
up_w_per_mbps = 0.4
down_w_per_mbps = 0.05
"""
DEVICE = """\
schema = 1
name = "phone"
run_w = 2
base_w = 1
screen_w = 0.5
load_w = 2
contention = 0.5
battery_wh = 1
heat_c_per_w = 8
heat_j_per_c = 20
die_c_per_w = 2
slowdown = [[30, 1], [60, 3]]
"""
SERVER = """\
schema = 1
name = "server"
workers = 1
"""
PARTS = {
    "head": 'schema = 1\nname = "s"\nduration_s = 600\n',
    "device": '[device]\nmodel = "phone"\n',
    "links": '[links.lte]\nradio = "radio"\nup = 8\ndown = 8\nrtt_ms = 60\n',
    "targets": '[targets.cloud]\nserver = "server"\n',
    "models": (
        "[models.m]\ndevice_ms = 10\nservice_ms = { cloud = 20 }\nupload_bytes = 10000\n"
        "answers = { accuracy = { device = 0.8, cloud = 0.9 } }\n"
    ),
    "workload": '[[workload]]\nname = "app"\nmodel = "m"\ndeadline_ms = 300\narrivals = { every_s = 2 }\n',
    "faults": "",
}


class Given:
    """What a scenario names, by its name. See router.simulate.sources.Sources."""

    def __init__(
        self,
        files: Mapping[str, bytes] | None = None,
        *,
        radio: str = RADIO,
        device: str = DEVICE,
        server: str = SERVER,
    ) -> None:
        self._files = dict(files or {})
        self._catalogue = {
            ("radio", "radio"): radio,
            ("radio", "other"): radio.replace("connected_w = 1.3", "connected_w = 1.4"),
            ("device", "phone"): device,
            ("device", "other"): device.replace("base_w = 1", "base_w = 2"),
            ("server", "server"): server,
            ("server", "other"): server.replace("workers = 1", "workers = 2"),
        }

    def lines(self, name: str) -> Iterable[bytes] | None:
        content = self._files.get(name)
        return None if content is None else content.splitlines(keepends=True)

    def document(self, kind: Described, name: str) -> bytes | None:
        if name.endswith(".toml"):
            return self._files.get(name)
        known = self._catalogue.get((kind, name))
        return None if known is None else known.encode()

    def known(self, kind: Described) -> list[str]:
        return [name for of, name in self._catalogue if of == kind]


def document(**parts: str) -> str:
    """Return a whole scenario document, with the parts that are given in place of its own."""
    return "\n".join((PARTS | parts).values())


def read(files: Mapping[str, bytes] | None = None, **parts: str) -> Scenario:
    """Read such a document."""
    return read_scenario(document(**parts).encode(), Given(files), source="s.toml")
