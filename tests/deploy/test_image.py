"""The image, built and run without a registry or a Docker engine: its bases are made of Debian's packages, the one it
runs on has no shell, and what it installs comes from wheels that lie beside it.

Needs root, buildah and mmdebstrap, and packages from Debian's and Python's indexes while it makes the bases and wheels;
skipped, saying so, where something of that is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest

from nearfar_wire.service import Stub
from nearfar_wire.tensors import decode_response, encode_request
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.wide]

_ROOT = Path(__file__).parents[2]
_LONG_S = 600


@dataclass(frozen=True)
class Builder:
    """buildah with a store of its own, so that nothing of the machine's images is touched."""

    directory: Path

    def command(self, *arguments: str) -> list[str]:
        store = ["--root", str(self.directory / "store"), "--runroot", str(self.directory / "run")]
        return ["buildah", *store, "--storage-driver", "vfs", *arguments]

    def __call__(self, *arguments: str) -> str:
        return _run(self.command(*arguments), env=os.environ | {"BUILDAH_ISOLATION": "chroot"}).strip()


def _run(command: Sequence[str | Path], *, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONG_S, check=False, env=env)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-4000:]}"
    return done.stdout


def _skip_unless_possible() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("building an image in a chroot needs root")
    for tool in ("buildah", "mmdebstrap"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed; tests/tools/install-debian.sh installs it")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the wheels are for this Python, and the base made of Debian 12's packages has 3.11")


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Return a builder that holds the image, named nearfar-cloud."""
    _skip_unless_possible()
    directory = tmp_path_factory.mktemp("image")
    building = Builder(directory)
    try:
        _make_base(building, "build", "apt", "python3,python3-pip")
        _make_base(building, "run", "extract", "python3,libstdc++6,zlib1g")
    except AssertionError as error:
        pytest.skip(f"no base can be made here: {str(error)[-300:]}")
    context = directory / "context"
    _export(context)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "-c", str(_ROOT / "constraints.txt")]
    _run([*pip, "-w", str(context / "wheels"), f"{context}[cloud]", "hatchling", "editables"])
    for own in (context / "wheels").glob("nearfar-*"):
        own.unlink()
    building(
        *("build", "-q", "--pull=never", "--format", "docker", "-f", str(context / "deploy" / "Dockerfile")),
        *("--build-arg", "BUILD_BASE=localhost/base-build", "--build-arg", "RUN_BASE=localhost/base-run"),
        *("--build-arg", "PIP_NO_INDEX=1", "-t", "nearfar-cloud", str(context)),
    )
    return building


def _make_base(building: Builder, name: str, variant: str, packages: str) -> None:
    archive = building.directory / f"{name}.tar"
    _run(["mmdebstrap", "--quiet", f"--variant={variant}", f"--include={packages}", "bookworm", archive])
    container = building("from", "scratch")
    building("add", "-q", container, str(archive), "/")
    building("commit", "-q", container, f"localhost/base-{name}")
    building("rm", container)
    archive.unlink()


def _export(to: Path) -> None:
    to.mkdir()
    for name in ("constraints.txt", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".dockerignore"):
        shutil.copy(_ROOT / name, to / name)
    for name in ("proto", "router", "edge_agent", "cloud_service", "deploy"):
        shutil.copytree(_ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def _serving(builder: Builder, models: Path) -> Iterator[tuple[str, str]]:
    """Run the image's own command as its own user; yield the address and the container's root directory."""
    container = builder("from", "--pull=never", "nearfar-cloud")
    flags = ["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    running = subprocess.Popen(
        builder.command(
            *("run", "--isolation", "chroot", "-v", f"{models}:/models:ro", container, "--"),
            *("python3", "-m", "cloud_service.cli", *flags),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None and running.stderr is not None
    lines: list[str] = []
    log: list[str] = []
    readers = [
        threading.Thread(target=lambda: lines.extend(line.strip() for line in running.stdout or ())),
        threading.Thread(target=lambda: log.extend(running.stderr or ())),
    ]
    for reader in readers:
        reader.start()
    try:
        eventually(lambda: len(lines) >= 2 or running.poll() is not None, within_s=120)
        assert running.poll() is None, "".join(log)
        yield lines[0].removeprefix("grpc "), builder("mount", container)
    finally:
        running.terminate()
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(60)
        for reader in readers:
            reader.join(60)
        running.stdout.close()
        running.stderr.close()
        builder("umount", container)
        builder("rm", container)


def _files(root: str) -> set[str]:
    # What the isolation itself puts there, such as /etc/hosts, is there before the service starts.
    return {str(path.relative_to(root)) for path in (Path(root) / "opt").rglob("*")}


def test_the_image_infers_without_a_shell_without_root_and_without_writing(builder: Builder, tmp_path: Path) -> None:
    models = write_repository(tmp_path / "models", {"same": identity(shape=("n", 2))})
    for path in (tmp_path, models, *models.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with _serving(builder, models) as (address, root):
        before = _files(root)
        with grpc.insecure_channel(address) as channel:
            x = np.array([[1.0, 2.0]], np.float32)
            response = Stub(channel).ModelInfer(encode_request("same", {"x": x}), timeout=30)
        assert decode_response(response)["y"].tolist() == [[1.0, 2.0]]
        assert _files(root) == before
        for shell in ("sh", "bash", "dash"):
            assert not (Path(root) / "usr" / "bin" / shell).exists()
            assert not (Path(root) / "bin" / shell).exists()


def test_the_image_says_who_it_runs_as_and_how_its_health_is_asked(builder: Builder) -> None:
    config = json.loads(builder("inspect", "--type", "image", "nearfar-cloud"))["Docker"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Healthcheck"]["Test"] == ["CMD", "python3", "-m", "cloud_service.cli", "health"]
    assert config["Entrypoint"] == ["python3", "-m", "cloud_service.cli"]


def test_the_image_holds_no_more_than_it_runs(builder: Builder) -> None:
    """Measured: some 280 MB, of which onnxruntime and numpy are half. A build tool left behind shows here."""
    assert _size(builder) < 350e6


def _size(builder: Builder) -> int:
    container = builder("from", "--pull=never", "nearfar-cloud")
    try:
        root = Path(builder("mount", container))
        return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    finally:
        builder("rm", container)
