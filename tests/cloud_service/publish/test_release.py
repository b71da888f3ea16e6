"""A release on disk: all files or none, and never over something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_service.publish.errors import PublishError
from cloud_service.publish.release import golden_npz, manifest_toml, require_replaceable, write_files
from nearfar_wire.manifest import Manifest, parse_manifest

DIGEST = "sha256:" + "0" * 64
TOKENIZE = {"tokenize": {"file": "words.json", "digest": DIGEST, "max_length": 9, "gives": "ids"}}


def manifest(name: str = "m") -> Manifest:
    return Manifest.model_validate(
        {
            "schema": 1,
            "name": name,
            "version": 1,
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1], "encoding": "text"}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
            "device": {
                "file": "m.onnx",
                "digest": DIGEST,
                "feeds": {"ids": {"source": "text", "datatype": "INT64", "steps": [TOKENIZE]}},
            },
            "labels": {"file": "labels.txt", "digest": DIGEST},
            "certificate": "certificate.json",
        }
    )


def release(name: str = "m") -> dict[str, bytes]:
    others = ["m.onnx", "words.json", "labels.txt", "certificate.json", "report.html", "cloud/m/1/model.onnx"]
    return {"manifest.toml": manifest_toml(manifest(name)), **{path: path.encode() for path in others}}


def there(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_manifest_that_was_written_is_read_back_as_it_was() -> None:
    assert parse_manifest(manifest_toml(manifest()), "m") == manifest()


def test_files_are_written_whole_and_replace_an_earlier_release_of_the_same_model(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "release"
    write_files(out, "m", {**release(), "cloud/m/1/golden.npz": b"old"})
    (out / "certificate.1.json").write_bytes(b"from before")
    write_files(out, "m", release())
    assert there(out) == release()
    assert [path.name for path in out.parent.iterdir()] == ["release"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    write_files(tmp_path / "release", "m", release())
    assert there(tmp_path / "release") == release()


@pytest.mark.parametrize("before", [{}, release()], ids=["nothing-there", "a-release-there"])
def test_what_fails_in_the_middle_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, before: dict[str, bytes]
) -> None:
    out = tmp_path / "release"
    if before:
        write_files(out, "m", before)
    with pytest.raises(PublishError, match="cannot be written"):
        write_files(out, "m", {**release(), "m.onnx/under-a-file": b""})
    assert there(tmp_path) == {f"release/{path}": content for path, content in before.items()}
    assert len(list(tmp_path.iterdir())) == bool(before)


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ({"notes.md": b"mine"}, "holds 'notes.md', which is no part of a release"),
        ({".git/config": b"mine"}, r"holds '\.git', which is no part of a release"),
        ({"cloud/other/1/model.onnx": b"mine"}, "holds 'cloud/other', which is no part of a release"),
        ({"certificate.json.backup": b"mine"}, "which is no part of a release"),
        ({"manifest.toml": release("other")["manifest.toml"]}, "is a release of 'other', and not empty"),
        ({"manifest.toml": b""}, "is no release, and not empty"),
    ],
    ids=["notes", "history", "another-in-the-repository", "backup", "another-model", "no-manifest"],
)
def test_a_folder_that_holds_anything_else_is_left_as_it_is(tmp_path: Path, added: dict[str, bytes], told: str) -> None:
    """A release was replaced with all that somebody had put beside it."""
    out = tmp_path / "release"
    for path, content in {**release(), **added}.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    with pytest.raises(PublishError, match=told):
        write_files(out, "m", release())
    assert there(out) == {**release(), **added}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "release").write_bytes(b"mine")
    with pytest.raises(PublishError, match="is no release"):
        require_replaceable(tmp_path / "release", "m")


def test_golden_examples_are_the_same_bytes_for_the_same_arrays(tmp_path: Path) -> None:
    texts = np.empty(2, dtype=object)
    texts[:] = [b"a", b"bcd"]
    arrays = {"text": texts}, {"y": np.arange(6, dtype=np.float32).reshape(2, 3)}
    content = golden_npz(*arrays)
    assert content == golden_npz(*arrays)
    (tmp_path / "golden.npz").write_bytes(content)
    with np.load(tmp_path / "golden.npz", allow_pickle=False) as golden:
        assert golden["inputs/text"].tolist() == [b"a", b"bcd"]
        assert golden["outputs/y"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_bytes_that_an_archive_would_shorten_are_no_golden_example() -> None:
    texts = np.empty(1, dtype=object)
    texts[:] = [b"a\0"]
    with pytest.raises(PublishError, match="ends in a NUL byte"):
        golden_npz({"text": texts}, {})
