"""A release on disk: all files or none, and never over something else.

OUT/manifest.toml certificate.json golden.npz labels.txt tokenizer.json MODEL.onnx    what a device needs
OUT/cloud/NAME/VERSION/model.onnx manifest.toml golden.npz                            what a server loads
OUT/report.html                                                                       what a person reads"""

from __future__ import annotations

import io
import os
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

__all__ = ["MANIFEST", "golden_npz", "manifest_toml", "write_files"]

MANIFEST: Final = "manifest.toml"


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
    _require_replaceable(out, name)
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


def _require_replaceable(out: Path, name: str) -> None:
    if not out.exists() or (out.is_dir() and not os.listdir(out)):
        return
    try:
        found = read_manifest(out / MANIFEST).name
    except (OSError, ManifestError):
        found = None
    if found != name:
        what = "no release" if found is None else f"a release of {found!r}"
        raise PublishError(f"{out} is {what}, and not empty", "name another folder with --out")


def _plain(name: str, array: Array) -> Array:
    if array.dtype.kind != "O":
        return array
    elements = array.ravel().tolist()
    if any(element.endswith(b"\0") for element in elements):
        raise PublishError(f"{name!r}: an example ends in a NUL byte", "leave it out of the data")
    return np.array(elements, dtype=bytes).reshape(array.shape)
