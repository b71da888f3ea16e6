from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_agent import InputError
from edge_agent.cli.inputs import read_inputs
from nearfar_wire.tensors import TensorSpec

_CANARY = "s3cr3t"


def test_a_numpy_file_keeps_its_type_and_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2]], np.int16))
    array = read_inputs("m", [f"x={tmp_path / 'x.npy'}"], [])["x"]
    assert (array.dtype, array.tolist()) == (np.int16, [[1, 2]])


def test_json_is_read_from_a_file_and_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps([[1.5]]))
    assert read_inputs("m", [f"x={tmp_path / 'x.json'}", 'y=["a", "b"]'], []) == {"x": [[1.5]], "y": ["a", "b"]}


@pytest.mark.parametrize(("shape", "given"), [((-1,), (1,)), ((-1, 1), (1, 1)), ((), ())])
def test_the_bytes_of_a_file_are_one_element_in_as_many_axes_as_the_input_has(
    tmp_path: Path, shape: tuple[int, ...], given: tuple[int, ...]
) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8 a cat")
    array = read_inputs("m", [f"image=@{tmp_path / 'cat.jpg'}"], [TensorSpec("image", "BYTES", shape)])["image"]
    assert array.shape == given
    assert array.reshape(-1)[0] == b"\xff\xd8 a cat"


def test_a_value_may_hold_an_equals_sign() -> None:
    assert read_inputs("m", ['x="a=b"'], []) == {"x": "a=b"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("x", "NAME=VALUE", id="no value"),
        pytest.param("=1", "NAME=VALUE", id="no name"),
        pytest.param(f"x={_CANARY}", "neither JSON", id="not JSON"),
        pytest.param("x=" + "[" * 100_000, "neither JSON", id="JSON without a bottom"),
        pytest.param("x=missing.npy", "No such file", id="no array file"),
        pytest.param("x=missing.json", "No such file", id="no JSON file"),
        pytest.param("x=@missing.jpg", "No such file", id="no file"),
        pytest.param("x=@.", "cannot be read", id="a folder"),
        pytest.param("x=bad.npy", "no array", id="a broken array"),
        pytest.param("x=objects.npy", "no array", id="pickled objects"),
        pytest.param("x=bad.json", "not JSON", id="a broken JSON file"),
        pytest.param("x=latin.json", "not JSON", id="JSON in another encoding"),
    ],
)
def test_what_cannot_be_read_is_one_typed_error_that_quotes_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.npy").write_text(_CANARY)
    np.save("objects.npy", np.array([{"run": "me"}], object), allow_pickle=True)
    Path("bad.json").write_text(f"[{_CANARY}")
    Path("latin.json").write_bytes('"é"'.encode("latin-1"))
    with pytest.raises(InputError, match=problem) as raised:
        read_inputs("m", [text], [])
    assert _CANARY not in str(raised.value)


def test_an_input_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        read_inputs("m", ["x=1", "x=2"], [])
