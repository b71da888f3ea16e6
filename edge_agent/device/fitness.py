"""Whether a release fits this device, and whether its model and its certificate are what its manifest says.

A certificate that is damaged, or of other files, is none: the release is used all the same, and nothing is promised."""

from __future__ import annotations

import logging
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from edge_agent.runtimes import CannotLoad, LocalRuntime
from nearfar_wire.manifest import DeviceSide, Manifest
from nearfar_wire.preparer import preprocessing_digest
from nearfar_wire.specs import TensorSpec
from router.cascade.certificate import MAX_CERTIFICATE_BYTES, Certificate, parse_certificate
from router.errors import CertificateError

__all__ = [
    "installed",
    "leaves_open",
    "load_certificate",
    "read_beside",
    "refuse_disagreement",
    "refuse_incompatible",
]

_LOG: Final = logging.getLogger("nearfar.agent")

# What Windows and macOS call a processor, and what Linux does.
_ALIKE: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


def read_beside(folder: Path, file: str) -> bytes:
    """Return what a file of the release holds. Raises CannotLoad: saying what to do."""
    path = folder / file
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}; install the release again"
        raise CannotLoad(problem) from error


def load_certificate(folder: Path, manifest: Manifest) -> tuple[Certificate | None, str]:
    """Return the release's certificate, and why it covers nothing; empty where it is of the files beside it."""
    if manifest.certificate is None:
        return None, "the release has no certificate"
    path = folder / manifest.certificate
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CERTIFICATE_BYTES + 1)
        certificate = parse_certificate(content, str(path))
    except OSError as error:
        why = f"the certificate cannot be read: {error.strerror or error}"
    except CertificateError as error:
        why = f"the certificate is damaged: {error}"
    else:
        return certificate, _why_uncovered(certificate, manifest)
    _LOG.warning("model %s: %s", manifest.name, why)
    return None, why


def refuse_incompatible(manifest: Manifest, machine: str | None = None) -> None:
    """Pass a release that this device can run; `machine` None: this one. Raises CannotLoad: naming what it wants."""
    requires = manifest.requires
    machine = machine or platform.machine()
    if requires.machines and _processor(machine) not in map(_processor, requires.machines):
        wanted = ", ".join(requires.machines)
        raise CannotLoad(f"incompatible_model: it is made for {wanted}, and this is {machine}; install its release")
    if requires.nearfar is not None and _numbers(requires.nearfar) > _numbers(installed()):
        raise CannotLoad(f"incompatible_model: it wants nearfar {requires.nearfar} or newer; this is {installed()}")


def refuse_disagreement(file: str, manifest: Manifest, side: DeviceSide, runtime: LocalRuntime) -> None:
    """Pass an opened model that takes and gives what the manifest says.

    Raises CannotLoad: with what it takes or gives instead."""
    fed = set(side.feeds) if side.feeds else {spec.name for spec in manifest.inputs}
    wanted = {spec.name for spec in runtime.inputs}
    if fed != wanted:
        raise CannotLoad(f"{file}: it takes {sorted(wanted)}, the manifest feeds {sorted(fed)}")
    if side.runtime == "onnx":  # LiteRT takes real numbers as well as the file's own
        for taken in runtime.inputs:
            _refuse_feed(file, manifest, side, taken)
    offered = {spec.name: spec for spec in runtime.outputs}
    for output in manifest.outputs:
        given = offered.get(side.fetches.get(output.name, output.name))
        if given is None:
            raise CannotLoad(f"{file}: it gives {sorted(offered)}, the manifest fetches {output.name!r} from elsewhere")
        # Checked once, here: what a loaded model gives has the same type and rank at every run, but for a rank that
        # its file leaves open.
        as_promised = leaves_open(given, output.shape) or _compatible(given.shape, output.shape)
        if given.datatype != output.datatype or not as_promised:
            promised = f"{output.datatype} {output.shape}"
            raise CannotLoad(f"{file}: it gives {given}, the manifest promises {output.name!r} as {promised}")


def leaves_open(told: TensorSpec, promised: Sequence[int]) -> bool:
    """Whether the rank of what a model takes or gives is known from a run alone: onnxruntime tells one that the file
    leaves open as that of a scalar."""
    return not told.shape and bool(promised)


def _refuse_feed(file: str, manifest: Manifest, side: DeviceSide, taken: TensorSpec) -> None:
    feed = side.feeds.get(taken.name)
    source = next(part for part in manifest.inputs if part.name == (taken.name if feed is None else feed.source))
    datatype = source.datatype if feed is None else feed.datatype
    # What steps or a decoder make has a shape that only a run tells.
    fed_as_it_is = source.encoding is None and (feed is None or not feed.steps)
    shapes_agree = not fed_as_it_is or leaves_open(taken, source.shape) or _compatible(taken.shape, source.shape)
    if taken.datatype != datatype or not shapes_agree:
        given = TensorSpec(source.name, datatype, tuple(source.shape)) if fed_as_it_is else datatype
        raise CannotLoad(
            f"{file}: it takes {taken}, the manifest feeds it {given}; correct the manifest, or describe in "
            f"device.feeds.{taken.name} how the one is made of the other"
        )


def _compatible(given: Sequence[int], promised: Sequence[int]) -> bool:
    if len(given) != len(promised):
        return False
    return all(-1 in (have, want) or have == want for have, want in zip(given, promised, strict=True))


def _processor(machine: str) -> str:
    return _ALIKE.get(machine.lower(), machine.lower())


def _why_uncovered(certificate: Certificate, manifest: Manifest) -> str:
    if manifest.score is None:
        return "the release names no score"
    device = None if manifest.device is None else manifest.device.digest
    remote = None if manifest.remote is None else manifest.remote.digest
    if certificate.device_digest != device:
        return "the device's model is another than the certificate's"
    if certificate.remote_digest != remote:
        return "the full model is another than the certificate's"
    if certificate.preprocessing_digest != preprocessing_digest(manifest):
        return "inputs are prepared otherwise than the certificate says"
    if certificate.score != manifest.score.kind:
        return "confidence is read otherwise than the certificate says"
    return ""


def installed() -> str:
    """Return nearfar's version."""
    try:
        return version("nearfar")
    except PackageNotFoundError:
        return "0"  # run from a folder that was never installed: older than anything


def _numbers(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return tuple(numbers)
