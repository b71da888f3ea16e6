"""From the bytes of a scenario document to a world's setting, or to exactly what is wrong with it and where. Pure.

Form is checked in document/; here names are resolved against each other, and what the document names is read through
`sources`. What is simulated is the whole scenario or nothing: a trace with a fault is refused, not repaired."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from router.errors import ScenarioError
from router.simulate.curve import Steps
from router.simulate.demand import model_of, one_of, streams_of
from router.simulate.device import Outside
from router.simulate.document import (
    ConnectionPart,
    DeviceDocument,
    FaultPart,
    RadioDocument,
    ScenarioDocument,
    ServerDocument,
    TargetPart,
)
from router.simulate.faults import Fault
from router.simulate.link import LinkModel
from router.simulate.reading import Reader, device_of, radio_of
from router.simulate.server import ServerModel
from router.simulate.sources import Sources
from router.simulate.world import Setting
from router.toml.document import located, read_document
from router.types import DEVICE, Kind

__all__ = ["MAX_SCENARIO_BYTES", "Scenario", "read_scenario"]

MAX_SCENARIO_BYTES: Final = 1 << 20
_NO_NETWORK: Final = "none"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, ready to be simulated."""

    name: str
    about: str
    seed: int
    devices: int
    setting: Setting
    cited: Mapping[str, str]
    """Document and field -> where its number comes from, as the documents say."""
    digest: str
    """Of the document alone: traces are not in it."""


def read_scenario(content: bytes, sources: Sources, *, source: str = "scenario") -> Scenario:
    """Read a scenario and what it names.

    Raises ScenarioError: with the path of the first fault, the trace's line, and what to do about it."""
    document = read_document(content, ScenarioDocument, ScenarioError, source=source, max_bytes=MAX_SCENARIO_BYTES)
    try:
        return _build(document, Reader(sources), hashlib.sha256(content).hexdigest())
    except ScenarioError as error:
        raise ScenarioError.of(located(error.faults, content), source) from error.__cause__


def _build(document: ScenarioDocument, reader: Reader, digest: str) -> Scenario:
    device_document = reader.document(DeviceDocument, "device", document.device.model, "device.model")
    servers = tuple(_server(name, part, reader) for name, part in document.targets.items())
    models = {name: model_of(name, document, reader) for name in document.models}
    setting = Setting(
        duration_s=document.duration_s,
        device=device_of(device_document),
        outside=Outside(
            load=reader.steps(document.device.load, "device.load", 0, 1),
            screen=reader.steps(document.device.screen, "device.screen", 0, 1),
            charger_w=reader.steps(document.device.charger_w, "device.charger_w", 0, 10_000),
            ambient_c=reader.steps(document.device.ambient_c, "device.ambient_c", -60, 80),
        ),
        battery_share=document.device.battery_pct / 100,
        connections=_connections(document, _links(document, reader)),
        servers=servers,
        faults=_faults(document.faults, document.targets),
        models=models,
        streams=streams_of(document.workload, models, reader),
    )
    return Scenario(document.name, document.about, document.seed, document.devices, setting, dict(reader.cited), digest)


def _links(document: ScenarioDocument, reader: Reader) -> dict[str, LinkModel]:
    links: dict[str, LinkModel] = {}
    for name, part in document.links.items():
        path = f"links.{name}"
        if name == _NO_NETWORK:
            raise ScenarioError(path, f'"{_NO_NETWORK}" is the word for no network; call it otherwise')
        radio = radio_of(reader.document(RadioDocument, "radio", part.radio, f"{path}.radio"))
        if part.wake is not None:
            radio = replace(radio, wake_s=reader.wake(part.wake, f"{path}.wake"))
        rtt_points, period_s = reader.points(part.rtt_ms, f"{path}.rtt_ms", 0, 600_000)
        links[name] = LinkModel(
            name=name,
            up=reader.capacity(part.up, f"{path}.up"),
            down=reader.capacity(part.down, f"{path}.down"),
            rtt_s=_steps_in_s(rtt_points, period_s),
            jitter=part.jitter,
            radio=radio,
        )
    return links


