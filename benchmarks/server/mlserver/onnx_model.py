"""onnxruntime for MLServer: what its users write, tuned where a setting says so. It runs in MLServer's environment."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import onnxruntime
from mlserver import MLModel  # type: ignore[import-not-found]  # is not installed where types are checked
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]  # as above
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]  # as above

__all__ = ["OnnxModel"]


class OnnxModel(MLModel):  # type: ignore[misc]  # as above
    """`session_threads` 0 is onnxruntime's default; `run_threads` 0 runs in the event loop, as MLServer's own do."""

    async def load(self) -> bool:
        extra: dict[str, Any] = self.settings.parameters.extra  # Any: numbers, by name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = extra["session_threads"]
        self._session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]
        self._pool = ThreadPoolExecutor(extra["run_threads"]) if extra["run_threads"] else None
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        if self._pool is None:
            outputs = self._session.run(None, inputs)
        else:
            outputs = await asyncio.get_running_loop().run_in_executor(self._pool, self._session.run, None, inputs)
        named = zip(self._names, outputs, strict=True)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output(name, array) for name, array in named],
        )
