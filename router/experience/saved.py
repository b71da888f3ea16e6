"""What was learnt, as a document to be kept: small, versioned, and read back only by the version that wrote it. Pure.

Instants of a monotonic clock mean nothing to the next process, so what is kept are ages, and the wall time at which
they were that old; a wall clock that was set in between makes something look older or younger, and no more. What was
learnt is of what the policy believed of a target: under another belief it is left out.

`restore` adds to what is known already. So the documents of two processes make one experience, in whichever order."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from router.errors import SavedError
from router.estimates import MOST_SILENCES, RoundTrip, Throughput, silences_s
from router.experience.book import Book
from router.experience.cells import Key
from router.experience.known import Known
from router.experience.path import Path
from router.types import DEVICE, Kind
from router.versions import whole_number

__all__ = ["MAX_SAVED_BYTES", "SAVED_VERSION", "restore", "save"]

SAVED_VERSION: Final = 2
MAX_SAVED_BYTES: Final = 4 << 20

Seconds = Annotated[float, Field(ge=0, le=1e9)]
Positive = Annotated[float, Field(gt=0, le=1e9)]
Name = Annotated[str, Field(max_length=300)]
Link = Literal["ethernet", "wifi", "cellular", "unknown"]
Index = Annotated[int, Field(ge=0, lt=MOST_SILENCES)]
Weight = tuple[Annotated[int, Field(ge=-1000, le=1000)], Annotated[float, Field(gt=0, le=1e6)]]
Samples = Annotated[int, Field(ge=0, le=2**53)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class _Histogram(_Part):
    samples: Samples
    weights: Annotated[list[Weight], Field(max_length=2001)]

    @classmethod
    def of(cls, weights: Mapping[int, float], samples: int) -> _Histogram:
        return cls(samples=samples, weights=sorted(weights.items()))

    def by_bucket(self) -> dict[int, float]:
        return dict(self.weights)


class _Silence(_Part):
    link: Link
    silence: Index

    @model_validator(mode="after")
    def _is_one_of_its_link(self) -> Self:
        if self.silence >= len(silences_s(self.link)):
            raise ValueError(f"{self.link} has no silence {self.silence}")
        return self


class _Cell(_Silence):
    measured: bool
    base_s: Positive
    wake_s: Seconds
    blind: bool
    ratios: _Histogram


class _Book(_Part):
    target: Name
    model: Name
    prior_s: tuple[Positive, Positive, Positive, Positive, Positive]
    age_s: Seconds
    reply_bytes: Annotated[float, Field(ge=0, le=2**40)] | None
    runs: _Histogram | None
    cells: Annotated[list[_Cell], Field(max_length=8 * MOST_SILENCES)]


class _Pace(_Part):
    seconds_per_byte: Positive
    age_s: Seconds


class _Trip(_Part):
    mean_s: Positive
    deviation_s: Seconds


class _Path(_Part):
    target: Name
    link: Link
    age_s: Seconds
    called: _Trip | None
    up: _Pace | None
    down: _Pace | None


class _Wake(_Silence):
    seen: _Histogram


class _Saved(_Part):
    saved: Annotated[Literal[2], whole_number("2")] = SAVED_VERSION
    at_utc: Annotated[float, Field(ge=0, le=1e12)]
    books: Annotated[list[_Book], Field(max_length=1000)]
    paths: Annotated[list[_Path], Field(max_length=1000)]
    wakes: Annotated[list[_Wake], Field(max_length=4 * MOST_SILENCES)]
    gaps: _Histogram


# -- writing -----------------------------------------------------------------------------------------------------------


def save(known: Known, targets: Mapping[str, Kind], now: float, now_utc: float) -> str:
    """Return what is known as a document: of `targets`, and not what is forgotten."""
    wakes = [
        _Wake(link=link, silence=index, seen=_Histogram.of(*told))
        for link in known.radios.kinds()
        for index in range(len(silences_s(link)))
        if (told := known.radios.wakes(link).weights(index)) is not None
    ]
    document = _Saved(
        at_utc=max(0.0, now_utc),
        books=[
            _book(known, target, targets[target], model, book, now)
            for (target, model), book in known.books.items()
            if target in targets and _worth_keeping(book, now)
        ],
        paths=[
            _path(target, link, path, now)
            for (target, link), path in known.paths.items()
            if target in targets and not path.recency.forgotten and math.isfinite(path.recency.age_s(now))
        ],
        wakes=wakes,
        gaps=_Histogram.of(*known.gaps.weights()),
    )
    return document.model_dump_json()


def _worth_keeping(book: Book, now: float) -> bool:
    learnt = book.runs.samples > 0 or any(True for _ in book.cells.items())
    return learnt and not book.recency.forgotten and math.isfinite(book.recency.age_s(now))


def _book(known: Known, target: str, kind: Kind, model: str, book: Book, now: float) -> _Book:
    return _Book(
        target=target,
        model=model,
        prior_s=known.policy.terms_for(target, kind).prior_s,
        age_s=_age_s(book.recency.age_s(now)),
        reply_bytes=book.replies_bytes,
        runs=_Histogram.of(book.runs.weights(), book.runs.samples) if book.runs.samples else None,
        cells=[
            _Cell(
                measured=measured,
                link=link,
                silence=silence,
                base_s=cell.base_s,
                wake_s=cell.wake_s,
                blind=cell.blind,
                ratios=_Histogram.of(cell.ratios.weights(), cell.ratios.samples),
            )
            for (measured, link, silence), cell in book.cells.items()
        ],
    )


def _path(target: str, link: str, path: Path, now: float) -> _Path:
    return _Path(
        target=target,
        link=link,
        age_s=_age_s(path.recency.age_s(now)),
        called=_trip(path.called),
        up=_pace(path.up, now),
        down=_pace(path.down, now),
    )


def _trip(trip: RoundTrip) -> _Trip | None:
    return None if trip.mean_s is None else _Trip(mean_s=trip.mean_s, deviation_s=trip.deviation_s)


def _pace(pace: Throughput, now: float) -> _Pace | None:
    known = pace.seconds_per_byte
    return None if known is None else _Pace(seconds_per_byte=known, age_s=_age_s(pace.age_s(now)))


def _age_s(age_s: float) -> float:
    return min(max(0.0, age_s), 1e9)


# -- reading -----------------------------------------------------------------------------------------------------------


def restore(
    known: Known, text: str | bytes, targets: Mapping[str, Kind], models: Collection[str], now: float, now_utc: float
) -> int:
    """Add what a document tells to what is known, and return of how many models on targets that is.

    Left out is what is of other targets and models, and of what the policy believes no longer.
    Raises SavedError: another version wrote it, or nobody; nothing has changed then."""
    if len(text) > MAX_SAVED_BYTES:
        raise SavedError(f"longer than the {MAX_SAVED_BYTES} bytes that are ever written")
    try:
        document = _Saved.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:200]
        place = f"{where}: " if where else ""  # nowhere in particular, where it is no JSON
        raise SavedError(f"not written by this version ({SAVED_VERSION}): {place}{first['msg'][:200]}") from None
    passed_s = max(0.0, now_utc - document.at_utc)
    restored = 0
    for kept in document.books:
        kind = targets.get(kept.target)
        if kind is None or kept.model not in models:
            continue
        if known.policy.terms_for(kept.target, kind).prior_s == kept.prior_s:
            _restore_book(known.book(kept.target, kept.model), kept, now - kept.age_s - passed_s)
            restored += 1
    for way in document.paths:
        if way.target in targets and way.target != DEVICE:
            _restore_path(known.path(way.target, way.link), way, now - passed_s)
    for wake in document.wakes:
        if wake.seen.weights:
            known.radios.wakes(wake.link).merge(wake.silence, wake.seen.by_bucket(), wake.seen.samples)
    if document.gaps.weights:
        known.gaps.merge(document.gaps.by_bucket(), document.gaps.samples)
    for target in targets:
        known.changed(target)
    return restored


def _restore_book(book: Book, kept: _Book, seen_at: float) -> None:
    if kept.runs is not None and kept.runs.weights:
        book.runs.merge(kept.runs.by_bucket(), kept.runs.samples)
    for one in kept.cells:
        if one.ratios.weights:
            key: Key = (one.measured, one.link, one.silence)
            ratios = one.ratios
            book.cells.merge(key, ratios.by_bucket(), ratios.samples, one.base_s, one.wake_s, one.blind, seen_at)
    if kept.reply_bytes is not None:
        known = book.replies_bytes
        book.replies_bytes = kept.reply_bytes if known is None else (known + kept.reply_bytes) / 2
    book.recency.restore(seen_at)


def _restore_path(path: Path, kept: _Path, saved_at: float) -> None:
    if kept.called is not None:
        path.called.merge(kept.called.mean_s, kept.called.deviation_s)
    for pace, told in ((path.up, kept.up), (path.down, kept.down)):
        if told is not None:
            pace.merge(told.seconds_per_byte, saved_at - told.age_s)
    path.recency.restore(saved_at - kept.age_s)
