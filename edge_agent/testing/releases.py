"""Releases around fake models: a real manifest, and no model file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_agent.releases import Release
from edge_agent.runtimes import LocalRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import parse_manifest

__all__ = ["FULL_MODEL_DIGEST", "TINY_MANIFEST", "fake_release"]

FULL_MODEL_DIGEST: Final = digest_of(b"a full model that nobody trained")
"""What the fake cloud says it runs, and the tiny manifest wants."""

TINY_MANIFEST: Final = f"""\
schema = 1
name = "tiny"
version = 1

[[inputs]]
name = "x"
datatype = "FP32"
shape = [-1, 4]

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]

[device]
file = "tiny.onnx"
digest = "{digest_of(b"a small model that nobody trained")}"

[remote]
model = "tiny"
version = "1"
digest = "{FULL_MODEL_DIGEST}"

[score]
output = "probabilities"
"""
"""Four numbers in, three classes out, on the device and remotely."""


def fake_release(
    name: str = "tiny",
    runtime: LocalRuntime | None = None,
    *,
    manifest: str | Path = TINY_MANIFEST,
    why_no_runtime: str = "its device model cannot be loaded",
) -> Release:
    """Return a release of the model `name` as `manifest` (its text, or its file) describes it, run by `runtime`.

    Without a runtime it is a release whose device model does not load. Raises ManifestError."""
    content = manifest.read_bytes() if isinstance(manifest, Path) else manifest.encode()
    described = parse_manifest(content, str(manifest) if isinstance(manifest, Path) else f"manifest of {name}")
    return Release(
        name=name,
        manifest=described,
        inputs=tuple(spec.spec() for spec in described.inputs),
        outputs=tuple(spec.spec() for spec in described.outputs),
        runtime=runtime,
        why_no_runtime="" if runtime is not None else why_no_runtime,
        device_digest=described.device.digest if runtime is not None and described.device is not None else None,
    )
