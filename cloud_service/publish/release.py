"""A release on disk: all files or none, and never over something else, nor over what somebody else put beside it.

OUT/manifest.toml certificate.json golden.npz labels.txt tokenizer.json MODEL.onnx    what a device needs
OUT/cloud/NAME/VERSION/model.onnx manifest.toml golden.npz                            what a server loads
OUT/report.html                                                                       what a person reads"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomli_w

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import Manifest, parse_manifest, read_manifest

__all__ = [
    "CERTIFICATE",
    "MANIFEST",
    "REPORT",
    "golden_npz",
    "manifest_toml",
    "require_replaceable",
    "require_writable",
    "write_files",
]

MANIFEST: Final = "manifest.toml"
CERTIFICATE: Final = "certificate.json"
REPORT: Final = "report.html"
_CLOUD: Final = "cloud"
_OLD_CERTIFICATE: Final = re.compile(r"certificate\.[0-9]+\.json")


def manifest_toml(manifest: Manifest) -> bytes:
    """Return the document; reading it gives an equal manifest."""
    document: dict[str, Any] = manifest.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    content = tomli_w.dumps(document).encode()
    assert parse_manifest(content, MANIFEST) == manifest
    return content


def golden_npz(inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> bytes:
    """Return examples as an .npz: `inputs/NAME` and `outputs/NAME`, the same bytes for the same arrays.

    Raises PublishError: for bytes that end in NUL, which the file could not keep apart from shorter ones."""
    arrays = {f"inputs/{name}": _plain(name, array) for name, array in inputs.items()}
    arrays |= {f"outputs/{name}": _plain(name, array) for name, array in outputs.items()}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def write_files(out: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Write `files`, by their paths below `out`, all at once; an earlier release of model `name` there is replaced.

    Raises PublishError: where `out` is something else, or cannot be written."""
    require_replaceable(out, name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            for path, content in files.items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_bytes(content)
            made.chmod(0o755)  # mkdtemp's is for its owner alone
            _put_in_place(made, out)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise PublishError(f"{out} cannot be written: {error.strerror or error}", "name a folder that can") from error


def _put_in_place(made: Path, out: Path) -> None:
    if not out.exists():
        made.rename(out)
        return
    # Two renames: for a moment there is none, and never half of one.
    old = made.with_name(made.name + ".old")
    out.rename(old)
    try:
        made.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def require_replaceable(out: Path, name: str) -> None:
    """Pass a folder that is not there, is empty, or holds a release of model `name` and nothing else.

    Raises PublishError: what is there would be lost."""
    advice = "name another folder with --out"
    if not out.exists() or (out.is_dir() and not os.listdir(out)):
        return
    try:
        found = read_manifest(out / MANIFEST)
    except (OSError, ManifestError) as error:
        raise PublishError(f"{out} is no release, and not empty", advice) from error
    if found.name != name:
        raise PublishError(f"{out} is a release of {found.name!r}, and not empty", advice)
    known = _files_of(found)
    strange = sorted(
        path.name for path in out.iterdir() if path.name not in known and not _OLD_CERTIFICATE.fullmatch(path.name)
    )
    if (out / _CLOUD).is_dir():
        strange += sorted(f"{_CLOUD}/{path.name}" for path in (out / _CLOUD).iterdir() if path.name != name)
    if strange:
        raise PublishError(f"{out} holds {strange[0]!r}, which is no part of a release", f"move it away, or {advice}")


def require_writable(out: Path) -> None:
    """Pass a folder that can be put in place when all is made. Raises PublishError: it is told before, not after."""
    advice = "name a folder with --out that can be"
    parent = out.absolute().parent
    try:
        if os.path.ismount(out):
            raise PublishError(f"{out} cannot be put in place: a file system is mounted there", "name a folder in it")
        there = next(folder for folder in (parent, *parent.parents) if folder.exists())
        if not there.is_dir():
            raise PublishError(f"{out} cannot be written: {there} is no folder", advice)
        # Tried, not asked: what permissions say is not all that a file system does. Nothing stays.
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=there):
            pass
    except OSError as error:
        raise PublishError(f"{out} cannot be written: {error.strerror or error}", advice) from error


def _files_of(manifest: Manifest) -> set[str]:
    """Return what a release with this manifest has in its folder."""
    named = {MANIFEST, REPORT, _CLOUD, manifest.certificate}
    named |= {part.file for part in (manifest.device, manifest.labels, manifest.golden) if part is not None}
    for side in (manifest.device, manifest.remote):
        for feed in {} if side is None else side.feeds:
            steps = side.feeds[feed].steps if side is not None else []
            named |= {step.tokenize.file for step in steps if step.tokenize is not None}
    return {name for name in named if name is not None}


def _plain(name: str, array: Array) -> Array:
    if array.dtype.kind != "O":
        return array
    elements = array.ravel().tolist()
    if any(element.endswith(b"\0") for element in elements):
        raise PublishError(f"{name!r}: an example ends in a NUL byte", "leave it out of the data")
    return np.array(elements, dtype=bytes).reshape(array.shape)
