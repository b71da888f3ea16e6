"""What lies in the repository at one moment: its versions, the state of each one's files, and how it is to be served.

Opens no model: two sightings that are alike tell that nobody is writing any more, before anything is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_service.errors import UnservableModel
from cloud_service.repository.scan import MODEL_FILE, Found, Ignored, scan
from cloud_service.repository.serving import SERVING_FILE, Serving, Specific, read_serving

__all__ = ["Key", "Seen", "Sighting", "Stamp", "look", "stamp_of"]

Key = tuple[str, int]
"""A model's name and a version's number."""

Stamp = tuple[tuple[str, int, int, int], ...]
"""Name, length, time of change and inode of each file that a version is made from."""

# Of a repository with more than this somebody has mounted the wrong directory.
_MAX_VERSIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One version: where it lies, the state of its files, and its model file's length."""

    found: Found
    stamp: Stamp
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """`servings` has every model that has a version; what is wrong with its serving.toml, where it cannot be read."""

    versions: Mapping[Key, Seen]
    servings: Mapping[str, Serving | UnservableModel]
    ignored: Sequence[Ignored]

    def missing(self) -> list[Key]:
        """Return the versions that a serving.toml names one by one and that are not there."""
        return [
            (model, number)
            for model, serving in self.servings.items()
            if isinstance(serving, Serving) and isinstance(serving.versions, Specific)
            for number in sorted(serving.versions.numbers)
            if (model, number) not in self.versions
        ]

    def serving(self, model: str) -> Serving:
        """Return how `model` is served. Raises UnservableModel: where its file is wrong."""
        serving = self.servings[model]
        if isinstance(serving, UnservableModel):
            raise serving
        return serving


def look(root: Path) -> Sighting:
    """Look at the repository; blocks. Raises OSError: where a directory cannot be read."""
    entries = scan(root)
    ignored = [entry for entry in entries if isinstance(entry, Ignored)]
    found = [entry for entry in entries if isinstance(entry, Found)]
    ignored += [Ignored(f.directory, f"there are {_MAX_VERSIONS} versions before it") for f in found[_MAX_VERSIONS:]]
    versions = {(f.model, f.version): _seen(f) for f in found[:_MAX_VERSIONS]}
    return Sighting(versions, {model: _serving(root / model) for model, _ in versions}, ignored)


def stamp_of(found: Found) -> Stamp:
    """Return the state of the version's files as it is now; a file that is not there has none."""
    return tuple(_states(found))


def _states(found: Found) -> Iterator[tuple[str, int, int, int]]:
    files = [found.model_file, *found.golden_files(), *found.manifest_files, found.directory.parent / SERVING_FILE]
    for path in files:
        try:
            status = os.stat(path)
        except OSError:
            continue
        yield str(path), status.st_size, status.st_mtime_ns, status.st_ino


def _seen(found: Found) -> Seen:
    stamp = stamp_of(found)
    size_bytes = next((size for path, size, _, _ in stamp if Path(path).name == MODEL_FILE), 0)
    return Seen(found, stamp, size_bytes)


def _serving(directory: Path) -> Serving | UnservableModel:
    try:
        return read_serving(directory)
    except UnservableModel as error:
        return error
