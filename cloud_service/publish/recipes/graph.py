"""How a picture enters a model file: which input, how large, and on which axis its channels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cloud_service.publish.errors import PublishError
from nearfar_wire.specs import TensorSpec

__all__ = ["PictureInput", "picture_input"]

# Three channels before one, and in front before behind: [N, 1, 28, 3] is a narrow picture of three channels.
_FORMS: Final[Sequence[tuple[int, Literal[1, 3], Literal["nchw", "nhwc"]]]] = (
    (1, 3, "nchw"),
    (3, 3, "nhwc"),
    (1, 1, "nchw"),
    (3, 1, "nhwc"),
)


@dataclass(frozen=True, slots=True)
class PictureInput:
    """One input that takes pictures: `height` by `width` pixels of three `channels`, or of one, which is grey."""

    name: str
    datatype: str
    height: int
    width: int
    layout: Literal["nchw", "nhwc"]
    channels: Literal[1, 3] = 3

    @property
    def elements(self) -> int:
        """Numbers in one picture."""
        return self.height * self.width * self.channels


def picture_input(file: str, inputs: Sequence[TensorSpec], size: tuple[int, int] | None = None) -> PictureInput:
    """Find the input of the model `file` that takes pictures. `size` (height, width) where the file leaves it open.

    Raises PublishError: where there is none, more than one input, or the size is not known."""
    if len(inputs) != 1:
        names = ", ".join(spec.name for spec in inputs)
        raise PublishError(f"{file} takes {len(inputs)} inputs ({names})", "a picture goes into a model of one input")
    spec = inputs[0]
    form = next((form for form in _FORMS if len(spec.shape) == 4 and spec.shape[form[0]] == form[1]), None)
    if form is None:
        raise PublishError(
            f"{file}: input {spec.name!r} has shape {list(spec.shape)}",
            "a picture is [N, 3, height, width] or [N, height, width, 3], with 1 in place of 3 where it is grey",
        )
    _, channels, layout = form
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
    return PictureInput(spec.name, spec.datatype, height, width, layout, channels)
