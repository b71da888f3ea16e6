"""What sending a request is expected to weigh, against what is written: budgets, rules and bandwidths go by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import DeviceConfig
from edge_agent.asking.weight import weighing
from edge_agent.releases import load_release
from edge_agent.testing import fake_release
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.prepare import prepare
from nearfar_wire.tensors import encode_request
from tests.builders.agents import Home
from tests.builders.scenes import Scene, X

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
    request = encode_request("m", sent, version="1", request_id="0123456789abcdef")
    return weighing(manifest)(inputs), request.ByteSize()


datatypes = st.sampled_from(["UINT8", "FP32", "INT64"])


@given(rows=st.integers(0, 3000), send=st.sampled_from(["app", "model"]), datatype=datatypes)
def test_what_a_request_weighs_is_known_before_it_is_made(rows: int, send: str, datatype: str) -> None:
    text = HEAD.format(given=datatype, send=send) + (FED if send == "model" else "")
    expected, written = _written_bytes(text, {"x": np.zeros((rows, 4), DATATYPES[datatype])})
    assert abs(expected - written) <= 8


def test_texts_weigh_their_bytes_and_a_length_each() -> None:
    texts = np.array([[b"", b"a", b"bb", b"c" * 10_000]], object)
    expected, written = _written_bytes(HEAD.format(given="BYTES", send="app"), {"x": texts})
    assert abs(expected - written) <= 8


def test_a_release_without_a_remote_side_sends_nothing(home: Home) -> None:
    release = load_release("tiny", home.release(remote=False), DeviceConfig())
    assert weighing(release.manifest)({"pixels": np.zeros((9, 4), np.uint8)}) == 0


@pytest.mark.wide
def test_a_receipt_says_about_what_the_decision_expected(scene: Scene) -> None:
    """A request of 117 bytes was told as one of 192: so much was taken for names, whatever they were."""
    with scene.agent("prefer_in_cloud") as watched:
        result = watched.infer("tiny", X)
        (sent,) = result.receipt.sent
    (expected,) = [view.upload_bytes for view in result.decision.situation.targets if view.name == "cloud"]
    assert abs(sent.size_bytes - expected) <= 8
