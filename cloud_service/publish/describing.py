"""The manifest of a release, as far as it is known before anything was measured on the joined models."""

from __future__ import annotations

from typing import Final

from cloud_service.backend import Backend
from cloud_service.publish.ends import File
from cloud_service.publish.errors import PublishError
from cloud_service.publish.measure import Measured
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.recipes.joined import Joined
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import DeviceSide, Manifest, OutputSpec, RemoteSide, Requires
from nearfar_wire.manifest import Measured as OfDevice
from nearfar_wire.tflite import is_tflite

__all__ = ["describe"]

# The first that reads certificates and what this writes into a manifest.
_RELEASED_WITH: Final = "0.1"


def describe(
    options: PrepareOptions, joined: Joined, opened: tuple[Backend, Backend], device: File, full: File, best: Measured
) -> Manifest:
    """Return all of the manifest that is known before anything is measured on the joined models.

    `opened` are these, the device's first; `best` is the candidate that ships."""
    near, far = opened
    answer = options.answer_name
    shapes = [next(s for s in b.outputs if s.name == f.output) for b, f in ((near, device), (far, full))]
    if len(shapes[0].shape) != len(shapes[1].shape) or any(
        -1 not in pair and pair[0] != pair[1] for pair in zip(shapes[0].shape[1:], shapes[1].shape[1:], strict=True)
    ):
        raise PublishError(
            f"the device's answer has shape {list(shapes[0].shape)}, the full model's {list(shapes[1].shape)}",
            "both models have to answer the same question",
        )
    if shapes[0].datatype != shapes[1].datatype:
        raise PublishError(
            f"the device's answer is {shapes[0].datatype}, the full model's {shapes[1].datatype}",
            "give both the same type of output",
        )
    outputs = [OutputSpec(name=answer, datatype=shapes[1].datatype, shape=[-1, *shapes[1].shape[1:]])]
    fetches = ({answer: device.output}, {answer: full.output})
    if options.score == "value":
        named = options.score_name
        for side, backend in zip(fetches, (near, far), strict=True):
            if all(spec.name != options.score_output for spec in backend.outputs):
                problem = f"a model has no output {options.score_output!r} for the confidence"
                raise PublishError(problem, "both ends give it, as both give every output; name it with --score-output")
            side[named] = options.score_output or named
        spec = next(spec for spec in near.outputs if spec.name == options.score_output)
        outputs.append(OutputSpec(name=named, datatype=spec.datatype, shape=[-1, *spec.shape[1:]]))
    litert = is_tflite(joined.device.content)
    measured = OfDevice(
        latency_ms_p50=best.latency_ms_p50,
        latency_ms_p95=max(best.latency_ms_p50, best.latency_ms_p95),
        memory_bytes=best.memory_bytes,
        size_bytes=len(joined.device.content),
    )
    return Manifest.model_validate(
        {
            "schema": 1,
            "name": options.name,
            "version": options.version,
            "inputs": [part.model_dump() for part in joined.inputs],
            "outputs": [part.model_dump() for part in outputs],
            "device": DeviceSide(
                file=f"{options.name}.tflite" if litert else f"{options.name}.onnx",
                digest=digest_of(joined.device.content),
                runtime="litert" if litert else "onnx",
                feeds=dict(joined.device.feeds),
                fetches=fetches[0],
            ),
            "remote": RemoteSide(
                model=options.name,
                version=str(options.version),
                digest=digest_of(joined.remote.content),
                send=joined.send,
                feeds=dict(joined.remote.feeds),
                fetches=fetches[1],
            ),
            "task": options.task,
            "tolerance": options.tolerance,
            "requires": Requires(nearfar=_RELEASED_WITH),
            "measured": {options.device.name: measured},
        }
    )
