"""How the files of one version become a Servable.

The model file is read once; its digest is taken before anything parses it, compared with what the manifest promises,
and the backend is made from those same bytes. What it made of them is tried out before anybody may call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from cloud_service.backend import Backend
from cloud_service.batching.measure import measure
from cloud_service.errors import UnservableModel
from cloud_service.heap import give_back
from cloud_service.repository.files import read_regular
from cloud_service.repository.lone import open_lone
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Instances, Serving
from cloud_service.repository.trial import try_out
from cloud_service.servable import Servable, form_of
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from router.toml.document import told

__all__ = ["load"]

# Protobuf, which ONNX is written in, holds no more.
_MAX_MODEL_BYTES: Final = (2 << 30) - 1
# A tokenizer of a quarter of a million tokens has some 16 MiB.
_MAX_BESIDE_BYTES: Final = 64 << 20


def load(
    open_backend: Callable[[bytes, Instances], Backend], found: Found, serving: Serving, *, threads: int = 1
) -> Servable:
    """Read, verify, open and try out a version; blocks. A lone call of it may have so many `threads`.

    Raises UnservableModel: saying what is wrong with which file."""
    content = read_regular(found.model_file, within=found.root, max_bytes=_MAX_MODEL_BYTES)
    if content is None:
        raise UnservableModel(f"{found.model_file} cannot be read (there is no such file)")
    digest = digest_of(content)
    manifest, read = _manifest(found)
    if manifest is not None:
        _require_same_model(manifest, found, digest)
    backend = open_backend(content, serving.instances)
    form = form_of(manifest, backend, read)
    servable = Servable(found.model, found.version, digest, backend, form, serving=serving)
    sample = try_out(found, servable)
    measured = replace(
        servable,
        profile=measure(backend, serving, sample),
        lone=open_lone(partial(open_backend, content), backend, serving.instances, sample, threads=threads),
    )
    # Trial runs of large batches took what the batches that were chosen will never need.
    if sample is not None:
        backend.tidy(sample)
    del content
    give_back()
    return measured


def _manifest(found: Found) -> tuple[Manifest | None, Callable[[str], bytes]]:
    """Return the manifest, and what reads the files beside it."""
    for path in found.manifest_files:
        content = read_regular(path, within=found.root, max_bytes=MAX_MANIFEST_BYTES)
        if content is not None:
            try:
                return parse_manifest(content, str(path)), partial(_beside, found, path.parent)
            except ManifestError as error:
                raise UnservableModel(told(str(path), error.path, error.problem, content)) from error
    return None, partial(_beside, found, found.model_file.parent)


def _beside(found: Found, folder: Path, file: str) -> bytes:
    content = read_regular(folder / file, within=found.root, max_bytes=_MAX_BESIDE_BYTES)
    if content is None:
        raise UnservableModel(f"{folder / file} is missing; the manifest beside it names it")
    return content


def _require_same_model(manifest: Manifest, found: Found, digest: str) -> None:
    remote = manifest.remote
    if remote is None:
        return
    if remote.model != found.model:
        raise UnservableModel(f"manifest: remote.model is {remote.model!r}, but it lies in {found.model!r}")
    if remote.version not in ("", str(found.version)):
        raise UnservableModel(f"manifest: remote.version is {remote.version}, but it lies in {found.version}")
    if remote.digest not in (None, digest):
        raise UnservableModel(
            f"manifest: remote.digest is {remote.digest}, but the model file has {digest}; "
            "put the release's own model file there, or a manifest of its own beside this one"
        )
