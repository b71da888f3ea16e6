"""Quantized models whose whole numbers are a picture's bytes: they are handed those, and nobody reckons for nothing.

A quantized input of a LiteRT file stands for real numbers, and is found to want its pictures normalised as its float
twin does. Where normalising and quantizing lead back to the bytes, to within a level, the picture goes in as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cloud_service.publish.recipes.graph import PictureInput
from cloud_service.publish.recipes.normalisation import KNOWN, Normalisation
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tflite import Port, is_tflite, read_tflite

__all__ = ["as_bytes", "in_bytes"]

_BYTES: Final = "UINT8"


def as_bytes(content: bytes, taken: PictureInput, normalisation: Normalisation) -> tuple[PictureInput, Normalisation]:
    """Return how the model file takes pictures as bytes, where that is the same; otherwise what was given."""
    port = _ports(content).get(taken.name)
    if port is None or port.quantity is None or taken.datatype == port.datatype:
        return taken, normalisation
    factors, summands = (np.array(numbers, np.float32) for numbers in normalisation.linear())
    levels = np.arange(256, dtype=np.float32)[:, np.newaxis]
    if not port.quantity.is_of_pixels(levels * factors + summands):
        return taken, normalisation
    return replace(taken, datatype=_BYTES), KNOWN["raw"]


def in_bytes(content: bytes, inputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Return `inputs` with those as UINT8 that the model file keeps so: what nobody can say more of takes bytes."""
    ports = _ports(content)
    kept = {name for name, port in ports.items() if port.datatype == _BYTES}
    return [replace(spec, datatype=_BYTES) if spec.name in kept else spec for spec in inputs]


def _ports(content: bytes) -> dict[str, Port]:
    return {port.name: port for port in read_tflite(content).inputs} if is_tflite(content) else {}
