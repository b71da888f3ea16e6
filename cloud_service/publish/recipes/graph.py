"""How a picture enters a model file: which input, how large, and on which axis its channels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cloud_service.publish.errors import PublishError
from nearfar_wire.specs import TensorSpec

__all__ = ["PictureInput", "picture_input"]

_CHANNELS = 3


@dataclass(frozen=True, slots=True)
class PictureInput:
    """One input that takes pictures: `height` by `width` pixels of three channels."""

    name: str
    datatype: str
    height: int
    width: int
    layout: Literal["nchw", "nhwc"]

    @property
    def elements(self) -> int:
        """Numbers in one picture."""
        return self.height * self.width * _CHANNELS


def picture_input(file: str, inputs: Sequence[TensorSpec], size: tuple[int, int] | None = None) -> PictureInput:
    """Find the input of the model `file` that takes pictures. `size` (height, width) where the file leaves it open.

    Raises PublishError: where there is none, more than one input, or the size is not known."""
    if len(inputs) != 1:
        names = ", ".join(spec.name for spec in inputs)
        raise PublishError(f"{file} takes {len(inputs)} inputs ({names})", "a picture goes into a model of one input")
    spec = inputs[0]
    if len(spec.shape) != 4 or _CHANNELS not in (spec.shape[1], spec.shape[3]):
        raise PublishError(
            f"{file}: input {spec.name!r} has shape {list(spec.shape)}",
            "a picture is [N, 3, height, width] or [N, height, width, 3]",
        )
    layout: Literal["nchw", "nhwc"] = "nchw" if spec.shape[1] == _CHANNELS else "nhwc"
    height, width = spec.shape[2:] if layout == "nchw" else spec.shape[1:3]
    if height < 1 or width < 1:
        if size is None:
            raise PublishError(f"{file}: input {spec.name!r} leaves the size of a picture open", "name it with --size")
        height, width = size
    elif size is not None and size != (height, width):
        raise PublishError(
            f"{file}: input {spec.name!r} takes pictures of {height} x {width}, not {size[0]} x {size[1]}",
            "leave --size out",
        )
    return PictureInput(spec.name, spec.datatype, height, width, layout)
