"""Pictures, sentences and odd numbers as apps hand them in: answered alike on the device and by a cloud that prepares
them itself, or refused by one typed error that names the input and quotes nothing of it."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent import Agent, AgentConfig, AllTargetsFailed, InputError
from edge_agent.result import Result
from nearfar_wire.digest import digest_of
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from router.types import Kind
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import first_pixel, softmax_mlp, token_sums
from tests.builders.repositories import write_repository
from tests.builders.tokenizers import word_tokenizer
from tests.wire.test_images import bomb, encoded, png

PIL_Image = pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")
pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

pytestmark = pytest.mark.wide

TOKENIZER = word_tokenizer(["the", "cat", "sat"])
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

_PICTURES = """
[[inputs]]
name = "photo"
datatype = "BYTES"
shape = [-1]
encoding = "image"

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]

[score]
output = "probabilities"
"""
_RESIZED = """
[{side}.feeds.x]
source = "photo"
datatype = "FP32"
steps = [{{ resize = [2, 2] }}, {{ scale = 0.0392156862745098 }}]
"""
_TEXTS = """
[[inputs]]
name = "text"
datatype = "BYTES"
shape = [-1]
encoding = "text"

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 2]

[score]
output = "probabilities"
"""
_NUMBERS = """
[[inputs]]
name = "pixels"
datatype = "FP32"
shape = [-1, 4]
allow_nan = {allowed}

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]

[score]
output = "probabilities"
"""
_TOKENS = """
[{side}.feeds.{name}]
source = "text"
datatype = "INT64"
steps = [{{ tokenize = {{ file = "t.json", digest = "{digest}", max_length = {length}, gives = "{name}" }} }}]
"""


def _sides(name: str, model: bytes) -> str:
    digest = digest_of(model)
    return (
        f'\n[device]\nfile = "m.onnx"\ndigest = "{digest}"\n\n'
        f'[remote]\nmodel = "{name}"\nversion = "1"\ndigest = "{digest}"\nsend = "app"\n'
    )


def _pictures(name: str) -> tuple[bytes, str]:
    model = first_pixel()
    feeds = "".join(_RESIZED.format(side=side) for side in ("device", "remote"))
    return model, _PICTURES + _sides(name, model) + feeds


def _texts(name: str, length: int) -> tuple[bytes, str]:
    model, digest = token_sums(), digest_of(TOKENIZER)
    feeds = "".join(
        _TOKENS.format(side=side, name=fed, digest=digest, length=length)
        for side in ("device", "remote")
        for fed in ("ids", "mask")
    )
    return model, _TEXTS + _sides(name, model) + feeds


def _numbers(name: str, allowed: str) -> tuple[bytes, str]:
    model = softmax_mlp(pixels="FP32")
    return model, _NUMBERS.format(allowed=allowed) + _sides(name, model)


RELEASES = {
    "pictures": _pictures("pictures"),
    "texts": _texts("texts", 6),
    "words": _texts("words", 1),
    "numbers": _numbers("numbers", "false"),
    "any_numbers": _numbers("any_numbers", "true"),
}

_POLICY = """
schema = 1
name = "places"
version = 1
mode = "prefer_in_cloud"

[labels]
here = ["device"]
there = ["cloud"]
"""


@dataclass(frozen=True)
class Places:
    """An agent, and the cloud beside it; the same model is asked at either end."""

    agent: Agent
    cloud: RunningCloud

    def ask(self, model: str, tensor: Any, at: str) -> Result:
        (name,) = [spec.name for spec in self.agent.core.release(model).inputs]
        return self.agent.infer(model, {name: tensor}, privacy=at, deadline_ms=20_000)

    def refused(self, model: str, tensor: Any, at: str) -> str:
        """Return the words in which `tensor` is refused; a cloud's do not reach the app, which is told the code."""
        with pytest.raises((InputError, AllTargetsFailed)) as caught:
            self.ask(model, tensor, at)
        error = caught.value
        assert not error.retryable
        if isinstance(error, InputError):
            return str(error)
        (failure,) = error.failures
        assert failure.code == Code.INVALID_INPUT
        if "the model there does not take these inputs" not in failure.detail:
            return failure.detail
        (name,) = [spec.name for spec in self.agent.core.release(model).inputs]
        code, words = refused(lambda: self.cloud.stub.ModelInfer(encode_request(model, {name: tensor})))
        assert code is Code.INVALID_INPUT
        return words


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    root = tmp_path_factory.mktemp("places")
    documents = {name: f'schema = 1\nname = "{name}"\nversion = 1\n\n{text}' for name, (_, text) in RELEASES.items()}
    for name, (model, _) in RELEASES.items():
        folder = root / "releases" / name
        folder.mkdir(parents=True)
        (folder / "manifest.toml").write_text(documents[name], encoding="utf-8")
        (folder / "m.onnx").write_bytes(model)
        (folder / "t.json").write_bytes(TOKENIZER)
    served = {name: model for name, (model, _) in RELEASES.items()}
    models = write_repository(root / "models", served, documents)
    for name in RELEASES:
        (models / name / "t.json").write_bytes(TOKENIZER)
    (root / "policy.toml").write_text(_POLICY, encoding="utf-8")
    with running_cloud(models) as cloud:
        config = AgentConfig.model_validate(
            {
                "models": {name: {"release": root / "releases" / name} for name in RELEASES},
                "targets": {"cloud": {"address": cloud.target}},
                "policy": Path(root / "policy.toml"),
            }
        )
        with Agent(config, sources=[]) as agent:
            yield Places(agent, cloud)


