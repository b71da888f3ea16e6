"""Which endpoint a path names: the protocol's paths and those of Triton's extensions, one table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

__all__ = ["ENDPOINTS", "Endpoint", "Route", "find"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`name` is that of the same method over gRPC. GET answers HEAD, too."""

    name: str
    verb: str
    pattern: tuple[str, ...]
    is_health: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, with what stands in its path."""

    endpoint: Endpoint
    model: str = ""
    version: str = ""


_MODEL: Final = "{model}"
_VERSION: Final = "{version}"


def _endpoints() -> tuple[Endpoint, ...]:
    of_model = ("v2", "models", _MODEL)
    of_version = (*of_model, "versions", _VERSION)
    repository = ("v2", "repository")
    return (
        # Before what any model's name could mean: one that is called so is asked for with its version.
        Endpoint("ModelStatistics", "GET", ("v2", "models", "stats")),
        *(Endpoint("ModelInfer", "POST", (*path, "infer")) for path in (of_model, of_version)),
        *(Endpoint("ModelReady", "GET", (*path, "ready"), is_health=True) for path in (of_model, of_version)),
        *(Endpoint("ModelMetadata", "GET", path) for path in (of_model, of_version)),
        *(Endpoint("ModelConfig", "GET", (*path, "config")) for path in (of_model, of_version)),
        *(Endpoint("ModelStatistics", "GET", (*path, "stats")) for path in (of_model, of_version)),
        Endpoint("ServerLive", "GET", ("v2", "health", "live"), is_health=True),
        Endpoint("ServerReady", "GET", ("v2", "health", "ready"), is_health=True),
        Endpoint("ServerMetadata", "GET", ("v2",)),
        Endpoint("RepositoryIndex", "POST", (*repository, "index")),
        Endpoint("RepositoryModelLoad", "POST", (*repository, "models", _MODEL, "load")),
        Endpoint("RepositoryModelUnload", "POST", (*repository, "models", _MODEL, "unload")),
    )


ENDPOINTS: Final = _endpoints()


def find(path: str) -> Route | None:
    """Return what `path`, percent-encoded and without its query, names; None for nothing. One slash may end it."""
    parts = path.removesuffix("/").split("/")[1:]
    for endpoint in ENDPOINTS:
        if len(endpoint.pattern) == len(parts):
            route = _matched(endpoint, parts)
            if route is not None:
                return route
    return None


def _matched(endpoint: Endpoint, parts: list[str]) -> Route | None:
    model = version = ""
    for wanted, part in zip(endpoint.pattern, parts, strict=True):
        if not part:  # it would stand for every model, or for whichever version is the highest
            return None
        if wanted == _MODEL:
            model = unquote(part)
        elif wanted == _VERSION:
            version = unquote(part)
        elif wanted != part:
            return None
    return Route(endpoint, model, version)
