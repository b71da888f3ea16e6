"""Releases as they lie on the device."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent import DeviceConfig, ReleaseError
from edge_agent.releases import load_release
from nearfar_wire.digest import digest_of
from tests.builders.agents import SMALL, Home


def test_a_release_in_use_says_which_file_runs(home: Home) -> None:
    release = load_release("tiny", home.release(), DeviceConfig())
    assert (release.device_digest, release.why_no_runtime) == (digest_of(SMALL), "")
    assert [str(spec) for spec in release.inputs] == ["'pixels' UINT8 [-1, 4]"]


def test_a_release_without_a_device_model_is_no_fault(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    release = load_release("tiny", home.release(model=None), DeviceConfig())
    assert (release.runtime, release.why_no_runtime) == (None, "its release has no model for the device")
    assert caplog.text == ""


def test_a_device_model_that_cannot_run_is_logged_once_with_the_reason(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    load_release("tiny", home.release(model=b"no model"), DeviceConfig())
    assert "model tiny cannot run on the device: small.onnx: it is no ONNX model, or cut off" in caplog.text
    assert "no model" not in caplog.text


@pytest.mark.parametrize("file", ["../small.onnx", "/etc/passwd", "a/b.onnx", ""])
def test_D18_a_model_file_lies_beside_its_manifest_and_nowhere_else(home: Home, file: str) -> None:
    folder = home.release()
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("small.onnx", file), encoding="utf-8")
    with pytest.raises(Exception, match=r"device\.file"):
        load_release("tiny", Path(folder), DeviceConfig())


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("version = 7\n", "version = true\n", "version: Input should be a valid integer"),
        ("[device]\n", '[device]\nfil = "x"\n', "device.fil: unknown key; did you mean 'file'?"),
        ("[device]\n", '[device]\nruntime = "torch"\n', "device.runtime: Input should be 'onnx' or 'litert'"),
    ],
)
def test_a_fault_of_a_manifest_is_told_with_its_line(home: Home, written: str, instead: str, told: str) -> None:
    """Faults of policies and configurations had a line; those of the third document that people write had none."""
    path = home.release() / "manifest.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(written) == 1
    changed = text.replace(written, instead)
    path.write_text(changed, encoding="utf-8")
    line = changed[: changed.index(instead)].count("\n") + instead.count("\n")
    with pytest.raises(ReleaseError) as caught:
        load_release("tiny", path.parent, DeviceConfig())
    assert caught.value.problem.startswith(f"{path}: line {line}: {told}")


@pytest.mark.parametrize("content", [b"\xff", b"a = " + b"[" * 5000, b"a = 1\na = 2\n", b"#" * (1 << 21), b"\x00"])
def test_what_is_no_manifest_at_all_is_one_typed_error(home: Home, content: bytes) -> None:
    path = home.release() / "manifest.toml"
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"manifest\.toml: "):
        load_release("tiny", path.parent, DeviceConfig())