def _steps_in_s(points: Sequence[tuple[float, float]], period_s: float) -> Steps:
    return Steps([(at, ms / 1000) for at, ms in points], period_s)


def _connections(
    document: ScenarioDocument, links: Mapping[str, LinkModel]
) -> tuple[tuple[float, LinkModel | None], ...]:
    parts = document.connected
    if parts is None:
        if len(links) > 1:
            raise ScenarioError(
                "connected", f"is wanted: there are {len(links)} links, and no word of when which is used"
            )
        return ((0.0, next(iter(links.values()))),)
    if parts[0].from_s != 0:
        raise ScenarioError("connected[0].from_s", "the first is 0, the beginning")
    for index, (before, after) in enumerate(pairwise(parts), start=1):
        if after.from_s <= before.from_s:
            raise ScenarioError(f"connected[{index}].from_s", "does not come later than the one before it")
    _all_used(links, parts)
    return tuple((part.from_s, _link(index, part, links)) for index, part in enumerate(parts))


def _link(index: int, part: ConnectionPart, links: Mapping[str, LinkModel]) -> LinkModel | None:
    if part.link == _NO_NETWORK:
        return None
    return links[one_of(part.link, links, f"connected[{index}].link", "link")]


def _all_used(links: Mapping[str, LinkModel], parts: Iterable[ConnectionPart]) -> None:
    idle = sorted(set(links) - {part.link for part in parts})
    if idle:
        raise ScenarioError(f"links.{idle[0]}", "is never used; connect it at some time, or leave it out")


def _server(name: str, part: TargetPart, reader: Reader) -> ServerModel:
    path = f"targets.{name}"
    if name == DEVICE:
        raise ScenarioError(path, "the device is no remote target; [device] says what it is")
    document = reader.document(ServerDocument, "server", part.server, f"{path}.server")
    return ServerModel(
        name=name,
        kind=_kind(name, part, path),
        rtt_s=part.rtt_ms / 1000,
        workers=document.workers,
        speed=document.speed,
        spread=document.spread,
        queue_limit=document.queue_limit,
        queue_target_s=math.inf if document.queue_target_ms is None else document.queue_target_ms / 1000,
        tells_load=document.tells_load,
        pushes_back=document.pushes_back,
        usd_per_request=part.usd_per_request,
        # At 1 a queue of random arrivals grows for ever.
        busy=reader.steps(part.busy, f"{path}.busy", 0, 0.99),
        connect_round_trips=document.connect_round_trips,
        connection_s=math.inf if document.connection_s is None else document.connection_s,
    )


def _kind(name: str, part: TargetPart, path: str) -> Kind:
    if part.kind is not None:
        return Kind(part.kind)
    if name in (Kind.FOG, Kind.CLOUD):
        return Kind(name)
    raise ScenarioError(f"{path}.kind", f'is wanted, fog or cloud: "{name}" is neither\'s own name')


def _faults(parts: Sequence[FaultPart], targets: Mapping[str, TargetPart]) -> dict[str, tuple[Fault, ...]]:
    faults: dict[str, tuple[Fault, ...]] = {}
    for index, part in enumerate(parts):
        one_of(part.target, targets, f"faults[{index}].target", "target")
        pushback_s = None if part.pushback_ms is None else part.pushback_ms / 1000
        fault = Fault(
            start=part.from_s,
            end=math.inf if part.to_s is None else part.to_s,
            black_hole=part.black_hole,
            error_share=part.error_share,
            code=part.code or "UNAVAILABLE",
            slow=part.slow,
            pushback_s=math.inf if pushback_s is not None and pushback_s < 0 else pushback_s,
            delay_s=part.delay_ms / 1000,
            every_s=math.inf if part.every_s is None else part.every_s,
        )
        faults[part.target] = (*faults.get(part.target, ()), fault)
    return faults
