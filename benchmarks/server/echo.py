"""A servicer that answers each request with the same bytes: what the gRPC library leaves to any server of it.

With --messages it reads each request and writes each answer, as any server has to that knows what it is asked; with
--run it runs the session in between, in the event loop: the least that any answer takes.
With --session FILE it holds a session too, used before it listens, and with --lone a second one: the least memory that
serving with these sessions can take."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np

from benchmarks.server.models import MODELS, Model
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import generic_handler
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tensors import decode_request, encode_response

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=list(MODELS))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--session", type=Path)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lone", action="store_true", help="hold a second session, of all threads, too")
    parser.add_argument("--messages", action="store_true")
    parser.add_argument("--run", action="store_true", help="answer with what the session makes of each message")
    given = parser.parse_args()
    model = MODELS[given.model]
    held = [_used_session(given.session, model, given.rows, given.threads, 1)] if given.session else []
    if given.lone:
        held.append(_used_session(given.session, model, 1, 1, given.threads))
    asyncio.run(_serve(model, given.port, given.messages, held, run=given.run))


def _used_session(
    file: Path, model: Model, rows: int, threads: int, intra: int
) -> Any:  # Any: onnxruntime has no types
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    with ThreadPoolExecutor(threads) as pool:
        for number in (1, rows):
            inputs = model.rows(number)
            list(pool.map(session.run, [None] * 20 * threads, [inputs] * 20 * threads))
    return session


async def _serve(model: Model, port: int, messages: bool, held: Sequence[Any], *, run: bool) -> None:
    outputs = {spec.name: np.zeros([max(size, 1) for size in spec.shape], np.float32) for spec in model.outputs}
    answer = encode_response(model.name, outputs).SerializeToString()
    metadata = pb.ModelMetadataResponse(
        name=model.name, inputs=_metadata(model.inputs), outputs=_metadata(model.outputs)
    ).SerializeToString()

    async def model_infer(request: bytes, _context: object) -> bytes:
        if not messages:
            return answer
        inputs = decode_request(pb.ModelInferRequest.FromString(request))
        answered = dict(zip(outputs, held[0].run(list(outputs), inputs), strict=True)) if run else outputs
        return encode_response(model.name, answered).SerializeToString()

    async def model_ready(_request: bytes, _context: object) -> bytes:
        return pb.ModelReadyResponse(ready=True).SerializeToString()

    async def model_metadata(_request: bytes, _context: object) -> bytes:
        return metadata

    server = grpc.aio.server()
    handlers = {"ModelInfer": model_infer, "ModelMetadata": model_metadata, "ModelReady": model_ready}
    server.add_generic_rpc_handlers((generic_handler(handlers, parse=False),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def _metadata(specs: Sequence[TensorSpec]) -> list[pb.ModelMetadataResponse.TensorMetadata]:
    return [
        pb.ModelMetadataResponse.TensorMetadata(name=spec.name, datatype=spec.datatype, shape=spec.shape)
        for spec in specs
    ]


if __name__ == "__main__":
    main()
