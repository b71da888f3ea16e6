"""The releases on this device: a manifest each, and the device's model where there is one.

A manifest that cannot be read stops the agent from starting. A device model that cannot be loaded does not: it is
noted, and the remote targets answer where the request's label allows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.config import DeviceConfig
from edge_agent.device.fitness import load_certificate, read_beside, refuse_disagreement, refuse_incompatible
from edge_agent.errors import ReleaseError
from edge_agent.runtimes import CPU, CannotLoad, LocalRuntime
from edge_agent.runtimes.opening import on_processor, open_runtime
from edge_agent.runtimes.renewable import Renewable
from edge_agent.runtimes.trial import Admitted, Trials
from nearfar_wire.digest import verify
from nearfar_wire.errors import DigestMismatch, ManifestError, MissingExtra, TensorError
from nearfar_wire.manifest import MAX_MANIFEST_BYTES, Feed, Manifest, parse_manifest
from nearfar_wire.preparer import Preparer
from nearfar_wire.specs import TensorSpec
from router.cascade.certificate import Certificate
from router.toml.document import told

__all__ = ["MANIFEST_NAME", "Release", "load_release"]

MANIFEST_NAME = "manifest.toml"

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
    fell_back: bool = False
    """Whether the device runs it on another execution provider than the one that is preferred."""
    why_provider: str = ""
    """How its provider was chosen; empty where there was nothing to choose."""
    device_preparer: Preparer | None = None
    remote_preparer: Preparer | None = None
    """None where that side takes the app's tensors as they are."""
    certificate: Certificate | None = None
    why_uncovered: str = "the release has no certificate"
    """Empty where `certificate` is of the files that are loaded."""
    labels: tuple[str, ...] = ()


def load_release(name: str, folder: Path, device: DeviceConfig, trials: Trials | None = None) -> Release:
    """Read the release in `folder`, and load the device's model from bytes that are what the manifest promises.

    It is tried first, see edge_agent.runtimes.trial; without `trials` nothing is remembered of that.

    Raises ReleaseError: for a manifest that is missing, unreadable or for another model."""
    path = folder / MANIFEST_NAME
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ReleaseError(name, f"{path} cannot be read: {error.strerror or error}") from error
    try:
        manifest = parse_manifest(content, str(path))
    except ManifestError as error:
        raise ReleaseError(name, told(str(path), error.path, error.problem, content)) from error
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
        admitted = (trials or Trials()).admit(manifest, folder, preparer, device)
    except (CannotLoad, DigestMismatch, ManifestError, MissingExtra, TensorError) as error:
        _log.warning("model %s cannot run on the device: %s", name, error)
        return replace(release, why_no_runtime=str(error))
    if admitted.fell_back:
        _log.warning("model %s runs on %s, %s", name, admitted.runtime.provider, admitted.why)
    return replace(
        release,
        runtime=_renewable(admitted, manifest, folder, device),
        why_no_runtime="",
        fell_back=admitted.fell_back,
        why_provider=admitted.why,
        device_digest=side.digest,
        device_preparer=preparer,
    )


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


def _renewable(admitted: Admitted, manifest: Manifest, folder: Path, device: DeviceConfig) -> Renewable:
    side, runtime = manifest.device, admitted.runtime
    assert side is not None

    def opened(on_cpu: bool) -> LocalRuntime:
        content = read_beside(folder, side.file)
        again = open_runtime(side, content, on_processor(admitted.device) if on_cpu else admitted.device)
        try:
            refuse_disagreement(side.file, manifest, side, again)
        except CannotLoad:
            again.close()
            raise
        return again

    return Renewable(runtime, opened, accelerated=runtime.provider != CPU and not device.require_accelerator)
