"""What to do next so that the service serves what the repository holds. Pure: control.py does it and asks again.

A version that cannot be served never takes one out of service that can: of `Latest` versions those count that can be
served, and nothing is dropped while there is something left to load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cloud_service.repository.serving import All, Latest, Specific, VersionPolicy
from cloud_service.repository.sighting import Key, Stamp

__all__ = ["Drop", "Known", "Load", "chosen", "next_step", "settled"]


@dataclass(frozen=True, slots=True)
class Known:
    """What the service knows of a version: the files it was last tried with, and whether it came of that to nothing."""

    stamp: Stamp
    broken: bool


@dataclass(frozen=True, slots=True)
class Load:
    """Try this version with the files as they are."""

    key: Key


@dataclass(frozen=True, slots=True)
class Drop:
    """Serve this version no more."""

    key: Key


def next_step(
    seen: Mapping[Key, Stamp], known: Mapping[Key, Known], policies: Mapping[str, VersionPolicy]
) -> Load | Drop | None:
    """Return the next step for the models in `policies`, and None where the service serves what it should."""
    by_model: dict[str, list[int]] = {model: [] for model in policies}
    for model, version in seen:
        if model in by_model:
            by_model[model].append(version)
    wanted: set[Key] = set()
    for model, versions in sorted(by_model.items()):
        broken = [v for v in versions if (k := known.get((model, v))) and k.broken and k.stamp == seen[model, v]]
        for version in sorted(chosen(policies[model], versions, broken)):
            key = model, version
            wanted.add(key)
            if (before := known.get(key)) is None or before.stamp != seen[key]:
                return Load(key)
    return next((Drop(key) for key in sorted(known) if key[0] in policies and key not in wanted), None)


def chosen(policy: VersionPolicy, versions: Iterable[int], broken: Collection[int]) -> set[int]:
    """Return which of `versions` to serve. Broken ones stay among them, to be told of, and count for nothing."""
    if isinstance(policy, All):
        return set(versions)
    if isinstance(policy, Specific):
        return {version for version in versions if version in policy.numbers}
    return _latest(policy, versions, broken)


def _latest(policy: Latest, versions: Iterable[int], broken: Collection[int]) -> set[int]:
    taken: set[int] = set()
    left = policy.count
    for version in sorted(versions, reverse=True):
        if not left:
            break
        taken.add(version)
        left -= version not in broken
    return taken


def settled(before: Mapping[Key, Stamp], now: Mapping[Key, Stamp], known: Mapping[Key, Known]) -> dict[Key, Stamp]:
    """Return the versions as they are for certain: what two looks saw alike, and for the rest what is known already.

    So what is half-written is not loaded, and what is away for the moment of a rename is not dropped."""
    steady = {key: stamp for key, stamp in now.items() if before.get(key) == stamp}
    moving = (before.keys() | now.keys()) - steady.keys()
    return steady | {key: known[key].stamp for key in moving if key in known}
