"""What the service can answer for: each model's versions, and for each whether it is ready or why not. Pure.

An empty version means the highest one that is ready, so a broken newer version never takes a good older one out of
service. One that only made room in memory counts as ready there: what a caller gets must not depend on who else calls.
It remembers when each version was last asked for, and tells whoever loads that a version without room was."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cloud_service.errors import ModelNotFound, ModelNotReady
from cloud_service.servable import Servable

__all__ = ["EVICTED", "LOADING", "MISSING", "RETURNING", "UNLOADED", "Catalogue", "IndexEntry", "State", "Unready"]


class State(StrEnum):
    """What a version is in the index, in the words of the protocol's repository extension."""

    READY = "READY"
    LOADING = "LOADING"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Unready:
    """A version that cannot answer. `reason` is for the operator."""

    reason: str
    state: State = State.UNAVAILABLE


LOADING: Final = Unready("it is still being loaded", State.LOADING)
UNLOADED: Final = Unready("it was unloaded by request; load it by request")
EVICTED: Final = Unready("there is no room for it in memory; a call for it makes room when others are idle")
MISSING: Final = Unready(
    "its serving.toml names this version, and it is not in the repository; add it, or name another"
)
RETURNING: Final = Unready("it was asked for again and is being loaded", State.LOADING)

_AWAY: Final = (EVICTED, RETURNING)
# Where more cannot answer, one line names so many of them.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version as the index lists it; a version that answers has a reason where newer files of it could not."""

    model: str
    version: int
    state: State
    reason: str = ""


@dataclass(slots=True)
class _Version:
    state: Servable | Unready
    problem: str = ""
    last_asked: float = -math.inf


@dataclass(slots=True)
class _Model:
    expected: bool
    """Whether callers count on it: it was there at the start, or has been ready since."""
    versions: dict[int, _Version] = field(default_factory=dict)
    answers: dict[str, _Version] = field(default_factory=dict)
    """By the version as a caller writes it; worked out at each change, and looked up at each call."""

    def ready(self) -> list[Servable]:
        return [v.state for _, v in sorted(self.versions.items()) if isinstance(v.state, Servable)]

    def changed(self) -> None:
        self.answers = {str(number): version for number, version in self.versions.items()}
        standing = [n for n, v in self.versions.items() if isinstance(v.state, Servable) or v.state in _AWAY]
        if standing:
            self.answers[""] = self.versions[max(standing)]


class Catalogue:
    """See the module. Read and changed in one thread.

    `missed` is told of each call for a version that has no room, and returns at once."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self.missed: Callable[[str, int], None] = lambda _model, _version: None
        self._models: dict[str, _Model] = {}
        self._now = now
        self._started = False

    def started(self) -> None:
        """Say that what was there at the start has been tried; what comes from now on is not missed before it was
        ready. Or a new model would take all others out of service: while it loads, and for good where it is broken."""
        self._started = True

    def put(self, model: str, version: int, state: Servable | Unready) -> None:
        """Say what a version is now."""
        known = self._models.setdefault(model, _Model(expected=not self._started))
        if isinstance(state, Servable):
            known.expected = True
        elif state == UNLOADED:
            known.expected = False
        before = known.versions.get(version)
        known.versions[version] = _Version(state, last_asked=before.last_asked if before else -math.inf)
        known.changed()

    def note(self, model: str, version: int, problem: str) -> None:
        """Say why newer files of a version could not take the place of those that answer; `put` ends it."""
        self._models[model].versions[version].problem = problem

    def remove(self, model: str, version: int) -> None:
        """Say that a version is none any more."""
        known = self._models[model]
        del known.versions[version]
        known.changed()
        if not known.versions:
            del self._models[model]

    def resolve(self, model: str, version: str = "") -> Servable:
        """Return the version that answers; an empty `version` is the highest that is ready.

        Raises ModelNotFound, ModelNotReady."""
        known = self._known(model)
        found = known.answers.get(version)
        if found is None:
            raise ModelNotFound(model, version) if version else ModelNotReady(model)
        found.last_asked = self._now()
        if isinstance(found.state, Servable):
            return found.state
        if found.state == EVICTED:
            self.missed(model, next(number for number, each in known.versions.items() if each is found))
        raise ModelNotReady(model, version)

    def state(self, model: str, version: int) -> Servable | Unready | None:
        """Return what a version is, without asking for it; None for one that is unknown."""
        known = self._models.get(model)
        found = known.versions.get(version) if known else None
        return found.state if found else None

    def last_asked(self, model: str, version: int) -> float:
        """Return the monotonic instant of the last call for a known version, or -inf."""
        return self._models[model].versions[version].last_asked

    def ready_versions(self, model: str) -> list[int]:
        """Return the versions of `model` that can answer, rising. Raises ModelNotFound."""
        return [servable.version for servable in self._known(model).ready()]

    def answering(self, model: str = "", version: str = "") -> list[Servable]:
        """Return the versions that can answer: of every model, of one, or that one. Nobody asks for them by this, so
        that none is brought back, or kept, for whoever only looks.

        Raises ModelNotFound, ModelNotReady."""
        if not model:
            return [servable for _, known in sorted(self._models.items()) for servable in known.ready()]
        known = self._known(model)
        if version and version not in known.answers:
            raise ModelNotFound(model, version)
        found = [servable for servable in known.ready() if version in ("", str(servable.version))]
        if not found:
            raise ModelNotReady(model, version)
        return found

    def models(self) -> Mapping[str, bool]:
        """Return every model's name, and whether it can answer."""
        return {name: bool(model.ready()) for name, model in self._models.items()}

    def lacking(self) -> str:
        """Return why the service as a whole cannot answer: there is no model to call, or one cannot that should. Empty
        where it can.

        One that was unloaded by request should not, nor one that came after the start and was never ready; one without
        room can, once it was called."""
        if not self._models:
            return "there is no model in the repository; add NAME/1/model.onnx"
        wanted = {name: model for name, model in self._models.items() if model.expected}
        if not wanted:
            return (
                "no model is to answer: each was unloaded by request, or came after the start and was never ready; "
                "load one by request, or see not_ready"
            )
        missing = sorted(name for name, model in wanted.items() if "" not in model.answers)
        if not missing:
            return ""
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return f"{', '.join(missing[:_NAMED])}{more} cannot answer, and should; see not_ready"

    def index(self) -> list[IndexEntry]:
        """Return every version, by name and rising number."""
        return [
            IndexEntry(name, number, v.state.state, v.state.reason)
            if isinstance(v.state, Unready)
            else IndexEntry(name, number, State.READY, v.problem)
            for name, model in sorted(self._models.items())
            for number, v in sorted(model.versions.items())
        ]

    def problems(self) -> list[tuple[str, int, str]]:
        """Return (model, version, reason) for each version that cannot answer, or not with its newest files."""
        return [(entry.model, entry.version, entry.reason) for entry in self.index() if entry.reason]

    def _known(self, model: str) -> _Model:
        try:
            return self._models[model]
        except KeyError:
            raise ModelNotFound(model) from None
