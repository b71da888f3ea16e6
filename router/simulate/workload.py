"""What the app asks for, and when. Pure, and the same whatever is decided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Protocol

from router.simulate.answers import AnswerModel, Truth
from router.simulate.chance import Chance
from router.values import value

__all__ = ["Arrival", "Arriving", "ModelFacts", "Stream", "arrivals"]


@value
class Arrival:
    """One request. `deadline_s` counts from `at`."""

    at: float
    stream: str
    model: str
    label: str | None
    deadline_s: float
    upload_bytes: int
    download_bytes: int
    truth: Truth


class Arriving(Protocol):
    """A way in which requests come."""

    def times(self, chance: Chance) -> Iterator[float]:
        """Return the instants at which they come, not falling, for ever or until they end."""
        ...

    def later(self, by_s: float) -> Arriving:
        """Return the way in which they come `by_s` later."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as the scenario has it: what a run takes on a device and on servers of speed 1, and who is right."""

    name: str
    device_s: float | None
    """None: the device does not have it."""
    service_s: Mapping[str, float]
    """Target -> seconds; targets that are missing do not serve it."""
    upload_bytes: int
    download_bytes: int
    answers: AnswerModel
    upload_spread: float = 0.0
    """Standard deviation of the upload's logarithm."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One source of requests for one model."""

    name: str
    model: ModelFacts
    deadline_s: float
    labels: tuple[tuple[float, str | None], ...]
    """(cumulative share, label), the last with 1."""
    arriving: Arriving


def arrivals(streams: Iterable[Stream], seed: int, until: float) -> Iterator[Arrival]:
    """Return the requests of all streams in order of time, up to `until`."""
    each = [_of(stream, seed, until) for stream in streams]
    return each[0] if len(each) == 1 else merge(*each, key=_when)


def _when(arrival: Arrival) -> float:
    return arrival.at


def _of(stream: Stream, seed: int, until: float) -> Iterator[Arrival]:
    answers = Chance(seed, f"answers/{stream.name}")
    labels = Chance(seed, f"labels/{stream.name}")
    model = stream.model
    only = stream.labels[0][1] if len(stream.labels) == 1 else None
    sizes = Chance(seed, f"sizes/{stream.name}")
    for at in stream.arriving.times(Chance(seed, f"arrivals/{stream.name}")):
        if at > until:
            return
        label = only if len(stream.labels) == 1 else _label(stream.labels, labels.uniform())
        yield Arrival(
            at,
            stream.name,
            model.name,
            label,
            stream.deadline_s,
            _size(model, sizes) if model.upload_spread else model.upload_bytes,
            model.download_bytes,
            model.answers.draw(answers),
        )


def _size(model: ModelFacts, chance: Chance) -> int:
    return max(1, round(model.upload_bytes * math.exp(model.upload_spread * chance.normal())))


def _label(labels: tuple[tuple[float, str | None], ...], drawn: float) -> str | None:
    for share, label in labels:
        if drawn < share:
            return label
    return labels[-1][1]
