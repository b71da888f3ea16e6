"""How one version is served, in the terms of Triton's model configuration. Pure.

Only what is so is said: a model whose calls never run together has no batch size and all axes in its dims, and what
the service does that Triton has no word for is left to serving.toml and the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cloud_service.batching.planner import Rules
from cloud_service.repository.scan import MODEL_FILE
from cloud_service.repository.serving import VersionPolicy
from cloud_service.servable import Servable
from nearfar_wire.specs import TensorSpec

__all__ = ["BACKEND", "PLATFORM", "Configuration", "batch_size", "configuration_of"]

# What Triton calls ONNX models on onnxruntime, and onnxruntime; its clients show it.
PLATFORM: Final = "onnxruntime_onnx"
BACKEND: Final = "onnxruntime"
_THREADS: Final = "intra_op_thread_count"


@dataclass(frozen=True, slots=True)
class Configuration:
    """`max_batch_size` 0 is no batches; otherwise `inputs` and `outputs` come without their first axis.

    `batching` is None where calls never run together. `runs` is how many runs at once, `parameters` the backend's."""

    model: str
    version_policy: VersionPolicy
    max_batch_size: int
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    batching: Rules | None
    runs: int
    parameters: Mapping[str, str]
    model_file: str = MODEL_FILE


def batch_size(servable: Servable, rules: Rules) -> int:
    """Return the most rows that run together; 0 where calls run alone, or axis 0 is not the batch for callers."""
    form = servable.form
    rows = all(spec.shape and spec.shape[0] < 0 for spec in (*form.inputs, *form.outputs))
    return rules.max_batch if rules.max_batch > 1 and rows else 0


def configuration_of(servable: Servable, rules: Rules, runs: int) -> Configuration:
    """Describe a version that is served by these rules, in so many runs at once."""
    form, size = servable.form, batch_size(servable, rules)
    cut = 1 if size else 0
    return Configuration(
        model=servable.model,
        version_policy=servable.serving.versions,
        max_batch_size=size,
        inputs=[replace(spec, shape=spec.shape[cut:]) for spec in form.inputs],
        outputs=[replace(spec, shape=spec.shape[cut:]) for spec in form.outputs],
        batching=rules if size else None,
        runs=runs,
        parameters=MappingProxyType({_THREADS: str(servable.serving.instances.threads_per_run)}),
    )
