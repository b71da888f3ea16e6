"""Images: whatever a camera or a stranger sends is RGB of the right way up, or refused before it costs anything."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from typing import Any

import numpy as np
import pytest

from nearfar_wire.errors import TensorError
from nearfar_wire.images import decode_images
from nearfar_wire.manifest import Feed, InputSpec, Step
from nearfar_wire.prepare import prepare

PIL_Image = pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")
PIL_ImageFile = pytest.importorskip("PIL.ImageFile")

Array = np.ndarray[Any, Any]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encoded(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def solid(colour: Any = RED, size: tuple[int, int] = (4, 2), mode: str = "RGB") -> Any:
    """An image of one colour; `size` is (width, height), as Pillow has it."""
    return PIL_Image.new(mode, size, colour)


def tensor(*files: bytes) -> Array:
    array = np.empty(len(files), dtype=object)
    array[:] = files
    return array


def one(file: bytes, **options: Any) -> Array:
    (pixels,) = decode_images("photo", tensor(file), **options)
    return np.asarray(pixels)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand: Pillow writes fewer kinds than it reads."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be enormous."""
    return png(width, height, 8, 2, b"\0")


def test_pixels_are_height_width_rgb() -> None:
    pixels = one(encoded(solid(GREEN, (4, 2))))
    assert (pixels.shape, pixels.dtype) == ((2, 4, 3), np.uint8)
    assert pixels.reshape(-1, 3).tolist() == [[0, 255, 0]] * 8


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 2)])
def test_the_tensor_s_own_axes_come_first(shape: tuple[int, ...]) -> None:
    files = tensor(encoded(solid(RED)), encoded(solid(BLUE))).reshape(shape)
    pixels = decode_images("photo", files)
    assert pixels.shape == (*shape, 2, 4, 3)
    assert pixels.reshape(2, -1, 3)[:, 0].tolist() == [list(RED), list(BLUE)]


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        pytest.param(encoded(solid(RED, mode="RGB"), "JPEG", quality=95), RED, id="JPEG"),
        pytest.param(encoded(solid((0, 255, 255, 0), mode="CMYK"), "JPEG", quality=95), RED, id="C10 CMYK"),
        pytest.param(encoded(solid(200, mode="L")), (200, 200, 200), id="grey"),
        pytest.param(encoded(solid(1, mode="1")), (255, 255, 255), id="black and white"),
        pytest.param(encoded(solid((*RED, 0), mode="RGBA")), RED, id="transparent"),
        pytest.param(encoded(solid(BLUE).convert("P")), BLUE, id="palette"),
        pytest.param(encoded(PIL_Image.fromarray(np.full((2, 4), 0x8000, np.uint16))), (128, 128, 128), id="16 bits"),
        pytest.param(encoded(solid((200, 0), mode="LA")), (200, 200, 200), id="grey, transparent"),
        pytest.param(encoded(solid(BLUE).convert("P"), transparency=0), BLUE, id="palette, transparent"),
        pytest.param(png(2, 1, 16, 2, b"\0" + b"\xff\x00\x80\x00\x10\x00" * 2), (255, 128, 16), id="16 bits, RGB"),
        pytest.param(png(1, 1, 16, 6, b"\0\xff\x00\x80\x00\x10\x00\0\0"), (255, 128, 16), id="16 bits, transparent"),
        pytest.param(png(1, 1, 16, 4, b"\0\x80\0\0\0"), (128, 128, 128), id="16 bits, grey, transparent"),
        pytest.param(png(4, 1, 2, 0, b"\0\xff"), (255, 255, 255), id="2 bits"),
        pytest.param(
            encoded(solid(RED), save_all=True, append_images=[solid(BLUE)]), RED, id="C10 animated: the first frame"
        ),
    ],
)
def test_every_kind_becomes_rgb(file: bytes, wanted: tuple[int, int, int]) -> None:
    assert np.abs(one(file).astype(int) - wanted).max() <= 3  # JPEG is not exact


