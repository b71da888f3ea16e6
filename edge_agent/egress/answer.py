"""Whether a remote answer is what was asked for. An answer that is not is refused whole, never used in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_agent.egress.failure import RemoteFailure
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.digest import is_digest
from nearfar_wire.disagreement import answer_output
from nearfar_wire.errors import WireError
from nearfar_wire.manifest import Manifest
from nearfar_wire.prepare import restore
from nearfar_wire.status import Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, TensorSpec, check, decode_response

__all__ = ["read_answer"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the manifest's, known at run time


def read_answer(
    response: pb.ModelInferResponse, request_id: str, manifest: Manifest, outputs: tuple[TensorSpec, ...]
) -> tuple[dict[str, Array], str | None]:
    """Return the outputs as the app knows them, and the digest of the model that answered (None: it did not say). They
    are the app's own, to write into: decoded they are views of the message, which nobody may.

    Raises RemoteFailure: BAD_RESPONSE, naming what differs from the contract."""
    remote = manifest.remote
    assert remote is not None
    if response.id and response.id != request_id:
        raise _bad("it answers another request")
    # A stranger's server may leave the names out; what it says must not contradict.
    if response.model_name and response.model_name != remote.model:
        raise _bad(f"it answers for another model than {remote.model!r}")
    if remote.version and response.model_version and response.model_version != remote.version:
        raise _bad(f"it answers with another version than {remote.version!r}")
    digest = _digest(response)
    if remote.digest is not None and digest is not None and digest != remote.digest:
        raise _bad(
            f"model {remote.model!r} there is {digest[:19]}, this release was made with {remote.digest[:19]}; "
            "deploy the release's full model, or a release made with the server's"
        )
    try:
        # A server that is sent the app's tensors knows the manifest, and answers with the app's names.
        fetches = remote.fetches if remote.send == "model" else {}
        restored = restore(decode_response(response), fetches, [spec.name for spec in outputs])
        check(outputs, restored)
    except WireError as error:
        raise _bad(str(error)) from None
    _refuse_nan(restored, manifest)
    return {name: array if array.flags.writeable else array.copy() for name, array in restored.items()}, digest


def _digest(response: pb.ModelInferResponse) -> str | None:
    if MODEL_DIGEST_PARAMETER not in response.parameters:
        return None
    digest = response.parameters[MODEL_DIGEST_PARAMETER].string_param
    if not is_digest(digest):
        raise _bad(f"its {MODEL_DIGEST_PARAMETER} is no digest")
    return digest


def _refuse_nan(outputs: Mapping[str, Array], manifest: Manifest) -> None:
    for name, array in outputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all() and not _has_a_meaning(name, array, manifest):
            raise _bad(f"output {name!r} holds NaN or infinity")


def _has_a_meaning(name: str, array: Array, manifest: Manifest) -> bool:
    """Tell whether what is no number is so by the contract, as it is where the device answers."""
    if any(described.allow_nan for described in manifest.inputs):
        return True  # what is none in an input is none in what is computed of it, and no fault of the endpoint's
    score = manifest.score
    if manifest.task != "classification" or name != answer_output(manifest) or not array.ndim:
        return False
    if score is not None and score.kind != "value" and score.values == "probabilities":
        return False
    # Logits: -inf is that of a class that is ruled out, and some class has to be left.
    return bool((array < np.inf).all() and np.isfinite(array.max(axis=-1, initial=-np.inf)).all())


def _bad(problem: str) -> RemoteFailure:
    return RemoteFailure(Code.BAD_RESPONSE, problem)
