"""How the device reaches the rest of the world. On Linux: the interface that the default route leads over, and what
sort of interface that is. Elsewhere psutil tells no more than that there is none.

What cannot be seen from here is unknown: behind a tunnel, a bridge, a container's interface or a phone on a cable there
is some other link. Whether a link costs by the byte is told by desktops over a bus of their own alone, and by phones to
the app: `metered` is what the app reports, and unknown otherwise."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from edge_agent.signals.kernel_files import ROUTES_BYTES, number_in, text_in
from edge_agent.signals.psutil_door import psutil_function
from router.types import Value

__all__ = ["InterfaceState", "Interfaces", "Link"]

_UP: Final = 0x1
_REJECTS: Final = 0x200
_NOWHERE: Final = "0" * 8
_NOWHERE_6: Final = "0" * 32
# Names come from a table of the kernel's and go into a path.
_NAME: Final = re.compile(r"(?!\.{1,2}$)[\w.:@-]{1,15}$", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-fA-F]{1,8}$")
# Of the kernel's ARPHRD_ constants.
_ETHERNET: Final = 1
_RAW_IP: Final = 519
_MODEMS: Final = ("wwan", "rmnet", "ccmni")
# "lo" and "lo0" on Unix. By their first two letters alone "Local Area Connection" of Windows would be one of them.
_LOOPBACK: Final = re.compile(r"lo[0-9]*$|loopback", re.IGNORECASE)
_PHONES: Final = frozenset({"rndis_host", "ipheth"})
"""Drivers of phones on a cable, which look like Ethernet."""


class Link:
    """Files under /proc/net and /sys/class/net; `proc` and `sys` stand in for these roots."""

    names = ("link",)
    demand = None

    def __init__(self, *, interval_s: float = 1.0, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self.interval_s = interval_s
        self.describe = f"{proc}/net/route, {sys}/class/net"
        self._proc = proc
        self._routes, self._routes_6 = proc / "net/route", proc / "net/ipv6_route"
        self._interfaces = sys / "class/net"
        self._table = ""
        self._kinds: dict[str, str | None] = {}
        """By interface, as long as the table is the same: one that goes takes its routes along."""

    def read(self) -> Mapping[str, Value | None]:
        table = text_in(self._routes, ROUTES_BYTES)
        if table is None:
            return {}  # not to be told, as on a phone
        ways = self._working(_ways(table))
        if not ways:
            table_6 = text_in(self._routes_6, ROUTES_BYTES) or ""
            table += table_6
            ways = self._working(_ways_6(table_6))
        if table != self._table:
            self._table, self._kinds = table, {}
        if not ways:
            return {"link": "none"}
        _, name = min(ways)
        if name not in self._kinds:
            self._kinds[name] = self._kind(name)
        return {"link": self._kinds[name]}

    def _working(self, ways: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
        return [
            (metric, name)
            for metric, name in ways
            if _NAME.match(name) and number_in(self._interfaces / name / "carrier") != 0
        ]

    def _kind(self, name: str) -> str | None:
        folder = self._interfaces / name
        if (folder / "wireless").is_dir() or (folder / "phy80211").exists():
            return "wifi"
        sort = re.search(r"^DEVTYPE=(\w+)$", text_in(folder / "uevent") or "", re.MULTILINE)
        if sort is not None:
            return {"wlan": "wifi", "wwan": "cellular"}.get(sort[1])
        form = number_in(folder / "type")
        if form == _RAW_IP or name.startswith(_MODEMS):
            return "cellular"
        # An interface without a device is one that the kernel made up.
        if form == _ETHERNET and (folder / "device").exists() and _driver(folder) not in _PHONES:
            return "ethernet"
        return None


def _ways(table: str) -> Iterator[tuple[int, str]]:
    """Yield metric and interface of each way out, as /proc/net/route has them."""
    for line in table.splitlines()[1:]:
        part = line.split()
        if len(part) < 8 or part[1] != _NOWHERE or part[7] != _NOWHERE or not _HEX.match(part[3]):
            continue
        if int(part[3], 16) & _UP and not int(part[3], 16) & _REJECTS and part[6].isdecimal() and len(part[6]) <= 10:
            yield int(part[6]), part[0]


def _ways_6(table: str) -> Iterator[tuple[int, str]]:
    """The same of /proc/net/ipv6_route, whose numbers are hexadecimal."""
    for line in table.splitlines():
        part = line.split()
        if len(part) < 10 or part[0] != _NOWHERE_6 or part[1] != "00" or part[9] == "lo":
            continue
        if _HEX.match(part[5]) and _HEX.match(part[8]) and int(part[8], 16) & (_UP | _REJECTS) == _UP:
            yield int(part[5], 16), part[9]


def _driver(folder: Path) -> str:
    try:
        return os.path.basename(os.readlink(folder / "device/driver"))
    except OSError:
        return ""


class InterfaceState(Protocol):
    """What psutil tells of an interface."""

    @property
    def isup(self) -> bool: ...


class Interfaces:
    """psutil's interfaces: tells that there is no link, or nothing. `sensor` stands in for `psutil.net_if_stats`.

    For macOS and Windows, where it was not run."""

    names = ("link",)
    describe = "psutil.net_if_stats"
    demand = None

    def __init__(
        self, *, interval_s: float = 1.0, sensor: Callable[[], Mapping[str, InterfaceState]] | None = None
    ) -> None:
        self.interval_s = interval_s
        self._sensor = sensor

    def read(self) -> Mapping[str, Value | None]:
        sensor = self._sensor or psutil_function("net_if_stats")
        if sensor is None:
            return {}
        interfaces = sensor()
        up = [name for name, state in interfaces.items() if state.isup and not _LOOPBACK.match(name)]
        return {"link": "none" if interfaces and not up else None}
