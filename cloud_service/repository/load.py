"""How the files of one version become a Servable.

The model file is read once; its digest is taken before anything parses it, compared with what the manifest promises,
and the backend is made from those same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cloud_service.backend import Backend
from cloud_service.errors import UnservableModel
from cloud_service.repository.scan import Found
from cloud_service.servable import Servable, form_of
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import Manifest, read_manifest

__all__ = ["load"]


def load(found: Found, open_backend: Callable[[bytes], Backend]) -> Servable:
    """Read, verify and open a version; blocks.

    Raises UnservableModel: saying what is wrong with which file."""
    content = _read(found.model_file)
    digest = digest_of(content)
    manifest = _manifest(found)
    if manifest is not None:
        _require_same_model(manifest, found, digest)
    backend = open_backend(content)
    return Servable(found.model, found.version, digest, backend, form_of(manifest, backend))


def _manifest(found: Found) -> Manifest | None:
    for path in found.manifest_files:
        if path.is_file():
            try:
                return read_manifest(path)
            except OSError as error:
                raise _unreadable(path, error) from error
            except ManifestError as error:
                raise UnservableModel(str(error)) from error
    return None


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UnservableModel:
    return UnservableModel(f"{path} cannot be read ({error.strerror or type(error).__name__})")
