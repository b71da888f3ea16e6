"""Model repositories on disk for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["APP_MANIFEST", "write_repository"]

# The app's pixels are UINT8 images of 2 by 2; the model takes four floats between 0 and 1 and calls its answer "p".
APP_MANIFEST = """
schema = 1
name = "tiny"
version = 7

[[inputs]]
name = "image"
datatype = "UINT8"
shape = [-1, 2, 2]

[[outputs]]
name = "answer"
datatype = "FP32"
shape = [-1, 3]

[remote]
model = "tiny"
fetches = { answer = "probabilities" }

[remote.feeds.pixels]
source = "image"
datatype = "FP32"
steps = [{ reshape = [-1, 4] }, { scale = 0.00392156862745098 }]
"""


def write_repository(
    root: Path, models: Mapping[str, bytes | dict[int, bytes]], manifests: Mapping[str, str] | None = None
) -> Path:
    """Write model files as NAME/VERSION/model.onnx, version 1 if none is said, and manifests into the folders named."""
    for name, content in models.items():
        versions = {1: content} if isinstance(content, bytes) else content
        for version, file in versions.items():
            directory = root / name / str(version)
            directory.mkdir(parents=True)
            (directory / "model.onnx").write_bytes(file)
    for folder, text in (manifests or {}).items():
        (root / folder / "manifest.toml").write_text(text, encoding="utf-8")
    return root
