"""What each release has said on the wire, kept as bytes: requests, and the answers that its own service gave.

At a release `python -m tests.contract.releases VERSION` writes them into golden/VERSION, where VERSION is its major and
minor number. A folder that is there is never written again: it is what clients in the field send and expect."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import method_path
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import APP_MANIFEST, write_repository

__all__ = ["GOLDEN", "Exchange", "exchanges", "golden_cloud"]

GOLDEN = Path(__file__).parent / "golden"

_PIXELS = {"pixels": np.array([[0, 0.25, 0.5, 1], [1, 0, 0, 0]], np.float32)}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a release, and its answer. The name begins with the method's."""

    version: str
    name: str
    request: bytes
    answer: bytes

    @property
    def method(self) -> str:
        return self.name.partition("-")[0]


def exchanges() -> list[Exchange]:
    """Return all that is kept."""
    return [
        Exchange(path.parent.name, path.stem, path.read_bytes(), path.with_suffix(".answer").read_bytes())
        for path in sorted(GOLDEN.glob("*/*.request"))
    ]


@contextmanager
def golden_cloud(folder: Path) -> Iterator[RunningCloud]:
    """Serve the models that the requests are for."""
    model = softmax_mlp(pixels="FP32", seed=1)
    models: dict[str, bytes | dict[int, bytes]] = {
        "mlp": {1: model, 2: softmax_mlp(pixels="FP32", seed=2)},
        "tiny": model,
        "text": identity("BYTES"),
        "wide": identity("INT64"),
    }
    with running_cloud(write_repository(folder, models, {"tiny": APP_MANIFEST})) as cloud:
        yield cloud


def _requests() -> Mapping[str, bytes]:
    typed = pb.ModelInferRequest(model_name="mlp")
    typed.inputs.add(name="pixels", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend([0, 0.25, 0.5, 1])
    integers = pb.ModelInferRequest(model_name="wide")
    integers.inputs.add(name="x", datatype="INT64", shape=[3]).contents.int64_contents.extend([-1, 0, 1 << 40])
    asked = encode_request("mlp", _PIXELS, version="1", request_id="r-1", outputs=["logits"])
    asked.parameters["whatever"].string_param = "else"
    messages = {
        "ServerLive": pb.ServerLiveRequest(),
        "ServerReady": pb.ServerReadyRequest(),
        "ServerMetadata": pb.ServerMetadataRequest(),
        "ModelReady": pb.ModelReadyRequest(name="mlp", version="2"),
        "ModelMetadata": pb.ModelMetadataRequest(name="tiny"),
        "ModelInfer-raw": encode_request("mlp", _PIXELS),
        "ModelInfer-asked": asked,
        "ModelInfer-prepared": encode_request("tiny", {"image": np.array([[[0, 51], [102, 255]]], np.uint8)}),
        "ModelInfer-typed": typed,
        "ModelInfer-integers": integers,
        "ModelInfer-text": encode_request("text", {"x": np.array([b"", "naïve".encode(), b"\0"], object)}),
    }
    return {name: message.SerializeToString() for name, message in messages.items()}


def _write(folder: Path) -> None:
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as models, golden_cloud(Path(models)) as cloud:
        for name, request in _requests().items():
            call = cloud.channel.unary_unary(method_path(name.partition("-")[0]))
            (folder / f"{name}.request").write_bytes(request)
            (folder / f"{name}.answer").write_bytes(call(request))


if __name__ == "__main__":
    _write(GOLDEN / sys.argv[1])
