"""The simulated device and link beside recorded ones: how far they are off, and that they are no further off than said.

A user would write a document for the phone and say how warm the air is; here what its processor draws, and the air,
are fitted to the first half of what was recorded, and the second half is foretold."""

from __future__ import annotations

import csv
import gzip
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from router.cli.scenario_files import Beside
from router.simulate.capacity import Packets
from router.simulate.curve import Steps
from router.simulate.device import Device, DeviceModel, Outside
from router.simulate.document import DeviceDocument
from router.simulate.reading import Reader, device_of
from router.simulate.traces.mahimahi import read_packets

pytestmark = pytest.mark.data

# What their makers say that the batteries hold, at 3.85 V.
BATTERIES_WH = {"dev00": 15.4, "dev01": 11.6, "dev02": 11.6, "dev03": 15.4}
NEVER = Steps([(0.0, 0.0)])


@dataclass(frozen=True, slots=True)
class Stretch:
    """A while without a charger and without a hole: seconds, level in %, temperature, load, screen."""

    rows: tuple[tuple[float, float, float, float, float], ...]

    @property
    def drained_pct(self) -> float:
        return self.rows[0][1] - self.rows[-1][1]


def _stretches(path: Path) -> Iterator[Stretch]:
    rows: list[tuple[float, float, float, float, float]] = []
    start = 0.0
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            at, unplugged = int(row["Timestamp"]) / 1000, row["status"] == "3"
            if rows and (not unplugged or at - start - rows[-1][0] > 120):
                yield Stretch(tuple(rows))
                rows = []
            if unplugged:
                start = at if not rows else start
                load = min(100.0, max(0.0, float(row["usage"]))) / 100
                screen = float(row["isInteractive"] == "true")
                rows.append((at - start, float(row["level"]), float(row["temperature"]), load, screen))
    yield Stretch(tuple(rows))


def _told(stretches: list[Stretch]) -> list[Stretch]:
    return [each for each in stretches if len(each.rows) > 1 and each.rows[-1][0] >= 1200 and each.drained_pct >= 3]


def _replayed(stretch: Stretch, model: DeviceModel, air_c: float) -> tuple[float, list[float]]:
    """Return the per cent that the simulated device drains, and by how much its temperature is off at each row."""
    at, level, warmth = stretch.rows[0][:3]
    load, screen = Steps([(row[0], row[3]) for row in stretch.rows]), Steps([(row[0], row[4]) for row in stretch.rows])
    device = Device(model, Outside(load, screen, NEVER, Steps([(0.0, air_c)])), 1, level / 100)
    device.body.skin_c = warmth
    off: list[float] = []
    for at, _, recorded_c, *_ in stretch.rows[1:]:
        device.advance(at)
        off.append(device.body.skin_c - recorded_c)
    assert model.battery_wh is not None
    return level - 100 * device.charge_j / (model.battery_wh * 3600), off


def _fitted(stretches: list[Stretch], model: DeviceModel) -> tuple[DeviceModel, float]:
    drained = sum(each.drained_pct for each in stretches)
    low, high = 0.0, 10.0
    while high - low > 0.01:
        middle = (low + high) / 2
        foretold = sum(_replayed(each, replace(model, load_w=middle), 25.0)[0] for each in stretches)
        low, high = (middle, high) if foretold < drained else (low, middle)
    fitted, air_c = replace(model, load_w=low), 25.0
    for _ in range(4):
        air_c -= statistics.fmean(off for each in stretches for off in _replayed(each, fitted, air_c)[1])
    return fitted, air_c


@pytest.mark.parametrize("phone", sorted(BATTERIES_WH))
def test_a_phone_s_battery_and_warmth_are_foretold_from_its_own_past(
    phone: str, data: Path, record_property: Callable[[str, object], None]
) -> None:
    document = Reader(Beside(Path())).document(DeviceDocument, "device", "phone-midrange", "")
    model = replace(device_of(document), battery_wh=BATTERIES_WH[phone])
    stretches = _told(list(_stretches(data / f"device/{phone}.csv.gz")))
    past, future = stretches[: len(stretches) // 2], stretches[len(stretches) // 2 :]
    fitted, air_c = _fitted(past, model)
    told = [_replayed(each, fitted, air_c) for each in future]
    drained = sum(each.drained_pct for each in future)
    off_pct = sum(foretold for foretold, _ in told) / drained - 1
    off_c = statistics.fmean(abs(off) for _, each in told for off in each)
    unmoved_c = statistics.fmean(abs(row[2] - each.rows[0][2]) for each in future for row in each.rows[1:])
    record_property("load_w", round(fitted.load_w, 2))
    record_property("drain_off", f"{off_pct:+.0%}")
    record_property("temperature_off_c", f"{off_c:.2f}, and {unmoved_c:.2f} if it stayed where it was")
    print(
        f"{phone}: {len(future)} stretches; with a load of {fitted.load_w:.2f} W and air of {air_c:.0f} °C"
        f" drain is {off_pct:+.0%} off, warmth {off_c:.2f} °C ({unmoved_c:.2f} if it never changed)"
    )
    assert abs(off_pct) < 0.35
    assert off_c < 1.1 * unmoved_c


@pytest.mark.parametrize("name", ["TMobile-LTE-short.up", "Verizon-LTE-short.down", "ATT-LTE-driving.up"])
def test_a_long_transfer_has_the_pace_of_its_packet_trace(name: str, data: Path) -> None:
    with gzip.open(data / f"net/mahimahi/{name}.gz") as file:
        moments = [int(line) for line in file]
    with gzip.open(data / f"net/mahimahi/{name}.gz") as file:
        link: Packets = read_packets(file)
    size = 3 * len(moments) * 1500  # three rounds, in transfers of a picture each
    sent, end, behind = 0, 0.0, 0.0
    while sent < size:
        end, behind = link.carry(end, 24_000, behind)
        sent += 24_000
    assert sent / end == pytest.approx(len(moments) * 1500 / (moments[-1] / 1000), rel=0.01)
