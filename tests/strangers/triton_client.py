"""Run by a stranger's Python: tritonclient calls our service. Prints one JSON object; imports nothing of nearfar."""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


def main(target: str) -> None:
    client = triton.InferenceServerClient(target)
    metadata = client.get_server_metadata()
    told: dict[str, object] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": metadata.name,
        "model_ready": client.is_model_ready("mlp"),
        "no_model_ready": client.is_model_ready("no-such-model"),
        "inputs": [[i.name, i.datatype, list(i.shape)] for i in client.get_model_metadata("mlp").inputs],
    }
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    told["pixels"] = pixels.tolist()
    wanted = [triton.InferRequestedOutput("probabilities")]
    answer = client.infer(
        "mlp",
        [_input("pixels", pixels)],
        outputs=wanted,
        request_id="of-a-stranger",
        priority=1,
        timeout=10_000_000,
        parameters={"unknown": "here"},
    )
    told["probabilities"] = answer.as_numpy("probabilities").tolist()
    response = answer.get_response()
    told["id"], told["version"] = response.id, response.model_version
    told["outputs"] = [output.name for output in response.outputs]
    told["digest"] = response.parameters["model_digest"].string_param
    told["echoed"] = {name: _echoed(client, name) for name in json.loads(sys.argv[2])}
    told["refused"] = _refused(client)
    told["inspected"] = _inspected(client)
    told["repository"] = _repository(client, sys.argv[3])
    client.close()
    print(json.dumps(told))


def _input(name: str, array: np.ndarray) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array)
    return tensor


def _echoed(client: triton.InferenceServerClient, datatype: str) -> bool:
    values = {
        "BOOL": np.array([True, False]),
        "BYTES": np.array([b"", "ü".encode(), b"a b"], dtype=np.object_),
        "FP16": np.array([0.5, -2], np.float16),
        "FP32": np.array([0.5, -2], np.float32),
        "FP64": np.array([0.5, -2], np.float64),
    }
    kind = datatype.lower()
    sent = values[datatype] if datatype in values else np.array([0, 1, 100], kind)
    back = client.infer(f"identity-{datatype.lower()}", [_input("x", sent)]).as_numpy("y")
    return bool(back.dtype == sent.dtype and (back == sent).all())


def _inspected(client: triton.InferenceServerClient) -> dict[str, object]:
    (statistics,) = client.get_inference_statistics("mlp").model_stats
    config = client.get_model_config("mlp").config
    return {
        "all": sorted(each.name for each in client.get_inference_statistics().model_stats),
        "rows": statistics.inference_count,
        "succeeded": statistics.inference_stats.success.count,
        "compute_ns": statistics.inference_stats.compute_infer.ns,
        "batches": [[each.batch_size, each.compute_infer.count] for each in statistics.batch_stats],
        "config": [config.name, config.platform, config.backend, config.max_batch_size],
        "input": [[each.name, each.data_type, list(each.dims)] for each in config.input],
        "scheduling": config.WhichOneof("scheduling_choice"),
        "policy": config.version_policy.WhichOneof("policy_choice"),
        "as json": client.get_model_config("mlp", as_json=True)["config"]["input"][0]["data_type"],
    }


def _repository(client: triton.InferenceServerClient, token: str) -> dict[str, object]:
    administrator = {"authorization": f"Bearer {token}"}

    def state() -> str:
        (mlp,) = [model for model in client.get_model_repository_index().models if model.name == "mlp"]
        return f"{mlp.version} {mlp.state}"

    told: dict[str, object] = {"before": state()}
    client.unload_model("mlp", headers=administrator)
    told["unloaded"] = [client.is_model_ready("mlp"), state()]
    client.load_model("mlp", headers=administrator)
    told["loaded"] = [client.is_model_ready("mlp"), state()]
    try:
        client.unload_model("mlp")
    except InferenceServerException as error:
        told["no administrator"] = error.status()
    return told


def _refused(client: triton.InferenceServerClient) -> dict[str, str]:
    refused: dict[str, str] = {}
    cases = {
        "unknown model": lambda: client.infer("no-such-model", [_input("x", np.zeros(1, np.float32))]),
        "wrong shape": lambda: client.infer("mlp", [_input("pixels", np.zeros((1, 5), np.uint8))]),
        "missing input": lambda: client.infer("mlp", [_input("pixel", np.zeros((1, 4), np.uint8))]),
    }
    for name, call in cases.items():
        try:
            call()
        except InferenceServerException as error:
            refused[name] = error.status() or ""
    return refused


main(sys.argv[1])
