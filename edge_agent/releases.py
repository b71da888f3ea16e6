"""The releases on this device: a manifest each, and the device's model where there is one.

A manifest that cannot be read stops the agent from starting. A device model that cannot be loaded does not: it is
noted, and the remote targets answer where the request's label allows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.config import DeviceConfig
from edge_agent.errors import ReleaseError
from edge_agent.fitness import load_certificate, read_beside, refuse_incompatible
from edge_agent.runtimes import CannotLoad, LocalRuntime
from edge_agent.runtimes.opening import open_runtime
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.digest import verify
from nearfar_wire.errors import DigestMismatch, ManifestError, MissingExtra, TensorError
from nearfar_wire.manifest import DeviceSide, Feed, Manifest, read_manifest
from nearfar_wire.preparer import Preparer
from nearfar_wire.specs import TensorSpec
from router.cascade.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MANIFEST_NAME", "Release", "load_release", "sent_bytes_estimate"]

MANIFEST_NAME = "manifest.toml"
# What names, shapes and identifiers of a request add to its tensors on the wire, roughly.
_ENVELOPE_BYTES = 128

_log = logging.getLogger("nearfar.agent")


@dataclass(frozen=True, slots=True)
class Release:
    """A release in use. `runtime` is None where the device cannot run it, and `why_no_runtime` says why."""

    name: str
    manifest: Manifest
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    runtime: LocalRuntime | None
    why_no_runtime: str
    device_digest: str | None
    device_preparer: Preparer | None = None
    remote_preparer: Preparer | None = None
    """None where that side takes the app's tensors as they are."""
    certificate: Certificate | None = None
    why_uncovered: str = "the release has no certificate"
    """Empty where `certificate` is of the files that are loaded."""
    labels: tuple[str, ...] = ()


def load_release(name: str, folder: Path, device: DeviceConfig) -> Release:
    """Read the release in `folder`, and load the device's model from bytes that are what the manifest promises.

    Raises ReleaseError: for a manifest that is missing, unreadable or for another model."""
    path = folder / MANIFEST_NAME
    try:
        manifest = read_manifest(path)
    except OSError as error:
        raise ReleaseError(name, f"{path} cannot be read: {error.strerror or error}") from error
    except ManifestError as error:
        raise ReleaseError(name, str(error)) from error
    certificate, why_uncovered = load_certificate(folder, manifest)
    release = Release(
        name,
        manifest,
        tuple(described.spec() for described in manifest.inputs),
        tuple(described.spec() for described in manifest.outputs),
        None,
        "its release has no model for the device",
        None,
        remote_preparer=_remote_preparer(name, folder, manifest),
        certificate=certificate,
        why_uncovered=why_uncovered,
        labels=_labels(name, folder, manifest),
    )
    side = manifest.device
    if side is None:
        return release
    try:
        refuse_incompatible(manifest)
        preparer = _preparer(folder, manifest, side.feeds)
        runtime = _load_runtime(side, manifest, folder, device)
    except (CannotLoad, DigestMismatch, ManifestError, MissingExtra, TensorError) as error:
        _log.warning("model %s cannot run on the device: %s", name, error)
        return replace(release, why_no_runtime=str(error))
    if runtime.provider != device.providers[0]:
        _log.warning("model %s runs on %s; %s cannot be had here", name, runtime.provider, device.providers[0])
    return replace(release, runtime=runtime, why_no_runtime="", device_digest=side.digest, device_preparer=preparer)


def _preparer(folder: Path, manifest: Manifest, feeds: Mapping[str, Feed]) -> Preparer | None:
    return Preparer(manifest.inputs, feeds, lambda file: read_beside(folder, file)) if feeds else None


def _remote_preparer(name: str, folder: Path, manifest: Manifest) -> Preparer | None:
    remote = manifest.remote
    if remote is None or remote.send == "app":
        return None
    try:
        return _preparer(folder, manifest, remote.feeds)
    except (CannotLoad, DigestMismatch, ManifestError, MissingExtra) as error:
        raise ReleaseError(name, f"requests to a remote target cannot be prepared: {error}") from error


def _labels(name: str, folder: Path, manifest: Manifest) -> tuple[str, ...]:
    described = manifest.labels
    if described is None:
        return ()
    try:
        content = read_beside(folder, described.file)
        verify(described.file, content, described.digest)
        return tuple(content.decode("utf-8").splitlines())
    except (CannotLoad, DigestMismatch, UnicodeDecodeError) as error:
        raise ReleaseError(name, f"its labels cannot be used: {error}") from error


def _load_runtime(side: DeviceSide, manifest: Manifest, folder: Path, device: DeviceConfig) -> LocalRuntime:
    content = read_beside(folder, side.file)
    runtime = open_runtime(side, content, device)
    _agree(side.file, manifest, side.feeds, side.fetches, runtime)
    return runtime


def _agree(
    file: str, manifest: Manifest, feeds: Mapping[str, Feed], fetches: Mapping[str, str], runtime: LocalRuntime
) -> None:
    fed = set(feeds) if feeds else {spec.name for spec in manifest.inputs}
    wanted = {spec.name for spec in runtime.inputs}
    if fed != wanted:
        raise CannotLoad(f"{file}: it takes {sorted(wanted)}, the manifest feeds {sorted(fed)}")
    offered = {spec.name: spec for spec in runtime.outputs}
    for output in manifest.outputs:
        given = offered.get(fetches.get(output.name, output.name))
        if given is None:
            raise CannotLoad(f"{file}: it gives {sorted(offered)}, the manifest fetches {output.name!r} from elsewhere")
        # Checked once, here: what a loaded model gives has the same type and rank at every run.
        if given.datatype != output.datatype or not _compatible(given.shape, output.shape):
            promised = f"{output.datatype} {output.shape}"
            raise CannotLoad(f"{file}: it gives {given}, the manifest promises {output.name!r} as {promised}")


def _compatible(given: Sequence[int], promised: Sequence[int]) -> bool:
    if len(given) != len(promised):
        return False
    return all(-1 in (have, want) or have == want for have, want in zip(given, promised, strict=True))


def sent_bytes_estimate(manifest: Manifest, inputs: Mapping[str, NDArray[Any]]) -> int:
    """Return about how many bytes a request to a remote target would be, without making it."""
    remote = manifest.remote
    if remote is None:
        return 0
    if remote.send == "app" or not remote.feeds:
        return _ENVELOPE_BYTES + sum(_size(array) for array in inputs.values())
    total = _ENVELOPE_BYTES
    for feed in remote.feeds.values():
        array = inputs[feed.source]
        resize = next((step.resize for step in feed.steps if step.resize is not None), None)
        elements = array.shape[0] * resize[0] * resize[1] * 3 if resize is not None and array.ndim else array.size
        total += elements * DATATYPES[feed.datatype].itemsize if feed.datatype != BYTES else _size(array)
    return total


def _size(array: NDArray[Any]) -> int:
    if array.dtype.kind != "O":
        return array.nbytes
    return sum(4 + len(element) for element in array.flat)
