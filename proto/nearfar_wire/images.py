"""Encoded images to pixels: JPEG and PNG files to UINT8 RGB. Needs Pillow (the extra `image`).

The number of pixels is read from the files' headers and bounded before anything is decoded. The orientation that a
camera noted is applied; grey, palette and CMYK become RGB; transparency is dropped; of an animation the first frame
counts. A file that ends early is refused whole: half an image would get a confident answer.

Resizing takes the largest centred part with the wanted aspect, and interpolates linearly over as many source pixels as
one result pixel covers; at the edge that may reach just beyond the part, as if the whole had been resized first."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nearfar_wire.errors import MissingExtra, TensorError
from nearfar_wire.pixels import MAX_PIXELS, centred

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["decode_images"]

_FORMATS: Final = ("JPEG", "PNG")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND"
_JPEG_BEGIN: Final = b"\xff\xda"
_JPEG_END: Final = b"\xff\xd9"

Array = np.ndarray[Any, Any]  # Any: BYTES going in, UINT8 coming out


def decode_images(
    name: str, encoded: Array, *, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS
) -> Array:
    """Return the pixels of the files in `encoded`, shape (*encoded.shape, height, width, 3); `size` is (height, width).

    Raises TensorError: for what is no image, damaged, too large, or, without a `size`, not as large as the others.
    Raises MissingExtra: without Pillow."""
    try:
        import PIL  # noqa: F401  (asked for by itself, so that no other failed import is taken for it)
    except ImportError as error:
        raise MissingExtra("decoding images", "image") from error
    images = [_open(name, index, content) for index, content in enumerate(encoded.ravel().tolist())]
    _check_pixels(name, sum(image.width * image.height for image in images), max_pixels)
    if size is not None:
        _check_pixels(name, len(images) * size[0] * size[1], max_pixels)
    pixels: list[Array] = []
    for index, image in enumerate(images):
        pixels.append(_pixels(name, index, image, size))
        image.close()
        if pixels[index].shape != pixels[0].shape:
            raise TensorError(name, f"image {index} is not as large as image 0; add a `resize` step to the manifest")
    if not pixels:
        height, width = size or (0, 0)
        return np.empty((*encoded.shape, height, width, 3), dtype=np.uint8)
    return np.stack(pixels).reshape(*encoded.shape, *pixels[0].shape)


def _check_pixels(name: str, found: int, allowed: int) -> None:
    if found > allowed:
        raise TensorError(name, f"its images have {found} pixels together, at most {allowed} are decoded; shrink them")


def _open(name: str, index: int, content: bytes) -> Image:
    """Read the header only; Pillow decodes when pixels are first asked for."""
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    try:
        # Not by PIL.Image.open: its limit of pixels is the whole process', to be set by the host app, warns through
        # the host app's warnings, and would stand before ours.
        kind = PngImageFile if content.startswith(_PNG) else JpegImageFile
        image = kind(io.BytesIO(content))
    except Exception:  # noqa: BLE001  (what Pillow raises for hostile bytes is not a closed set)
        # Not chained, here and below: Pillow's messages quote the file.
        why = "" if content else ": it is empty"
        raise TensorError(name, f"image {index} is not a {' or '.join(_FORMATS)} file{why}") from None
    if not _is_whole(content):
        raise TensorError(name, f"image {index} is cut off")
    return image


def _is_whole(content: bytes) -> bool:
    """Tell whether a file has its end: Pillow goes on without where the host app says so, for the whole process."""
    if content.startswith(_PNG):
        return _PNG_END in content
    # A thumbnail has an end of its own, before the picture begins.
    return content.rfind(_JPEG_END) > content.rfind(_JPEG_BEGIN)


def _pixels(name: str, index: int, image: Image, size: tuple[int, int] | None) -> Array:
    import PIL.Image
    import PIL.ImageOps

    try:
        upright = PIL.ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):  # 16 bits of grey, which convert() would clip at 255
            upright = PIL.Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        colour = upright.convert("RGB")
        if size is not None:
            height, width = size
            box = centred(colour.width, colour.height, width / height)
            colour = colour.resize((width, height), PIL.Image.Resampling.BILINEAR, box=box)
        return np.asarray(colour)
    except Exception as error:  # noqa: BLE001  (as above)
        raise TensorError(name, f"image {index} is damaged or cut off ({type(error).__name__})") from None
