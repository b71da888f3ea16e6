"""From what stands in a scenario to values of the world, with the place of everything that does not fit. Pure.

Each reader takes the part and its path in the document, so that a fault in a file is told with the field that names it
and the file's own line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeVar

from router.errors import DocumentError, ScenarioError
from router.naming import did_you_mean
from router.simulate.capacity import Capacity, Packets, Rates
from router.simulate.curve import Curve, Steps
from router.simulate.device import DeviceModel
from router.simulate.document import CapacityPart, DeviceDocument, RadioDocument, SeriesPart, ServerDocument, WakePart
from router.simulate.radio import RadioModel
from router.simulate.sources import Described, Sources
from router.simulate.thermal import ThermalModel
from router.simulate.traces.lines import MAX_LINES_IN_ALL, Lines, TraceFault
from router.simulate.traces.mahimahi import read_packets
from router.simulate.traces.table import Columns, read_curve, read_table
from router.toml.document import read_document

__all__ = ["Reader", "device_of", "radio_of"]

_MAX_DOCUMENT_BYTES: Final = 1 << 20
T = TypeVar("T")
DocumentT = TypeVar("DocumentT", DeviceDocument, RadioDocument, ServerDocument)


class Reader:
    """Reads what one scenario names. `cited` becomes what its documents say of their numbers' origin."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._lines_left = MAX_LINES_IN_ALL
        self.cited: dict[str, str] = {}

    def document(self, model: type[DocumentT], kind: Described, name: str, path: str) -> DocumentT:
        """Read a document of the catalogue, or a file's. Raises ScenarioError."""
        content = self._there(path, name, lambda: self._sources.document(kind, name))
        if content is None:
            if name.endswith(".toml"):
                raise ScenarioError(path, f'there is no file "{name}" beside the scenario')
            known = did_you_mean(name, self._sources.known(kind))
            raise ScenarioError(path, f'the catalogue has no {kind} "{name}"{known}')

        try:
            read = read_document(content, model, source=name, max_bytes=_MAX_DOCUMENT_BYTES)
        except DocumentError as error:
            raise ScenarioError(path, str(error)) from error
        for field, source in read.sources.items():
            self.cited[f"{read.name}.{field}"] = source
        return read

    def trace(self, name: str, path: str, read: Callable[[Lines], T]) -> T:
        """Read a trace file. Raises ScenarioError: with the file, and its line at fault."""

        def whole() -> T | None:
            lines = self._sources.lines(name)
            return None if lines is None else read(self._counted(lines))

        try:
            told = self._there(path, name, whole)
        except TraceFault as fault:
            raise ScenarioError(path, f"{name}: {fault}") from fault
        if told is None:
            raise ScenarioError(path, f'there is no file "{name}" beside the scenario')
        return told

    def _counted(self, lines: Lines) -> Iterator[bytes]:
        for line in lines:
            self._lines_left -= 1
            if self._lines_left < 0:
                raise TraceFault(0, f"with it the scenario's traces have more than {MAX_LINES_IN_ALL:,} lines in all")
            yield line

    def points(
        self, part: SeriesPart, path: str, low: float, high: float
    ) -> tuple[Sequence[tuple[float, float]], float]:
        """Return (from when, value) and the period, infinity without one. Values are from `low` to `high`."""
        if part.value is not None:
            points, period_s = [(0.0, part.value)], math.inf
        elif part.steps is not None:
            points, period_s = [(at, value) for at, value in part.steps], part.period_s or math.inf
            _must_rise(points, period_s, f"{path}.steps")
        else:
            assert part.table is not None
            columns = Columns(part.time, part.column, part.unit, part.shorten_gaps_to_s, tuple(part.counts))
            if not part.clip:
                columns = replace(columns, scale=part.scale, least=low, most=high)
            points, period_s = self.trace(part.table, f"{path}.table", lambda lines: read_table(lines, columns))
            scale = part.scale
            points = [(at, value * scale) for at, value in points]
            if part.clip:
                points = [(at, min(high, max(low, value))) for at, value in points]
        for number, (_, value) in enumerate(points, start=1):
            if not low <= value <= high:
                where = f"its value number {number}, {value:g}," if len(points) > 1 else f"{value:g}"
                raise ScenarioError(path, f"{where} is not from {low:g} to {high:g}")
        return points, period_s

    def steps(self, part: SeriesPart, path: str, low: float, high: float) -> Steps:
        """Return what changes over time. Raises ScenarioError: outside of `low` to `high`."""
        return Steps(*self.points(part, path, low, high))

    def capacity(self, part: CapacityPart, path: str) -> Capacity:
        """Return one direction of a link. Raises ScenarioError."""
        if part.mahimahi is not None:
            packets: Packets = self.trace(part.mahimahi, f"{path}.mahimahi", read_packets)
            return packets
        points, period_s = self.points(part, path, 0, 1e6)
        if points[0][0] > 0:  # before the first it is the first's
            points = [(0.0, points[0][1]), *points[1:]]
        return Rates(points, period_s)

    def wake(self, part: WakePart, path: str) -> Curve:
        """Return a measured wake-up curve. Raises ScenarioError."""
        if part.table is None:
            return _curve(part.points or ())
        return Curve(
            self.trace(part.table, f"{path}.table", lambda lines: read_curve(lines, part.idle, part.wake, part.unit))
        )

    def _there(self, path: str, name: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except EOFError as error:
            raise ScenarioError(path, f"{name}: is cut off: its packing ends before its content does") from error
        except OSError as error:
            raise ScenarioError(path, f"{name}: cannot be read: {error.strerror or error}") from error


def radio_of(document: RadioDocument) -> RadioModel:
    """Return the radio that a document describes."""
    return RadioModel(
        kind=document.kind,
        metered=document.metered,
        wake_s=_curve(document.wake_s),
        wake_spread=document.wake_spread,
        wake_w=document.wake_w,
        tail_s=document.tail_s,
        tail_w=document.tail_w,
        connected_w=document.connected_w,
        up_w_per_mbps=document.up_w_per_mbps,
        down_w_per_mbps=document.down_w_per_mbps,
    )


def device_of(document: DeviceDocument) -> DeviceModel:
    """Return the device that a document describes."""
    return DeviceModel(
        name=document.name,
        runs_at_once=document.runs_at_once,
        run_w=document.run_w,
        base_w=document.base_w,
        screen_w=document.screen_w,
        load_w=document.load_w,
        contention=document.contention,
        battery_wh=document.battery_wh,
        charge_loss=document.charge_loss,
        thermal=ThermalModel(
            document.heat_c_per_w, document.heat_j_per_c, document.die_c_per_w, _curve(document.slowdown)
        ),
        memory_free_mb=document.memory_free_mb,
        speed=document.speed,
        spread=document.spread,
    )


def _curve(points: Iterable[Sequence[float]]) -> Curve:
    return Curve([(x, y) for x, y in points])


def _must_rise(points: Sequence[tuple[float, float]], period_s: float, path: str) -> None:
    for number, ((before, _), (at, _)) in enumerate(pairwise(points), start=2):
        if at <= before:
            raise ScenarioError(path, f"step {number} does not come later than the one before it")
    if points[0][0] < 0:
        raise ScenarioError(path, "the first step comes before the beginning, which is 0")
    if points[-1][0] >= period_s:
        raise ScenarioError(path, f"the last step, at {points[-1][0]:g} s, does not come within period_s")
