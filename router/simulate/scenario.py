"""From the bytes of a scenario document to a world's setting, or to exactly what is wrong with it and where. Pure.

Form is checked in document/; here names are resolved against each other, and what the document names is read through
`sources`. What is simulated is the whole scenario or nothing: a trace with a fault is refused, not repaired."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from router.errors import ScenarioError
from router.naming import did_you_mean
from router.simulate.answers import AnswerModel, Parametric
from router.simulate.arriving import AtRandom, Bursts, ByTimer, Recorded
from router.simulate.curve import Steps
from router.simulate.device import Outside
from router.simulate.document import (
    AnswersPart,
    ArrivalsPart,
    ConnectionPart,
    DeviceDocument,
    FaultPart,
    RadioDocument,
    ScenarioDocument,
    ServerDocument,
    StreamPart,
    TargetPart,
)
from router.simulate.faults import Fault
from router.simulate.link import LinkModel
from router.simulate.reading import Reader, device_of, radio_of
from router.simulate.server import ServerModel
from router.simulate.sources import Sources
from router.simulate.traces.examples import read_examples
from router.simulate.traces.table import read_times
from router.simulate.workload import Arriving, ModelFacts, Stream
from router.simulate.world import Setting
from router.toml_document import located, read_document
from router.types import DEVICE, Kind

__all__ = ["MAX_SCENARIO_BYTES", "Scenario", "read_scenario"]

MAX_SCENARIO_BYTES: Final = 1 << 20
_NO_NETWORK: Final = "none"
# What document.AnswersPart says of fields that are left out.
_AUROC: Final = 0.85
_OVERCONFIDENCE: Final = 1.0
_CORRELATION: Final = 0.3


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
    models = {name: _model(name, document, reader) for name in document.models}
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
        streams=_streams(document.workload, models, reader),
    )
    return Scenario(document.name, document.about, document.seed, document.devices, setting, dict(reader.cited), digest)


def _links(document: ScenarioDocument, reader: Reader) -> dict[str, LinkModel]:
    links: dict[str, LinkModel] = {}
    for name, part in document.links.items():
        path = f"links.{name}"
        if name == _NO_NETWORK:
            raise ScenarioError(path, f'"{_NO_NETWORK}" is the word for no network; call it otherwise')
        radio = reader.document(RadioDocument, "radio", part.radio, f"{path}.radio")
        rtt_points, period_s = reader.points(part.rtt_ms, f"{path}.rtt_ms", 0, 600_000)
        links[name] = LinkModel(
            name=name,
            up=reader.capacity(part.up, f"{path}.up"),
            down=reader.capacity(part.down, f"{path}.down"),
            rtt_s=_steps_in_s(rtt_points, period_s),
            jitter=part.jitter,
            radio=radio_of(radio),
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
    return links[_one_of(part.link, links, f"connected[{index}].link", "link")]


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
    )


def _kind(name: str, part: TargetPart, path: str) -> Kind:
    if part.kind is not None:
        return Kind(part.kind)
    if name in (Kind.FOG, Kind.CLOUD):
        return Kind(name)
    raise ScenarioError(f"{path}.kind", f'is wanted, fog or cloud: "{name}" is neither\'s own name')


def _model(name: str, document: ScenarioDocument, reader: Reader) -> ModelFacts:
    part, path = document.models[name], f"models.{name}"
    for target in part.service_ms:
        _one_of(target, document.targets, f"{path}.service_ms", "target")
    serving = [target for target in document.targets if target in part.service_ms]
    if part.device_ms is None and not serving:
        raise ScenarioError(path, "neither the device nor any target has it")
    return ModelFacts(
        name=name,
        device_s=None if part.device_ms is None else part.device_ms / 1000,
        service_s={target: part.service_ms[target] / 1000 for target in serving},
        upload_bytes=part.upload_bytes,
        download_bytes=part.download_bytes,
        answers=_answers(part.answers, serving, reader, f"{path}.answers"),
        upload_spread=part.upload_spread,
    )


def _answers(part: AnswersPart, serving: Sequence[str], reader: Reader, path: str) -> AnswerModel:
    if part.examples is not None:
        return reader.trace(part.examples, f"{path}.examples", lambda lines: read_examples(lines, (DEVICE, *serving)))
    assert part.accuracy is not None
    known = (DEVICE, *serving)
    for name in part.accuracy:
        _one_of(name, known, f"{path}.accuracy", "target that has the model is called")
    missing = [name for name in known if name not in part.accuracy]
    if missing:
        raise ScenarioError(f"{path}.accuracy", f'"{missing[0]}" is missing')
    device = part.accuracy[DEVICE]
    correlation = _CORRELATION if part.correlation is None else part.correlation
    remotes = {name: _where(device, part.accuracy[name], correlation, f"{path}.correlation") for name in serving}
    return Parametric(
        device,
        _AUROC if part.auroc is None else part.auroc,
        _OVERCONFIDENCE if part.overconfidence is None else part.overconfidence,
        remotes,
    )


def _where(device: float, remote: float, correlation: float, path: str) -> tuple[float, float]:
    """Return how probable it is that a remote is right where the device is, and where the device is wrong."""
    spread = math.sqrt(device * (1 - device) * remote * (1 - remote))
    both = device * remote + correlation * spread
    least, most = max(0.0, device + remote - 1), min(device, remote)
    if not least - 1e-9 <= both <= most + 1e-9:
        bounds = f"{(least - device * remote) / spread:.3f} to {(most - device * remote) / spread:.3f}"
        raise ScenarioError(
            path, f"{correlation:g} cannot be, of accuracies {device:g} and {remote:g}: from {bounds} can"
        )
    return min(1.0, both / device), min(1.0, max(0.0, (remote - both) / (1 - device)))


def _streams(parts: Sequence[StreamPart], models: Mapping[str, ModelFacts], reader: Reader) -> tuple[Stream, ...]:
    streams: dict[str, Stream] = {}
    for index, part in enumerate(parts):
        path = f"workload[{index}]"
        if part.name in streams:
            raise ScenarioError(f"{path}.name", f'there are two called "{part.name}", and each draws by its name')
        model = models[_one_of(part.model, models, f"{path}.model", "model")]
        streams[part.name] = Stream(
            part.name, model, part.deadline_ms / 1000, _shares(part.labels), _arriving(part.arrivals, reader, path)
        )
    idle = sorted(set(models) - {stream.model.name for stream in streams.values()})
    if idle:
        raise ScenarioError(f"models.{idle[0]}", "nothing asks for it; let a workload, or leave it out")
    return tuple(streams.values())


def _shares(labels: Mapping[str, float]) -> tuple[tuple[float, str | None], ...]:
    total = sum(labels.values())
    shares: list[tuple[float, str | None]] = []
    so_far = 0.0
    for label, share in labels.items():
        so_far += share / total
        shares.append((so_far, label))
    shares[-1] = (1.0, shares[-1][1])
    return tuple(shares)


def _arriving(part: ArrivalsPart, reader: Reader, path: str) -> Arriving:
    path = f"{path}.arrivals"
    if part.per_s is not None:
        return AtRandom(reader.steps(part.per_s, f"{path}.per_s", 0, 1e6))
    if part.every_s is not None:
        return ByTimer(part.every_s, part.jitter)
    if part.bursts is not None:
        return Bursts(part.bursts.requests, part.bursts.within_s, part.bursts.between_s)
    assert part.trace is not None
    times = reader.trace(part.trace, f"{path}.trace", lambda lines: read_times(lines, part.time, part.unit))
    return Recorded([at / part.speed for at in times])


def _faults(parts: Sequence[FaultPart], targets: Mapping[str, TargetPart]) -> dict[str, tuple[Fault, ...]]:
    faults: dict[str, tuple[Fault, ...]] = {}
    for index, part in enumerate(parts):
        _one_of(part.target, targets, f"faults[{index}].target", "target")
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


def _one_of(name: str, known: Iterable[str], path: str, what: str) -> str:
    names = list(known)
    if name not in names:
        raise ScenarioError(path, f'no {what} "{name}"{did_you_mean(name, names)}')
    return name
