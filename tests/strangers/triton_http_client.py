"""By a stranger's Python: tritonclient calls our service over REST. Prints one JSON object, imports none of ours."""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


def main(target: str, datatypes: list[str], token: str) -> None:
    client = triton.InferenceServerClient(target)
    administrator = {"Authorization": f"Bearer {token}"}
    told: dict[str, object] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata()["name"],
        "model_ready": client.is_model_ready("mlp"),
        "no_model_ready": client.is_model_ready("no-such-model"),
        "inputs": client.get_model_metadata("mlp")["inputs"],
    }
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    wanted = [triton.InferRequestedOutput("probabilities", binary_data=False)]
    answer = client.infer("mlp", [_input("pixels", pixels)], outputs=wanted, request_id="of-a-stranger", priority=1)
    response = answer.get_response()
    told["id"], told["version"] = response["id"], response["model_version"]
    told["outputs"] = [output["name"] for output in response["outputs"]]
    told["sums"] = answer.as_numpy("probabilities").sum(axis=1).tolist()
    told["binary"] = {name: _echoed(client, name, binary=True) for name in datatypes}
    told["json"] = {name: _echoed(client, name, binary=False) for name in datatypes if name != "FP16"}
    told["packed"] = {name: _packed(client, name) for name in ("gzip", "deflate")}
    told["refused"] = _refused(client)
    told["inspected"] = _inspected(client)
    told["index"] = client.get_model_repository_index(headers=administrator)
    client.unload_model("mlp", headers=administrator)
    told["ready_after_unload"] = client.is_model_ready("mlp")
    client.load_model("mlp", headers=administrator)
    told["ready_after_load"] = client.is_model_ready("mlp")
    client.close()
    print(json.dumps(told))


def _input(name: str, array: np.ndarray, *, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def _echoed(client: triton.InferenceServerClient, datatype: str, *, binary: bool) -> bool:
    values = {
        "BOOL": np.array([[True, False]]),
        "BYTES": np.array([[b"", "ü".encode(), b"a b"]], dtype=np.object_),
        "FP16": np.array([[0.5, -2]], np.float16),
        "FP32": np.array([[0.5, -2]], np.float32),
        "FP64": np.array([[0.1, -1e300]], np.float64),
    }
    sent = (
        values[datatype] if datatype in values else np.array([[0, 1, np.iinfo(datatype.lower()).max]], datatype.lower())
    )
    flat = sent.reshape(-1)
    wanted = [triton.InferRequestedOutput("y", binary_data=binary)]
    back = client.infer(f"identity-{datatype.lower()}", [_input("x", flat, binary=binary)], outputs=wanted).as_numpy(
        "y"
    )
    if datatype == "BYTES":
        # Text comes as str in JSON and as bytes in binary.
        return [e if isinstance(e, bytes) else e.encode() for e in back.tolist()] == flat.tolist()
    return bool(back.dtype == flat.dtype and (back == flat).all())


def _packed(client: triton.InferenceServerClient, algorithm: str) -> bool:
    sent = np.zeros(5000, np.float32)
    answer = client.infer(
        "identity-fp32",
        [_input("x", sent)],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    return bool((answer.as_numpy("y") == sent).all())


def _inspected(client: triton.InferenceServerClient) -> dict[str, object]:
    (statistics,) = client.get_inference_statistics("mlp", "1")["model_stats"]
    config = client.get_model_config("mlp")
    return {
        "all": sorted(each["name"] for each in client.get_inference_statistics()["model_stats"]),
        "rows": statistics["inference_count"],
        "succeeded": statistics["inference_stats"]["success"]["count"],
        "compute_ns": statistics["inference_stats"]["compute_infer"]["ns"],
        "batches": [[each["batch_size"], each["compute_infer"]["count"]] for each in statistics["batch_stats"]],
        "config": [config["name"], config["platform"], config["backend"], config["max_batch_size"]],
        "input": [[each["name"], each["data_type"], each["dims"]] for each in config["input"]],
    }


def _refused(client: triton.InferenceServerClient) -> dict[str, str]:
    refused: dict[str, str] = {}
    cases = {
        "unknown model": lambda: client.infer("no-such-model", [_input("x", np.zeros(1, np.float32))]),
        "wrong shape": lambda: client.infer("mlp", [_input("pixels", np.zeros((1, 5), np.uint8))]),
        "missing input": lambda: client.infer("mlp", [_input("pixel", np.zeros((1, 4), np.uint8))]),
        "no administrator": lambda: client.load_model("mlp"),
    }
    for name, call in cases.items():
        try:
            call()
        except InferenceServerException as error:
            refused[name] = error.status() or ""
    return refused


main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