@pytest.mark.parametrize("orientation", range(1, 9))
def test_C10_a_photo_is_turned_the_way_the_camera_was_held(orientation: int) -> None:
    upright = PIL_Image.new("RGB", (16, 8), BLUE)
    upright.paste(RED, (0, 0, 8, 4))
    # How a camera that is held like this stores it: the inverse of what the note asks a viewer to do.
    turn = PIL_Image.Transpose
    stored = {
        1: lambda image: image,
        2: lambda image: image.transpose(turn.FLIP_LEFT_RIGHT),
        3: lambda image: image.transpose(turn.ROTATE_180),
        4: lambda image: image.transpose(turn.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(turn.TRANSPOSE),
        6: lambda image: image.transpose(turn.ROTATE_90),
        7: lambda image: image.transpose(turn.TRANSVERSE),
        8: lambda image: image.transpose(turn.ROTATE_270),
    }[orientation](upright)
    exif = PIL_Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(one(encoded(stored, exif=exif)), np.asarray(upright))


def test_resizing_crops_the_middle_to_the_aspect() -> None:
    wide = PIL_Image.new("RGB", (60, 20), BLUE)
    wide.paste(RED, (20, 0, 40, 20))
    for image in (wide, wide.transpose(PIL_Image.Transpose.ROTATE_90)):
        assert one(encoded(image), size=(20, 20)).reshape(-1, 3).tolist() == [list(RED)] * 400
        shrunk = one(encoded(image), size=(5, 5))
        assert shrunk[1:-1, 1:-1].reshape(-1, 3).tolist() == [list(RED)] * 9
        assert (shrunk[..., 0] > shrunk[..., 2]).all()


def test_shrinking_averages_what_a_pixel_covers() -> None:
    stripes = PIL_Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32)))
    assert np.abs(one(encoded(stripes), size=(8, 8)).astype(int) - 127).max() <= 8


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_C10_a_single_pixel_becomes_any_size(size: tuple[int, int]) -> None:
    assert one(encoded(solid(RED, (1, 1))), size=size).shape == (*size, 3)


@pytest.mark.parametrize("size", [None, (5, 6)])
def test_an_empty_batch_is_an_empty_tensor(size: tuple[int, int] | None) -> None:
    assert decode_images("photo", tensor(), size=size).shape == (0, *(size or (0, 0)), 3)


def test_images_of_different_sizes_need_a_resize() -> None:
    files = tensor(encoded(solid(size=(4, 2))), encoded(solid(size=(2, 4))))
    with pytest.raises(TensorError, match="image 1 is not as large as image 0; add a `resize` step"):
        decode_images("photo", files)
    assert decode_images("photo", files, size=(2, 2)).shape == (2, 2, 2, 3)


@pytest.mark.parametrize("side", [50_000, 14_000, 10_000, 8_193])
def test_C10_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TensorError, match=f"have {side * side} pixels together, at most 67108864 are decoded"):
            one(bomb(side, side), size=(8, 8))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20


