"""Golden examples: which answers are the same for a device, and which files are none."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.runtimes import CannotLoad
from edge_agent.runtimes.trial.golden import Example, otherwise, read_golden
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import DigestMismatch
from nearfar_wire.manifest import Manifest, parse_manifest

Array = NDArray[Any]  # Any: each tensor has its own datatype

HEAD = """schema = 1
name = "m"
version = 1
{task}
[[inputs]]
name = "x"
datatype = "FP32"
shape = [-1, 2]
[[outputs]]
name = "y"
datatype = "{datatype}"
shape = {shape}
[device]
file = "m.onnx"
digest = "sha256:{zeros}"
"""
SCORE = '[score]\noutput = "y"\nvalues = "logits"\n'
X = np.ones((8, 2), np.float32)
LOGITS = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
# Each row is clearly of one class.
LOGITS[np.arange(8), np.arange(8) % 4] += 4


def manifest_of(datatype: str = "FP32", shape: str = "[-1, 4]", task: str = "", more: str = "") -> Manifest:
    text = HEAD.format(datatype=datatype, shape=shape, task=task, zeros="0" * 64) + more
    return parse_manifest(text.encode(), "m")


def examples_of(outputs: Array) -> list[Example]:
    return [Example({"x": X[:1]}, {"y": outputs[row : row + 1]}) for row in range(len(outputs))]


def answers_of(outputs: Array) -> list[dict[str, Array]]:
    return [{"y": outputs[row : row + 1]} for row in range(len(outputs))]


def _noise(share: float) -> Array:
    """LOGITS, off by about this share of their spread, in every number alike."""
    signs = np.random.default_rng(1).choice([-1, 1], LOGITS.shape)
    return (LOGITS + share * LOGITS.std() * signs).astype(np.float32)


# -- which answers are the same ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.03, 0.14])
def test_other_kernels_answer_as_the_golden_examples(share: float) -> None:
    assert otherwise(manifest_of(more=SCORE), examples_of(LOGITS), answers_of(_noise(share))) == ""


@pytest.mark.parametrize("share", [0.16, 0.5, 5.0])
def test_numbers_that_are_further_off_are_other_answers(share: float) -> None:
    problem = otherwise(manifest_of(more=SCORE), examples_of(LOGITS), answers_of(_noise(share)))
    assert problem.startswith("output 'y' is off by ")


def test_one_answer_in_eight_may_be_of_another_class_and_no_more() -> None:
    near = LOGITS.copy()
    near[:2] = [[2, 2.001, 0, 0], [0, 0, 2, 2.001]]  # as good as equal: rounding decides
    one, two = near.copy(), near.copy()
    one[0, :2] = two[0, :2] = [2.001, 2]
    two[1, 2:] = [2.001, 2]
    manifest = manifest_of(more=SCORE)
    assert otherwise(manifest, examples_of(near), answers_of(one)) == ""
    assert otherwise(manifest, examples_of(near), answers_of(two)) == "2 of 8 answers disagree"
    assert otherwise(manifest, examples_of(near[:7]), answers_of(one[:7])) == "1 of 7 answers disagree"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_D12_an_answer_that_is_not_a_number_is_never_the_same(bad: float) -> None:
    spoilt = LOGITS.copy()
    spoilt[3, 2] = bad
    problem = otherwise(manifest_of(more=SCORE), examples_of(LOGITS), answers_of(spoilt))
    assert problem == "output 'y' is not a number in 1 of 32 elements"


def test_a_class_that_is_ruled_out_by_a_golden_answer_stays_ruled_out() -> None:
    ruled = LOGITS.copy()
    ruled[:, 3] = -np.inf
    ruled[:, 0] = 5
    manifest = manifest_of(more=SCORE)
    assert otherwise(manifest, examples_of(ruled), answers_of(ruled)) == ""
    assert "is a number where the golden one is none" in otherwise(manifest, examples_of(ruled), answers_of(LOGITS))


def test_another_shape_or_type_is_another_answer() -> None:
    manifest, examples = manifest_of(more=SCORE), examples_of(LOGITS)
    flat = [{"y": LOGITS[row]} for row in range(8)]
    assert otherwise(manifest, examples, flat) == "output 'y' has shape [4], the golden one [1, 4]"
    assert "is int64, the golden one float32" in otherwise(manifest, examples, answers_of(LOGITS.astype(np.int64)))


def test_quantized_numbers_may_be_off_by_a_step_and_bytes_by_none() -> None:
    steps = np.arange(32, dtype=np.uint8).reshape(8, 4) * 8
    assert otherwise(manifest_of("UINT8"), examples_of(steps), answers_of(steps + np.uint8(1))) == ""
    words = np.array([[b"a", b"b"]] * 4, object)
    manifest = manifest_of("BYTES", "[-1, 2]")
    assert otherwise(manifest, examples_of(words), answers_of(words)) == ""
    assert "in 8 of 8 elements" in otherwise(manifest, examples_of(words), answers_of(words[:, ::-1]))


def test_answers_that_are_all_alike_are_compared_by_their_size() -> None:
    ones = np.full((8, 4), 100, np.float32)
    manifest = manifest_of(task='task = "regression"\ntolerance = 50.0')
    assert otherwise(manifest, examples_of(ones), answers_of(ones + 1)) == ""
    assert "is off by" in otherwise(manifest, examples_of(ones), answers_of(ones + 20))


def test_disagreement_is_by_the_measure_of_the_release() -> None:
    vectors = np.eye(8, 4, dtype=np.float32) + 1
    manifest = manifest_of(task='task = "embedding"\ntolerance = 1e-6')
    assert otherwise(manifest, examples_of(vectors), answers_of(vectors * 1.02)) == "", "the same direction"
    turned = vectors + np.array([0.01, 0, 0, 0], np.float32)
    assert otherwise(manifest, examples_of(vectors), answers_of(turned)) == "8 of 8 answers disagree"


# -- which files are examples ------------------------------------------------------------------------------------------


def npz(save: Callable[..., None] = np.savez, **arrays: Any) -> bytes:
    file = io.BytesIO()
    save(file, **{name.replace("_", "/", 1): array for name, array in arrays.items()})
    return file.getvalue()


def _read(folder: Path, content: bytes, *, shape: str = "[-1, 4]", promised: str | None = None) -> list[Example]:
    (folder / "golden.npz").write_bytes(content)
    more = f'[golden]\nfile = "golden.npz"\ndigest = "{promised or digest_of(content)}"\n'
    return read_golden(folder, manifest_of(shape=shape, more=more))


def test_examples_are_taken_apart_by_rows(tmp_path: Path) -> None:
    examples = _read(tmp_path, npz(inputs_x=X, outputs_y=LOGITS))
    assert len(examples) == 8
    assert examples[3].inputs["x"].shape == (1, 2)
    assert np.array_equal(examples[3].outputs["y"], LOGITS[3:4])


def test_no_more_than_64_examples_are_asked(tmp_path: Path) -> None:
    examples = _read(tmp_path, npz(inputs_x=np.ones((100, 2), np.float32), outputs_y=np.ones((100, 4), np.float32)))
    assert len(examples) == 64


def test_outputs_that_have_no_row_an_example_are_one_example(tmp_path: Path) -> None:
    assert len(_read(tmp_path, npz(inputs_x=X, outputs_y=LOGITS[0]), shape="[4]")) == 1


def test_a_release_without_examples_has_none(tmp_path: Path) -> None:
    assert read_golden(tmp_path, manifest_of()) == []


def test_examples_with_another_digest_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match=r"golden\.npz: its digest is"):
        _read(tmp_path, b"not even a zip", promised=digest_of(npz(inputs_x=X, outputs_y=LOGITS)))


def _pickled() -> bytes:
    file = io.BytesIO()
    np.savez(file, **{"inputs/x": np.array([object()], object)})
    return file.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no_archive": (lambda: b"nothing", "not an .npz of plain arrays"),
    "truncated": (lambda: npz(inputs_x=X, outputs_y=LOGITS)[:-40], "not an .npz of plain arrays"),
    "pickles": (_pickled, "not an .npz of plain arrays"),
    "too_large_unpacked": (
        lambda: npz(np.savez_compressed, inputs_x=X, outputs_y=np.broadcast_to(np.float32(0), (1 << 26, 1))),
        "(OverflowError)",
    ),
    "no_outputs": (lambda: npz(inputs_x=X), "inputs/NAME and outputs/NAME"),
    "a_name_of_its_own": (lambda: npz(inputs_x=X, outputs_y=LOGITS, z=X), "inputs/NAME and outputs/NAME"),
    "an_output_that_nobody_promised": (lambda: npz(inputs_x=X, outputs_z=LOGITS), "as in the manifest"),
    "unlike_rows": (lambda: npz(inputs_x=X, outputs_y=LOGITS[:5]), "its arrays have [5, 8] rows"),
    "no_rows": (lambda: npz(inputs_x=X[:0], outputs_y=LOGITS[:0]), "its arrays have [0] rows"),
    "other_inputs": (lambda: npz(inputs_x=X.astype(np.float64), outputs_y=LOGITS), "not the app's inputs"),
    "a_missing_input": (lambda: npz(inputs_z=X, outputs_y=LOGITS), "not the app's inputs"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "says"), FILES.values(), ids=FILES)
@pytest.mark.wide
def test_a_file_that_holds_no_examples_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[], bytes], says: str
) -> None:
    with pytest.raises(CannotLoad) as caught:
        _read(tmp_path, make())
    assert str(caught.value).startswith("golden.npz: ")
    assert says in str(caught.value)


@pytest.mark.wide
def test_a_file_that_is_too_long_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match=r"golden\.npz: longer than 67108864 bytes"):
        _read(tmp_path, b"x" * ((64 << 20) + 1))


def test_examples_that_are_missing_are_named(tmp_path: Path) -> None:
    manifest = manifest_of(more=f'[golden]\nfile = "golden.npz"\ndigest = "{digest_of(b"")}"\n')
    with pytest.raises(CannotLoad, match=r"golden\.npz cannot be read: No such file.*install the release again"):
        read_golden(tmp_path, manifest)
