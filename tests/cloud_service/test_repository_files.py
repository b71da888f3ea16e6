from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_service.errors import UnservableModel
from cloud_service.repository.files import read_regular

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are made otherwise there")


def _read(root: Path, max_bytes: int = 100) -> bytes | None:
    return read_regular(root / "m" / "1" / "model.onnx", within=root, max_bytes=max_bytes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "m" / "1").mkdir(parents=True)
    return tmp_path / "repository"


def test_a_file_is_read_whole(root: Path) -> None:
    (root / "m/1/model.onnx").write_bytes(b"x" * 100)
    assert _read(root) == b"x" * 100


def test_no_file_is_none(root: Path) -> None:
    assert _read(root) is None


def test_the_links_of_a_mounted_volume_are_followed(root: Path) -> None:
    """Kubernetes mounts a volume as links to a directory that it replaces."""
    data = root / "..2026" / "m" / "1"
    data.mkdir(parents=True)
    (data / "model.onnx").write_bytes(b"x")
    (root / "..data").symlink_to("..2026")
    shutil.rmtree(root / "m")
    (root / "m").symlink_to("..data/m")
    assert _read(root) == b"x"


def _outside(path: Path) -> None:
    secret = path.parents[3] / "secret"
    secret.write_bytes(b"key")
    path.symlink_to(secret)


def _unreadable(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(_outside, "a link that leads out of the repository", id="a link out of it"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "leads out", id="a link to a device"),
        pytest.param(lambda path: path.symlink_to("nowhere"), "a link to nothing", id="a dangling link"),
        pytest.param(_unreadable, "cannot be read .*(links|Symlink)", id="a link to itself"),
        pytest.param(lambda path: os.mkfifo(path), "not a regular file", id="a pipe that nobody writes to"),
        pytest.param(lambda path: path.mkdir(), "cannot be read", id="a directory"),
        pytest.param(lambda path: path.write_bytes(b"x" * 101), "longer than 100 bytes", id="a long file"),
    ],
)
def test_D13_what_is_no_file_of_the_repository_is_refused_and_never_waited_for(
    root: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(root / "m/1/model.onnx")
    with pytest.raises(UnservableModel, match=reason):
        _read(root)
