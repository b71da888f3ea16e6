"""The device: its runs one after the other, and what they do to its battery and temperature. Pure.

Battery and temperature are brought up to date when somebody looks, in steps within which what comes from outside
(others' load, the charger, the air) holds. A device whose battery is empty runs nothing until it is charged."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from router.simulate.chance import Keyed
from router.simulate.curve import Steps
from router.simulate.job import Job
from router.simulate.thermal import Body, ThermalModel
from router.types import DEVICE

__all__ = ["Device", "DeviceModel", "Outside", "Run"]

# Others' load, the charger and the weather are looked at once in so long where they change all the time.
_STEP_S: Final = 60.0
_RESTARTS_AT: Final = 0.02


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """See the catalogue's device documents."""

    name: str
    runs_at_once: int
    run_w: float
    """What one run draws above a processor that does nothing."""
    base_w: float
    """What the device draws in any case: system, radios asleep."""
    screen_w: float
    """What its screen draws while it is on."""
    load_w: float
    """What others' load draws where it is 1."""
    contention: float
    """How much of others' load a run feels: it takes 1 / (1 - contention · load) times longer."""
    battery_wh: float | None
    """None: it hangs on the mains."""
    charge_loss: float
    """Share of the charger's power that becomes heat."""
    thermal: ThermalModel
    memory_free_mb: float
    speed: float = 1.0
    """Models take their time divided by this."""
    spread: float = 0.0
    """Standard deviation of a run time's logarithm."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What happens to a device whatever it does."""

    load: Steps
    """Share of the processor that others use."""
    screen: Steps
    """How much of its time the screen is on: 1 on, 0 off."""
    charger_w: Steps
    """0: not plugged in."""
    ambient_c: Steps


class Run(Job):
    """One run on the device."""

    __slots__ = ("_device", "_running_since", "run_s")

    def __init__(self, device: Device, run_s: float, now: float) -> None:
        super().__init__(DEVICE, now)
        self._device = device
        self._running_since: float | None = None
        self.run_s = run_s
        """What it takes on this device when it is cool and has nothing else to do."""

    def starts(self, now: float, slowdown: float) -> None:
        """Its turn has come."""
        self._running_since = now
        self.next_at = now + self.run_s * slowdown

    def proceed(self, now: float) -> Job | None:
        """See Job."""
        if self.done or now < self.next_at:
            return None
        if self._running_since is None:  # refused
            self._end("UNAVAILABLE", "the battery is empty")
            return None
        return self._leave(now)

    def refuse(self, now: float) -> None:
        """The device is off."""
        self.next_at = now

    def cancel(self, now: float) -> Job | None:
        """See Job."""
        if self.done:
            return None
        other = self._leave(now) if self._running_since is not None else None
        self._end("CANCELLED", "")
        return other

    def _leave(self, now: float) -> Job | None:
        assert self._running_since is not None
        self.energy_j = self._device.spent(now - self._running_since)
        self._end()
        return self._device.next_run(now)


class Device:
    """A device in use."""

    __slots__ = (
        "_at",
        "_busy_s",
        "_chance",
        "_extra_j",
        "_outside",
        "_queue",
        "_running",
        "body",
        "charge_j",
        "drawn_w",
        "model",
        "off",
    )

    def __init__(self, model: DeviceModel, outside: Outside, seed: int, battery_share: float) -> None:
        self.model = model
        self._outside = outside
        self._chance = Keyed(seed, "device runs")
        self._queue: deque[Run] = deque()
        self._running = 0
        self._at = 0.0
        self._busy_s = 0.0
        self._extra_j = 0.0
        # As warm as it is when nothing was asked of it for long.
        rests_w = model.base_w + model.screen_w * outside.screen.at(0.0)
        self.body = Body(model.thermal, outside.ambient_c.at(0.0) + rests_w * model.thermal.resistance_c_per_w)
        self.charge_j = battery_share * (model.battery_wh or 0.0) * 3600
        self.drawn_w = model.base_w
        """What it drew on average over the last stretch."""
        self.off = False

    def run(self, run_s: float, now: float, key: int) -> Run:
        """Run a model that takes `run_s` on a device of speed 1. `key` is the request's, whose chance it is."""
        model = self.model
        run = Run(self, self._drawn_s(run_s, key), now)
        if self.off:
            run.refuse(now)
        elif self._running < model.runs_at_once:
            self._start(run, now)
        else:
            self._queue.append(run)
        return run

    def takes_s(self, run_s: float, key: int, now: float) -> float:
        """Return what such a run would take that began now."""
        return self._drawn_s(run_s, key) * self._slowdown(now)

    def next_run(self, now: float) -> Run | None:
        """A run has ended. Return the one that starts in its place."""
        self._running -= 1
        while self._queue:
            run = self._queue.popleft()
            if not run.done:
                self._start(run, now)
                return run
        return None

    def waiting(self) -> int:
        """Return how many runs wait for their turn."""
        return sum(not run.done for run in self._queue)

    def spent(self, busy_s: float) -> float:
        """Note a run of so long; return its joules."""
        self._busy_s += busy_s
        joules = busy_s * self.model.run_w
        self._extra_j += joules
        return joules

    def spend(self, joules: float) -> None:
        """Note what the radio drew."""
        self._extra_j += joules

    def battery_pct(self) -> float | None:
        """Return the charge that is left, as the system shows it: whole per cent; None without a battery."""
        if self.model.battery_wh is None:
            return None
        return float(round(100 * self.charge_j / (self.model.battery_wh * 3600)))

    def charging(self) -> bool:
        """Tell whether power is connected."""
        return self.model.battery_wh is None or self._outside.charger_w.at(self._at) > 0

    def load(self) -> float:
        """Return the share of the processor that others use."""
        return self._outside.load.at(self._at)

    def advance(self, now: float) -> None:
        """Bring battery and temperature up to `now`."""
        length = now - self._at
        if length <= 0:
            return
        model, outside = self.model, self._outside
        run_w = self._busy_s * model.run_w / length
        extra_w = self._extra_j / length
        self._busy_s = self._extra_j = 0.0
        while self._at < now:
            step_s = min(now - self._at, _STEP_S)
            load = outside.load.at(self._at)
            charger_w = outside.charger_w.at(self._at) if model.battery_wh is not None else 0.0
            processor_w = run_w + load * model.load_w
            screen_w = outside.screen.at(self._at) * model.screen_w
            drawn_w = 0.0 if self.off else model.base_w + screen_w + load * model.load_w + extra_w
            self.drawn_w = drawn_w
            heat_w = drawn_w + charger_w * model.charge_loss
            self.body.advance(step_s, heat_w, processor_w, outside.ambient_c.at(self._at))
            if model.battery_wh is not None:
                self._charge(step_s * (charger_w * (1 - model.charge_loss) - drawn_w), model.battery_wh * 3600)
            self._at += step_s

    def _charge(self, joules: float, full_j: float) -> None:
        self.charge_j = min(full_j, max(0.0, self.charge_j + joules))
        if self.charge_j == 0.0:
            self.off = True
        elif self.off and self.charge_j >= _RESTARTS_AT * full_j:
            self.off = False

    def _start(self, run: Run, now: float) -> None:
        self._running += 1
        run.starts(now, self._slowdown(now))

    def _drawn_s(self, run_s: float, key: int) -> float:
        model = self.model
        if model.spread:
            run_s *= math.exp(model.spread * self._chance.normal(key))
        return run_s / model.speed

    def _slowdown(self, now: float) -> float:
        return self.body.slowdown() / (1 - self.model.contention * self._outside.load.at(now))
