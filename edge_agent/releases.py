"""The releases on this device: a manifest each, and the device's model where there is one.

A manifest that cannot be read stops the agent from starting. A device model that cannot be loaded does not: it is
noted, and the remote targets answer where the request's label allows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.config import DeviceConfig
from edge_agent.errors import ReleaseError
from edge_agent.runtimes import LocalRuntime
from edge_agent.runtimes.onnx import CannotLoad, OnnxRuntime
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import DigestMismatch, ManifestError, TensorError
from nearfar_wire.manifest import DeviceSide, Feed, Manifest, read_manifest
from nearfar_wire.specs import TensorSpec

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
    inputs = tuple(described.spec() for described in manifest.inputs)
    outputs = tuple(described.spec() for described in manifest.outputs)
    if manifest.device is None:
        return Release(name, manifest, inputs, outputs, None, "its release has no model for the device", None)
    try:
        runtime = _load_runtime(manifest.device, manifest, folder, device)
    except (CannotLoad, DigestMismatch, TensorError) as error:
        _log.warning("model %s cannot run on the device: %s", name, error)
        return Release(name, manifest, inputs, outputs, None, str(error), None)
    if runtime.provider != device.providers[0]:
        _log.warning("model %s runs on %s; %s cannot be had here", name, runtime.provider, device.providers[0])
    return Release(name, manifest, inputs, outputs, runtime, "", manifest.device.digest)


def _load_runtime(side: DeviceSide, manifest: Manifest, folder: Path, device: DeviceConfig) -> LocalRuntime:
    path = folder / side.file
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}; install the release again"
        raise CannotLoad(problem) from error
    runtime = OnnxRuntime(
        side.file,
        content,
        side.digest,
        providers=device.providers,
        threads=device.threads,
        require_accelerator=device.require_accelerator,
    )
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