@pytest.mark.parametrize("limit", [None, 1])
def test_C10_pillows_own_limit_is_the_host_apps_and_neither_read_nor_warned_of(
    limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app that set it low could send no picture, and one that prints warnings was warned of what was refused."""
    monkeypatch.setattr(PIL_Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert one(encoded(solid(RED))).shape == (2, 4, 3)
        with pytest.raises(TensorError, match="100000000 pixels together"):
            one(bomb(10_000, 10_000))


def test_C10_many_images_share_one_limit_before_and_after_resizing() -> None:
    files = tensor(*[encoded(solid(size=(10, 10)))] * 4)
    assert decode_images("photo", files, max_pixels=400).shape == (4, 10, 10, 3)
    with pytest.raises(TensorError, match="have 400 pixels together, at most 399"):
        decode_images("photo", files, max_pixels=399)
    with pytest.raises(TensorError, match="have 484 pixels together, at most 483"):
        decode_images("photo", files, size=(11, 11), max_pixels=483)


NOISE = PIL_Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7])
def test_C10_a_file_that_ends_early_is_refused(kind: str, kept: float) -> None:
    file = encoded(NOISE, kind)
    with pytest.raises(TensorError, match="image 0 is") as refused:
        one(file[: int(len(file) * kept)])
    assert refused.value.tensor == "photo"
    assert refused.value.__cause__ is None, "Pillow's messages quote the file"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_C10_a_file_that_ends_early_is_refused_whatever_the_host_app_has_pillow_do(
    kind: str, kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an app has Pillow load what is cut off, as many that train do, half a picture was answered."""
    monkeypatch.setattr(PIL_ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    exif = PIL_Image.Exif()
    exif[0x9286] = b"\xff\xda\xff\xd9"  # a comment that looks like a thumbnail
    file = encoded(NOISE, kind, exif=exif)
    assert one(file).shape == (64, 64, 3)
    with pytest.raises(TensorError, match="image 0 is"):
        one(file[: int(len(file) * kept)])


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_not_even_tried(kind: str) -> None:
    with pytest.raises(TensorError, match="image 0 is not a JPEG or PNG file"):
        one(encoded(solid(), kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_damaged_file_is_decoded_or_refused(kind: str) -> None:
    """Nothing but TensorError comes out, whichever byte is turned."""
    file = encoded(PIL_Image.fromarray(np.asarray(NOISE)[:8, :8]), kind)
    for position in range(0, len(file), 3):
        damaged = file[:position] + bytes([file[position] ^ 0xFF]) + file[position + 1 :]
        try:
            assert one(damaged, size=(4, 4)).shape == (4, 4, 3)
        except TensorError as error:
            assert error.tensor == "photo"  # noqa: PT017  (either outcome is right)


PHOTO = InputSpec(name="photo", datatype="BYTES", shape=[-1], encoding="image")


def test_a_feed_decodes_resizes_and_scales() -> None:
    feed = Feed(
        source="photo",
        datatype="FP32",
        steps=[Step(resize=[2, 2]), Step(scale=1 / 255), Step(subtract=[0.5, 0, 0]), Step(transpose=[0, 3, 1, 2])],
    )
    made = prepare({"photo": tensor(encoded(solid(RED)))}, [PHOTO], {"x": feed})["x"]
    assert made.shape == (1, 3, 2, 2)
    assert made.flags.c_contiguous
    np.testing.assert_allclose(made[0, :, 0, 0], [0.5, 0, 0])


def test_a_feed_of_BYTES_is_left_encoded_for_a_model_that_decodes() -> None:
    file = encoded(solid())
    made = prepare({"photo": tensor(file)}, [PHOTO], {"x": Feed(source="photo", datatype="BYTES")})
    assert made["x"].tolist() == [file]


@pytest.mark.wide
def test_without_Pillow_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['PIL'] = None\n"
        "import numpy; from nearfar_wire.errors import MissingExtra; from nearfar_wire.images import decode_images\n"
        "try: decode_images('photo', numpy.array([b''], dtype=object))\n"
        "except MissingExtra as error: print(error.extra, error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.startswith("image ")
    assert "nearfar[image]" in ran.stdout


def test_grey_of_a_file_is_what_the_library_for_images_makes_grey_of_it() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    source = InputSpec(name="photo", datatype="BYTES", shape=[-1], encoding="image")
    feed = Feed(source="photo", datatype="UINT8", steps=[Step(resize=[9, 7]), Step(grey=True)])
    made = prepare({"photo": tensor(encoded(PIL_Image.fromarray(pixels)))}, [source], {"x": feed})["x"]
    assert np.array_equal(made[0, ..., 0], np.asarray(PIL_Image.fromarray(pixels).convert("L")))
