"""How the operator wants one model served: NAME/serving.toml in the repository, for all of its versions.

The manifest is the release's and says what the model is; this is the machine's and says how it runs here. Every key
may be left out, and the whole file may: what nobody says is measured when a version loads, or has the default below."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud_service.errors import UnservableModel
from cloud_service.repository.files import read_regular
from router.errors import DocumentError
from router.toml.document import read_document

__all__ = [
    "SERVING_FILE",
    "All",
    "Batching",
    "Instances",
    "Latest",
    "Serving",
    "ServingDocument",
    "Specific",
    "Tolerance",
    "VersionPolicy",
    "parse_serving",
    "read_serving",
]

SERVING_FILE: Final = "serving.toml"
_MAX_BYTES: Final = 64 << 10

_MAX_ROWS: Final = 4096
_MAX_DELAY_S: Final = 1.0
_MAX_THREADS: Final = 256
_MAX_SESSIONS: Final = 64
_MAX_VERSION: Final = 10**19 - 1


@dataclass(frozen=True, slots=True)
class Batching:
    """Which requests may run together. None is what the service finds out when the model loads."""

    enabled: bool | None = None
    max_batch: int | None = None
    max_queue_delay_s: float = 0.0
    preferred: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Instances:
    """How many runs at once (None: as many as the service has threads), on how many threads and sessions.

    `lone_threads` are those of one more session, for a call beside which nothing runs; 0: there is none, None: where
    that was measured to be worth its memory."""

    runs: int | None = None
    threads_per_run: int = 1
    sessions: int = 1
    lone_threads: int | None = None

    @property
    def copies(self) -> int:
        """How many sessions there are at the least: what is opened only where it is worth it is not counted."""
        return self.sessions + ((self.lone_threads or 0) > self.threads_per_run)


@dataclass(frozen=True, slots=True)
class All:
    """Every version in the repository."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The `count` highest versions."""

    count: int


@dataclass(frozen=True, slots=True)
class Specific:
    """These versions, and no other."""

    numbers: frozenset[int]


VersionPolicy = All | Latest | Specific


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an output may be from its golden one: `absolute` + `relative` * |golden|."""

    # Other kernels of a float32 model, for another processor, differ by less; another model differs by more.
    absolute: float = 1e-4
    relative: float = 1e-3


@dataclass(frozen=True, slots=True)
class Serving:
    """The whole of it; what a model without the file has is `Serving()`."""

    batching: Batching = field(default_factory=Batching)
    instances: Instances = field(default_factory=Instances)
    versions: VersionPolicy = field(default_factory=All)
    golden: Tolerance = field(default_factory=Tolerance)


_DEFAULT: Final = Serving()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Rows = Annotated[int, Field(ge=1, le=_MAX_ROWS)]
_Version = Annotated[int, Field(ge=1, le=_MAX_VERSION)]


class BatchingPart(_Part):
    """See Batching."""

    enabled: bool | None = None
    """Whether requests may run together. Without it the service batches a model where that changes no answer."""
    max_batch: _Rows | None = None
    """The most rows in one run. Without it: as many as still make a row cheaper, measured when the version loads."""
    max_queue_delay_s: Annotated[float, Field(ge=0, le=_MAX_DELAY_S, allow_inf_nan=False)] = 0.0
    """How long a request may wait for others. 0: whatever waits when a run can begin, and nobody waits for company."""
    preferred: Annotated[list[_Rows], Field(max_length=16)] = []
    """Numbers of rows at which a batch does not wait for more, none above max_batch."""

    @model_validator(mode="after")
    def _preferred_fit(self) -> Self:
        if self.max_batch is not None and any(rows > self.max_batch for rows in self.preferred):
            raise ValueError(f"preferred has {max(self.preferred)}, which is above max_batch = {self.max_batch}")
        return self


class InstancesPart(_Part):
    """See Instances."""

    runs: Annotated[int, Field(ge=1, le=_MAX_THREADS)] | None = None
    """How many runs of a version at once. Without it: as many as the service has threads."""
    threads_per_run: Annotated[int, Field(ge=1, le=_MAX_THREADS)] = 1
    """More make a lone run quicker, and many runs beside each other slower."""
    sessions: Annotated[int, Field(ge=1, le=_MAX_SESSIONS)] = 1
    """Copies of the model in memory. Runs share one without waiting for each other, so more than one rarely helps."""
    lone_threads: Annotated[int, Field(ge=0, le=_MAX_THREADS)] | None = None
    """Threads of one more copy, for a call beside which nothing else runs; 0: no such copy. Without it: all of the
    service's threads, if that makes a lone run a fifth quicker and no memory limit is set."""


class VersionsPart(_Part):
    """See VersionPolicy."""

    latest: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Serve this many of the highest versions."""
    specific: Annotated[list[_Version], Field(min_length=1, max_length=1024)] | None = None
    """Serve these versions, and no other."""

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        if self.latest is not None and self.specific is not None:
            raise ValueError("latest and specific contradict each other; keep one of them")
        return self

    def policy(self) -> VersionPolicy:
        if self.specific is not None:
            return Specific(frozenset(self.specific))
        return All() if self.latest is None else Latest(self.latest)


class GoldenPart(_Part):
    """See Tolerance."""

    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _DEFAULT.golden.absolute
    """How far a golden output may be missed by, whatever its size."""
    relative: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _DEFAULT.golden.relative
    """And by this much of its size more."""


class ServingDocument(_Part):
    """The whole file."""

    batching: BatchingPart = BatchingPart()
    instances: InstancesPart = InstancesPart()
    versions: VersionsPart = VersionsPart()
    golden: GoldenPart = GoldenPart()

    def serving(self) -> Serving:
        batching, instances = self.batching, self.instances
        return Serving(
            batching=Batching(
                batching.enabled, batching.max_batch, batching.max_queue_delay_s, tuple(sorted(set(batching.preferred)))
            ),
            instances=Instances(instances.runs, instances.threads_per_run, instances.sessions, instances.lone_threads),
            versions=self.versions.policy(),
            golden=Tolerance(self.golden.absolute, self.golden.relative),
        )


def read_serving(directory: Path) -> Serving:
    """Read the file in the model's `directory`; without one the defaults hold.

    Raises UnservableModel: with the exact place of the first fault."""
    path = directory / SERVING_FILE
    content = read_regular(path, within=directory.parent, max_bytes=_MAX_BYTES)
    return _DEFAULT if content is None else parse_serving(content, str(path))


def parse_serving(content: bytes, source: str) -> Serving:
    """Read the bytes of such a file; `source` names it in errors. Raises UnservableModel: see read_serving."""
    try:
        return read_document(content, ServingDocument, source=source, max_bytes=_MAX_BYTES).serving()
    except DocumentError as error:
        raise UnservableModel(str(error)) from error