at_either = pytest.mark.parametrize("at", ["here", "there"])


def bytes_of(*elements: Any) -> np.ndarray:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array


# -- C8: numbers -------------------------------------------------------------------------------------------------------


@at_either
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_C8_a_number_that_is_none_is_refused_unless_the_contract_allows_it(
    places: Places, at: str, value: float
) -> None:
    spoiled = np.ones((2, 4), np.float32)
    spoiled[1, 3] = value
    assert "'pixels': holds NaN or infinity" in places.refused("numbers", spoiled, at)
    # What it makes of such a row is no number either: the caller's doing, and not the target's fault.
    answer = places.ask("any_numbers", spoiled, at).outputs["probabilities"]
    assert np.isfinite(answer[0]).all()
    assert not np.isfinite(answer[1]).all()


@at_either
@pytest.mark.parametrize("value", [1e-45, -0.0, 1e30])
def test_C8_odd_numbers_are_numbers(places: Places, at: str, value: float) -> None:
    odd = np.full((1, 4), value, np.float32)
    assert places.ask("numbers", odd, at).outputs["probabilities"].shape == (1, 3)


# -- C9: text ----------------------------------------------------------------------------------------------------------

HANDLED = {
    "empty": b"",
    "NUL": b"cat\0sat",
    "right to left": "\u202ecat\u202c \u05e9\u05dc\u05d5\u05dd".encode(),
    "zalgo": ("c" + "\u0351\u036b" * 3000 + "at").encode(),
    "as long as may be": b"cat " * (16 << 10),
    "one endless word": b"a" * (64 << 10),
    "str": "the cat",
}


@pytest.mark.parametrize("text", HANDLED.values(), ids=HANDLED)
@pytest.mark.parametrize("model", ["texts", "words"])
def test_C9_strange_text_is_answered_alike_at_both_ends(places: Places, model: str, text: bytes | str) -> None:
    here, there = (places.ask(model, bytes_of(text), at) for at in ("here", "there"))
    assert (here.target, there.target) == ("device", "cloud")
    assert np.isfinite(here.outputs["probabilities"]).all()
    np.testing.assert_array_equal(here.outputs["probabilities"], there.outputs["probabilities"])


@at_either
@pytest.mark.parametrize(
    ("elements", "why"),
    [
        pytest.param((b"a" * (64 << 10) + b"b",), "text 0 is too long: at most 65536 bytes", id="longer than may be"),
        pytest.param((b"a" * (64 << 10),) * 17, "text 16 is too long", id="longer together"),
        pytest.param((b"secret\xff\xfe",), "text 0 is not UTF-8", id="not UTF-8"),
        pytest.param((b"ok", b"secret\xed\xa0\x80"), "text 1 is not UTF-8", id="a lone surrogate"),
    ],
)
def test_C9_text_that_is_none_is_refused_by_its_place_and_not_quoted(
    places: Places, at: str, elements: tuple[bytes, ...], why: str
) -> None:
    words = places.refused("texts", bytes_of(*elements), at)
    assert why in words
    assert "'text'" in words
    assert "secret" not in words
    assert len(words) < 500


@at_either
def test_C9_ten_megabytes_of_text_are_refused_before_anything_reads_them(places: Places, at: str) -> None:
    assert "text 0 is too long: at most 65536 bytes" in places.refused("texts", bytes_of(b"a" * (10 << 20)), at)


