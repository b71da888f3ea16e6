"""What the service can answer for: each model's versions, and for each whether it is ready or why not. Pure.

An empty version means the highest one that is ready, so a broken newer version never takes a good older one out of
service. A model is ready when any version of it is; what is broken beside it is still told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cloud_service.errors import ModelNotFound, ModelNotReady
from cloud_service.servable import Servable

__all__ = ["LOADING", "Catalogue", "Unready"]


@dataclass(frozen=True, slots=True)
class Unready:
    """A version that cannot answer. `reason` is for the operator."""

    reason: str


LOADING: Final = Unready("it is still being loaded")


@dataclass(slots=True)
class _Model:
    versions: dict[int, Servable | Unready] = field(default_factory=dict)

    def ready(self) -> list[Servable]:
        return [v for _, v in sorted(self.versions.items()) if isinstance(v, Servable)]


class Catalogue:
    """See the module. Changed by `put` only; read and changed in one thread."""

    def __init__(self) -> None:
        self._models: dict[str, _Model] = {}

    def put(self, model: str, version: int, state: Servable | Unready) -> None:
        """Say what a version is now."""
        self._models.setdefault(model, _Model()).versions[version] = state

    def resolve(self, model: str, version: str = "") -> Servable:
        """Return the version that answers; an empty `version` is the highest that is ready.

        Raises ModelNotFound, ModelNotReady."""
        known = self._known(model)
        if not version:
            ready = known.ready()
            if not ready:
                raise ModelNotReady(model)
            return ready[-1]
        for number, state in known.versions.items():
            if str(number) == version:
                if isinstance(state, Servable):
                    return state
                raise ModelNotReady(model, version)
        raise ModelNotFound(model, version)

    def ready_versions(self, model: str) -> list[int]:
        """Return the versions of `model` that can answer, rising. Raises ModelNotFound."""
        return [servable.version for servable in self._known(model).ready()]

    def models(self) -> Mapping[str, bool]:
        """Return every model's name, and whether it can answer."""
        return {name: bool(model.ready()) for name, model in self._models.items()}

    def problems(self) -> list[tuple[str, int, str]]:
        """Return (model, version, reason) for each version that cannot answer."""
        return [
            (name, number, state.reason)
            for name, model in sorted(self._models.items())
            for number, state in sorted(model.versions.items())
            if isinstance(state, Unready)
        ]

    def _known(self, model: str) -> _Model:
        try:
            return self._models[model]
        except KeyError:
            raise ModelNotFound(model) from None
