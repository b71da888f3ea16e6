"""Runtimes behind the service's Backend, one module each; the only code that knows them.

onnxruntime's releases from 1.29 on report to their maker what they run, names and hashes of models among it, unless the
environment forbids that before they are first imported. It is forbidden here, which any of them imports first."""

from __future__ import annotations

import os

__all__: list[str] = []

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
