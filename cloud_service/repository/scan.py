"""Which versions lie in a repository: NAME/VERSION/model.onnx, as users of other servers of this protocol lay it out.

Looks at names only and opens no file. What is there but cannot be served is reported, never passed over in silence;
names that begin with a dot are the file system's or the deployment's own and are not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_service.repository.serving import SERVING_FILE

__all__ = ["MANIFEST_FILE", "MODEL_FILE", "Found", "Ignored", "scan"]

MODEL_FILE: Final = "model.onnx"
MANIFEST_FILE: Final = "manifest.toml"

# Enough for one example of each kind of input; each costs a run when the version loads.
_MAX_EXAMPLES: Final = 16

# Where users of other servers of this protocol say how a model is served; not to be read would surprise them.
_OTHERS_SETTINGS: Final = ("config.pbtxt", "model-settings.json")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Found:
    """A version's directory; whether its files are good is load's to say."""

    model: str
    version: int
    directory: Path

    @property
    def root(self) -> Path:
        return self.directory.parent.parent

    @property
    def model_file(self) -> Path:
        return self.directory / MODEL_FILE

    @property
    def manifest_files(self) -> tuple[Path, Path]:
        """Where a manifest may lie, the nearer first: beside the model file, or once for all versions."""
        return self.directory / MANIFEST_FILE, self.directory.parent / MANIFEST_FILE

    def golden_files(self) -> list[Path]:
        """Return the files of golden examples that are there: golden.npz, golden-2.npz and so on."""
        return sorted(self.directory.glob("golden*.npz"), key=lambda path: (len(path.name), path.name))[:_MAX_EXAMPLES]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something in the repository that is no version, and why."""

    path: Path
    reason: str


def scan(root: Path) -> list[Found | Ignored]:
    """List the repository, by name and rising version.

    Raises OSError: where a directory cannot be read."""
    real_root = root.resolve()
    return [entry for directory in _listed(root) for entry in _model(directory, real_root)]


def _model(directory: Path, real_root: Path) -> Iterator[Found | Ignored]:
    if not directory.is_dir():
        yield Ignored(directory, "not a directory; models lie in NAME/VERSION/model.onnx")
        return
    if not _NAME.fullmatch(directory.name):
        yield Ignored(directory, "not a model's name: letters, digits, dot, dash and underscore, at most 128")
        return
    if directory.is_symlink() and not directory.resolve().is_relative_to(real_root):
        yield Ignored(directory, "a link that leads out of the repository; put the directory itself there")
        return
    versions = [entry for entry in _listed(directory) if entry.name not in (MANIFEST_FILE, SERVING_FILE)]
    if not versions:
        yield Ignored(directory, "it holds no version; add NAME/1/model.onnx")
    for entry in sorted(versions, key=lambda path: (len(path.name), path.name)):
        if entry.is_dir() and _VERSION.fullmatch(entry.name):
            yield Found(directory.name, int(entry.name), entry)
        elif entry.name in _OTHERS_SETTINGS:
            yield Ignored(entry, f"it is another server's and is not read; say in {SERVING_FILE} what is to hold here")
        else:
            yield Ignored(entry, "not a version: a directory named by a number from 1 up, without leading zeros")


def _listed(directory: Path) -> list[Path]:
    return sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
