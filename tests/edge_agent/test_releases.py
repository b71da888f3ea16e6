"""Releases as they lie on the device, and what sending a request of theirs is expected to weigh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import DeviceConfig
from edge_agent.releases import load_release, sent_bytes_estimate
from edge_agent.testing import fake_release
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.digest import digest_of
from nearfar_wire.prepare import prepare
from nearfar_wire.tensors import encode_request
from tests.builders.agents import SMALL, Home

HEAD = """schema = 1
name = "m"
version = 1
[[inputs]]
name = "x"
datatype = "{given}"
shape = [-1, 4]
[[outputs]]
name = "y"
datatype = "FP32"
shape = [-1]
[remote]
model = "m"
send = "{send}"
"""
FED = '[remote.feeds.pixels]\nsource = "x"\ndatatype = "FP32"\nsteps = [{ scale = 0.5 }]\n'


def _written_bytes(manifest_text: str, inputs: dict[str, Any]) -> tuple[int, int]:
    """Return what a request is expected to weigh, and what it does; Any: arrays of each datatype."""
    manifest = fake_release("m", manifest=manifest_text).manifest
    assert manifest.remote is not None
    sent = prepare(inputs, manifest.inputs, manifest.remote.feeds) if manifest.remote.send == "model" else inputs
    request = encode_request("m", sent, version="1", request_id="0123456789-ff")
    return sent_bytes_estimate(manifest, inputs), request.ByteSize()


datatypes = st.sampled_from(["UINT8", "FP32", "INT64"])


@given(rows=st.integers(0, 3000), send=st.sampled_from(["app", "model"]), datatype=datatypes)
def test_what_a_request_weighs_is_known_before_it_is_made(rows: int, send: str, datatype: str) -> None:
    text = HEAD.format(given=datatype, send=send) + (FED if send == "model" else "")
    expected, written = _written_bytes(text, {"x": np.zeros((rows, 4), DATATYPES[datatype])})
    assert abs(expected - written) <= 128


def test_texts_weigh_their_bytes_and_a_length_each() -> None:
    texts = np.array([[b"", b"a", b"bb", b"c" * 10_000]], object)
    expected, written = _written_bytes(HEAD.format(given="BYTES", send="app"), {"x": texts})
    assert abs(expected - written) <= 128


def test_a_release_without_a_remote_side_sends_nothing(home: Home) -> None:
    release = load_release("tiny", home.release(remote=False), DeviceConfig())
    assert sent_bytes_estimate(release.manifest, {"pixels": np.zeros((9, 4), np.uint8)}) == 0


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
