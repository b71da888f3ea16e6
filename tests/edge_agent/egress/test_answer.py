"""An answer is used whole or refused whole; what a stranger leaves out is no contradiction."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.egress.answer import read_answer
from edge_agent.egress.failure import RemoteFailure
from edge_agent.testing import FULL_MODEL_DIGEST, LIES, TINY_MANIFEST, fake_release
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.status import Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, encode_response

RELEASE = fake_release("tiny", None)
PROBABILITIES = np.array([[0.1, 0.2, 0.7]], np.float32)


def _response(**changes: str) -> pb.ModelInferResponse:
    said = {"model": "tiny", "version": "1", "request_id": "r-1", "digest": FULL_MODEL_DIGEST} | changes
    return encode_response(
        said["model"],
        {"probabilities": PROBABILITIES},
        version=said["version"],
        request_id=said["request_id"],
        parameters={MODEL_DIGEST_PARAMETER: said["digest"]} if said["digest"] else {},
    )


def _read(response: pb.ModelInferResponse) -> tuple[dict[str, np.ndarray], str | None]:
    return read_answer(response, "r-1", RELEASE.manifest, RELEASE.outputs)


def test_the_right_answer_comes_with_the_digest_of_its_model() -> None:
    outputs, digest = _read(_response())
    np.testing.assert_array_equal(outputs["probabilities"], PROBABILITIES)
    assert digest == FULL_MODEL_DIGEST


def test_an_app_may_write_into_what_it_gets_as_it_may_where_the_device_answers() -> None:
    """The arrays were views of the message: an app that scales its outputs in place ran well until a cloud answered."""
    sent = _response()
    received = pb.ModelInferResponse.FromString(sent.SerializeToString())
    outputs, _ = _read(received)
    outputs["probabilities"] /= 2
    np.testing.assert_array_equal(outputs["probabilities"], PROBABILITIES / 2)
    assert received == sent


@pytest.mark.parametrize("left_out", ["model", "version", "request_id", "digest"])
def test_what_a_stranger_leaves_out_is_no_contradiction(left_out: str) -> None:
    outputs, digest = _read(_response(**{left_out: ""}))
    assert (list(outputs), digest) == (["probabilities"], None if left_out == "digest" else FULL_MODEL_DIGEST)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"model": "other"}, "for another model than 'tiny'"),
        ({"version": "2"}, "another version than '1'"),
        ({"request_id": "r-2"}, "another request"),
        ({"digest": "sha256:" + "0" * 64}, "this release was made with"),
        ({"digest": "sha256:short"}, "is no digest"),
        ({"digest": "v1"}, "is no digest"),
    ],
)
def test_B10_what_contradicts_is_refused_by_name(said: dict[str, str], problem: str) -> None:
    with pytest.raises(RemoteFailure, match=problem) as caught:
        _read(_response(**said))
    assert caught.value.code is Code.BAD_RESPONSE
    assert caught.value.blames_endpoint


@pytest.mark.parametrize("name", [name for name in LIES if name != "no message"])
def test_B10_every_lie_is_refused(name: str) -> None:
    spoiled = LIES[name](_response())
    assert not isinstance(spoiled, bytes)
    with pytest.raises(RemoteFailure) as caught:
        _read(spoiled)
    assert caught.value.code is Code.BAD_RESPONSE


def _of_numbers(manifest: str, values: list[float]) -> np.ndarray:
    release = fake_release("tiny", None, manifest=manifest)
    response = encode_response("tiny", {"probabilities": np.array([values], np.float32)})
    return read_answer(response, "r-1", release.manifest, release.outputs)[0]["probabilities"]


@pytest.mark.parametrize("values", [[np.nan, 0.1, 0.2], [np.inf, 0.1, 0.2], [-np.inf, 0.1, 0.2]])
def test_C8_what_is_no_number_is_no_lie_where_the_contract_lets_it_in(values: list[float]) -> None:
    """A caller's own NaN, which the device's model and the service took, was blamed on the endpoint: five such calls
    closed it for everybody."""
    allowing = _manifest("[[inputs]]", "[[inputs]]\nallow_nan = true")
    np.testing.assert_array_equal(_of_numbers(allowing, values), np.array([values], np.float32))
    with pytest.raises(RemoteFailure, match="NaN or infinity"):
        _of_numbers(TINY_MANIFEST, values)


@pytest.mark.parametrize(
    ("values", "is_answer"),
    [
        pytest.param([-np.inf, 1, 2], True, id="a class that is ruled out"),
        pytest.param([-np.inf, -np.inf, -np.inf], False, id="all of them"),
        pytest.param([np.inf, 1, 2], False, id="more than certain"),
        pytest.param([np.nan, 1, 2], False, id="B10 NaN"),
        pytest.param([-np.inf, np.nan, 2], False, id="B10 NaN beside it"),
    ],
)
def test_a_logit_of_minus_infinity_rules_a_class_out_from_afar_as_it_does_on_the_device(
    values: list[float], is_answer: bool
) -> None:
    """A release whose models mask classes so was certified, and then no answer of its cloud was taken."""
    logits = _manifest('output = "probabilities"', 'output = "probabilities"\nvalues = "logits"')
    if is_answer:
        np.testing.assert_array_equal(_of_numbers(logits, values), np.array([values], np.float32))
    else:
        with pytest.raises(RemoteFailure, match="NaN or infinity"):
            _of_numbers(logits, values)


def _manifest(part: str, instead: str) -> str:
    assert TINY_MANIFEST.count(part) == 1
    return TINY_MANIFEST.replace(part, instead)


@given(st.binary(max_size=200))
def test_B10_no_message_that_can_be_parsed_does_anything_but_answer_or_be_refused(content: bytes) -> None:
    try:
        response = pb.ModelInferResponse.FromString(_response().SerializeToString() + content)
    except DecodeError:
        return
    with contextlib.suppress(RemoteFailure):
        assert np.isfinite(_read(response)[0]["probabilities"]).all()
