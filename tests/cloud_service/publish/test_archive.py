"""Examples in an .npz: read whole or refused, whatever the file is."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_service.publish.archive import read_npz
from cloud_service.publish.errors import PublishError

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def saved(folder: Path, **columns: object) -> Path:
    path = folder / "data.npz"
    np.savez(path, **columns)  # type: ignore[arg-type]
    return path


def zipped(folder: Path, entries: dict[str, bytes]) -> Path:
    path = folder / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array)  # type: ignore[arg-type]
    return file.getvalue()


def test_named_columns_are_labels_groups_and_times_and_all_others_are_inputs(tmp_path: Path) -> None:
    path = saved(tmp_path, x=X, y=[0, 1, 1, 0], who=["a", "b", "a", "b"], when=[1.0, 2, 3, 4], mask=X > 2)
    examples = read_npz(path, labels="y", groups="who", times="when")
    assert set(examples.inputs) == {"x", "mask"}
    assert examples.labels is not None and examples.labels.tolist() == [0, 1, 1, 0]
    assert examples.groups is not None and examples.groups.tolist() == ["a", "b", "a", "b"]
    assert examples.times is not None and examples.times.tolist() == [1, 2, 3, 4]


def test_text_and_bytes_become_bytes_of_their_own_length(tmp_path: Path) -> None:
    examples = read_npz(saved(tmp_path, text=["héllo", ""], raw=np.array([b"ab", b"c"])), labels=None)
    assert examples.inputs["text"].tolist() == ["héllo".encode(), b""]
    assert examples.inputs["raw"].tolist() == [b"ab", b"c"]


def test_labels_by_name_are_put_in_the_models_order_or_in_that_of_the_alphabet(tmp_path: Path) -> None:
    path = saved(tmp_path, x=X, y=["dog", "cat", "ape", "dog"])
    named = read_npz(path, labels="y", names=["cat", "dog", "ape"])
    assert named.labels is not None and named.labels.tolist() == [1, 0, 2, 1]
    assert named.label_names is None
    counted = read_npz(path, labels="y")
    assert counted.labels is not None and counted.labels.tolist() == [2, 1, 0, 2]
    assert counted.label_names == ("ape", "cat", "dog")


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"no column 'label' for labels; there is x, y; name one of these"):
        read_npz(saved(tmp_path, x=X, y=[0, 1, 1, 0]), labels="label")


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param({"x.npy": npy(np.array([{"a": 1}] * 4, dtype=object))}, id="pickled"),
        pytest.param({"x.npy": npy(X)[:-5]}, id="cut-off"),
        pytest.param({"x.npy": npy(X)[:20]}, id="half-a-header"),
        pytest.param({"x.npy": b"nothing of the kind"}, id="no-array"),
        pytest.param({"readme.txt": b"hello", "x.npy": npy(X)}, id="another-file"),
        pytest.param({"x.npy": npy(X).replace(b"(4, 3)", b"(9999999999999,)".ljust(6))}, id="a-header-that-lies"),
        pytest.param({"x.npy": npy(X).replace(b"(4, 3), ", b"(4**9,),")}, id="a-header-that-computes"),
    ],
)
def test_what_is_no_archive_of_arrays_is_refused(tmp_path: Path, entries: dict[str, bytes]) -> None:
    with pytest.raises(PublishError):
        read_npz(zipped(tmp_path, entries), labels=None)


def test_a_header_that_asks_for_more_memory_than_there_is_is_refused(tmp_path: Path) -> None:
    """numpy makes room for what the header says before it reads: the MemoryError came out as it was."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (1 << 55,)})
    with pytest.raises(PublishError, match="MemoryError"):
        read_npz(zipped(tmp_path, {"x.npy": head.getvalue()}), labels=None)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path, {f"{index}.npy": npy(X) for index in range(5)})
    size, large = len(npy(X)).to_bytes(4, "little"), (0xFFFFFFFE).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, large))
    with pytest.raises(PublishError, match=r"unpacks to \d{11} bytes; give at most"):
        read_npz(path, labels=None)


def test_a_missing_file_and_one_that_is_no_archive_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="No such file"):
        read_npz(tmp_path / "none.npz", labels=None)
    (tmp_path / "text.npz").write_text("x,y\n1,2\n")
    with pytest.raises(PublishError, match=r"BadZipFile.*numpy\.savez"):
        read_npz(tmp_path / "text.npz", labels=None)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
@pytest.mark.wide
def test_a_damaged_archive_is_read_or_refused_and_raises_nothing_else(tmp_path: Path, at: int, over: bytes) -> None:
    content = bytearray(saved(tmp_path, x=X, y=[0, 1, 1, 0]).read_bytes())
    place = at % len(content)
    content[place : place + len(over)] = over
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with contextlib.suppress(PublishError):
        assert len(read_npz(path, labels=None)) > 0
