"""What a scenario's app asks for: its models, who is right, and when requests come. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from router.errors import ScenarioError
from router.naming import did_you_mean
from router.simulate.answers import AnswerModel, Parametric
from router.simulate.arriving import AtRandom, Bursts, ByTimer, Recorded
from router.simulate.document import AnswersPart, ArrivalsPart, ScenarioDocument, StreamPart
from router.simulate.reading import Reader
from router.simulate.traces.examples import read_examples
from router.simulate.traces.table import read_times
from router.simulate.workload import Arriving, ModelFacts, Stream
from router.types import DEVICE

__all__ = ["model_of", "one_of", "streams_of"]

# What document.AnswersPart says of fields that are left out.
_AUROC: Final = 0.85
_OVERCONFIDENCE: Final = 1.0
_CORRELATION: Final = 0.3


def model_of(name: str, document: ScenarioDocument, reader: Reader) -> ModelFacts:
    """Return the model `name` of the scenario. Raises ScenarioError."""
    part, path = document.models[name], f"models.{name}"
    for target in part.service_ms:
        one_of(target, document.targets, f"{path}.service_ms", "target")
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
        one_of(name, known, f"{path}.accuracy", "target that has the model is called")
    missing = [name for name in known if name not in part.accuracy]
    if missing:
        raise ScenarioError(f"{path}.accuracy", f'"{missing[0]}" is missing')
    device = part.accuracy[DEVICE]
    remotes = {name: _where(device, part.accuracy[name], part.correlation, f"{path}.correlation") for name in serving}
    return Parametric(
        device,
        _AUROC if part.auroc is None else part.auroc,
        _OVERCONFIDENCE if part.overconfidence is None else part.overconfidence,
        remotes,
    )


def _where(device: float, remote: float, correlation: float | None, path: str) -> tuple[float, float]:
    """Return how probable it is that a remote is right where the device is, and where the device is wrong. Where no
    correlation is asked for, it is the usual one, or as near to it as such accuracies can be."""
    spread = math.sqrt(device * (1 - device) * remote * (1 - remote))
    both = device * remote + (_CORRELATION if correlation is None else correlation) * spread
    least, most = max(0.0, device + remote - 1), min(device, remote)
    if correlation is None:
        both = min(both, most)
    elif not least - 1e-9 <= both <= most + 1e-9:
        bounds = f"{(least - device * remote) / spread:.3f} to {(most - device * remote) / spread:.3f}"
        raise ScenarioError(
            path, f"{correlation:g} cannot be, of accuracies {device:g} and {remote:g}: from {bounds} can"
        )
    return min(1.0, both / device), min(1.0, max(0.0, (remote - both) / (1 - device)))


def streams_of(parts: Sequence[StreamPart], models: Mapping[str, ModelFacts], reader: Reader) -> tuple[Stream, ...]:
    """Return the sources of requests. Raises ScenarioError."""
    streams: dict[str, Stream] = {}
    for index, part in enumerate(parts):
        path = f"workload[{index}]"
        if part.name in streams:
            raise ScenarioError(f"{path}.name", f'there are two called "{part.name}", and each draws by its name')
        model = models[one_of(part.model, models, f"{path}.model", "model")]
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


def one_of(name: str, known: Iterable[str], path: str, what: str) -> str:
    """Return `name`, which has to be among `known`. Raises ScenarioError: saying which `what` it is not."""
    names = list(known)
    if name not in names:
        raise ScenarioError(path, f'no {what} "{name}"{did_you_mean(name, names)}')
    return name