@at_either
def test_C9_half_of_a_pair_of_surrogates_in_a_str_is_refused(places: Places, at: str) -> None:
    """The tokenizer's own TypeError came out on the device."""
    words = places.refused("texts", bytes_of("secret \ud800"), at)
    assert "'text'" in words
    assert "UTF-8" in words
    assert "secret" not in words


# -- C10: pictures -----------------------------------------------------------------------------------------------------


def corners(mode: str = "RGB") -> Any:
    """A picture of 16 by 8: the middle's upper left corner is red, the other three are blue."""
    picture = PIL_Image.new("RGB", (16, 8), BLUE)
    picture.paste(RED, (0, 0, 8, 4))
    return picture.convert(mode)


def turned(orientation: int) -> bytes:
    """Return `corners` as a camera stores it that is held like this, with the note how."""
    turn = PIL_Image.Transpose
    ways: dict[int, Any] = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270,
    }  # fmt: skip
    stored = corners() if orientation == 1 else corners().transpose(ways[orientation])
    exif = PIL_Image.Exif()
    exif[0x0112] = orientation
    return encoded(stored, "JPEG", quality=95, exif=exif)


PICTURES: dict[str, Callable[[], bytes]] = {
    **{f"turned {orientation}": (lambda turn=orientation: turned(turn)) for orientation in range(1, 9)},
    "CMYK": lambda: encoded(corners("CMYK"), "JPEG", quality=95),
    "palette": lambda: encoded(corners("P")),
    "transparent": lambda: encoded(corners("RGBA")),
    "animated": lambda: encoded(corners(), save_all=True, append_images=[PIL_Image.new("RGB", (16, 8), GREEN)]),
    "one pixel": lambda: encoded(PIL_Image.new("RGB", (1, 1), RED)),
    "16 bits": lambda: png(1, 1, 16, 2, b"\0\xff\xff\0\0\0\0"),
    "a line": lambda: encoded(PIL_Image.new("RGB", (60_000, 1), RED)),
}


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_C10_a_picture_is_seen_upright_and_in_colour_and_alike_at_both_ends(
    places: Places, make: Callable[[], bytes]
) -> None:
    here, there = (places.ask("pictures", bytes_of(make()), at) for at in ("here", "there"))
    assert (here.target, there.target) == ("device", "cloud")
    assert here.outputs["probabilities"][0].argmax() == 0, "red is up and left"
    np.testing.assert_array_equal(here.outputs["probabilities"], there.outputs["probabilities"])


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_C10_grey_is_answered_alike_at_both_ends(places: Places, mode: str) -> None:
    here, there = (places.ask("pictures", bytes_of(encoded(corners(mode))), at) for at in ("here", "there"))
    np.testing.assert_allclose(here.outputs["probabilities"], 1 / 3, rtol=1e-6)
    np.testing.assert_array_equal(here.outputs["probabilities"], there.outputs["probabilities"])


@at_either
@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(bomb(50_000, 50_000), "2500000000 pixels together", id="a bomb"),
        pytest.param(bomb(8_193, 8_193), "at most 67108864 are decoded", id="a little too large"),
        pytest.param(encoded(corners())[:60], "image 0 is", id="cut off"),
        pytest.param(encoded(corners(), "GIF"), "image 0 is not a JPEG or PNG file", id="of another kind"),
        pytest.param(b"", "image 0 is not a JPEG or PNG file: it is empty", id="empty"),
        pytest.param(b"secret", "image 0 is not a JPEG or PNG file", id="no picture"),
    ],
)
def test_C10_what_is_no_picture_or_too_large_is_refused_before_it_is_decoded(
    places: Places, at: str, content: bytes, why: str
) -> None:
    tracemalloc.start()
    try:
        words = places.refused("pictures", bytes_of(content), at)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert why in words
    assert "'photo'" in words
    assert "secret" not in words
    assert peak_bytes < 16 << 20
    assert places.ask("pictures", bytes_of(encoded(corners())), at).outputs["probabilities"].argmax() == 0


@pytest.mark.parametrize(
    ("model", "bad", "good"), [("pictures", b"secret", encoded(corners())), ("texts", b"\xff", b"")]
)
def test_C9_C10_a_device_is_not_held_to_fail_because_of_what_nobody_can_prepare(
    places: Places, model: str, bad: bytes, good: bytes
) -> None:
    """It counted as a failure of the device's, which was then expected to fail the next."""
    for _ in range(5):
        places.refused(model, bytes_of(bad), "here")
    (device,) = [
        target
        for target in places.ask(model, bytes_of(good), "here").decision.situation.targets
        if target.kind is Kind.DEVICE
    ]
    assert device.p_fail == 0.0
