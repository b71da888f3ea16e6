"""Which example a refusal is about: a stage that prepares hundreds at once does not say."""

from __future__ import annotations

import numpy as np

from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.pictures import SOURCE as IMAGE
from nearfar_wire.errors import TensorError
from nearfar_wire.images import decode_images

__all__ = ["refused_example"]

_ANY_SIZE = (8, 8)


def refused_example(examples: Examples, error: TensorError) -> PublishError:
    """Return `error` as a refusal that names the picture at fault, where it is one."""
    pictures = examples.inputs.get(IMAGE)
    if error.tensor == IMAGE and pictures is not None and pictures.dtype.kind == "O":
        for index in range(len(pictures)):
            try:
                decode_images(IMAGE, pictures[index : index + 1], size=_ANY_SIZE)
            except TensorError as damaged:
                what = damaged.problem.replace("image 0 ", "")
                return PublishError(f"{examples.origin(index)} {what}", "leave it out, or replace it")
    if error.tensor == IMAGE and pictures is not None and pictures.dtype == np.uint8:
        advice = "pixels, [rows, height, width, 3], are handed in with --pixels; repeat what is grey three times"
        return PublishError(str(error), advice)
    return PublishError(str(error), "every column that no flag names is an input of the model")
