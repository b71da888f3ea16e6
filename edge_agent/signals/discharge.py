"""How much power is drawn from the batteries, as Linux tells it. Neither macOS nor Windows tells without the rights or
the cost of another program: there it is unknown, unless the app knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge_agent.signals.kernel_files import folders, number_in, text_in
from router.types import Value

__all__ = ["Discharge"]

_RESTING: Final = frozenset({"charging", "full", "not charging"})


class Discharge:
    """The folder of power supplies; `root` stands in for the machine's own."""

    names = ("discharge_w",)
    demand = None

    def __init__(self, *, interval_s: float = 30.0, root: Path = Path("/sys/class/power_supply")) -> None:
        self.interval_s = interval_s
        self.describe = str(root)
        self._root = root

    def read(self) -> Mapping[str, Value | None]:
        """Sum over the machine's batteries. One that does not tell leaves the sum unknown: a part is not the whole."""
        drawn = [_drawn_w(supply) for supply in folders(self._root) if _is_machine_s(supply)]
        known = [watts for watts in drawn if watts is not None]
        return {"discharge_w": sum(known) if known and len(known) == len(drawn) else None}


def _is_machine_s(supply: Path) -> bool:
    # Of scope "Device" are the batteries of mice and headphones.
    return text_in(supply / "type") == "Battery" and text_in(supply / "scope") != "Device"


def _drawn_w(supply: Path) -> float | None:
    status = (text_in(supply / "status") or "").lower()
    if status in _RESTING:
        return 0.0  # what flows then, flows in
    if status != "discharging":
        return None
    # In millionths. Drivers disagree about the sign of a current that flows out.
    power = number_in(supply / "power_now")
    if power is not None:
        return abs(power) / 1e6
    current, voltage = number_in(supply / "current_now"), number_in(supply / "voltage_now")
    return None if current is None or voltage is None or voltage <= 0 else abs(current) * voltage / 1e12
