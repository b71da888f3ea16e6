"""The protocol's six methods: messages to the data plane's values and back, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from cloud_service.build import build_version
from cloud_service.caller import Caller
from cloud_service.errors import DeadlineExceeded, InvalidInput
from cloud_service.grpc.guard import Context, Handler
from cloud_service.service import InferAnswer, InferCall, Service
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import quoted
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, decode_request, encode_response, requested_outputs

__all__ = ["InferenceServicer"]

_NAME: Final = "nearfar"
# What Triton calls ONNX models on onnxruntime; its clients show it.
_PLATFORM: Final = "onnxruntime_onnx"
# It is echoed and never read: long enough for any trace id, too short to be worth abusing.
_MAX_ID: Final = 256


class InferenceServicer:
    """See the module. Raises the data plane's errors; the guard answers for them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by the method's name."""
        return {
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
            "ModelReady": self.model_ready,
            "ServerMetadata": self.server_metadata,
            "ModelMetadata": self.model_metadata,
            "ModelInfer": self.model_infer,
        }

    async def server_live(
        self, _request: pb.ServerLiveRequest, _context: Context, _caller: Caller
    ) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def server_ready(
        self, _request: pb.ServerReadyRequest, _context: Context, _caller: Caller
    ) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._service.readiness().ready)

    async def model_ready(
        self, request: pb.ModelReadyRequest, _context: Context, _caller: Caller
    ) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=self._service.model_ready(request.name, request.version))

    async def server_metadata(
        self, _request: pb.ServerMetadataRequest, _context: Context, _caller: Caller
    ) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(name=_NAME, version=build_version())

    async def model_metadata(
        self, request: pb.ModelMetadataRequest, _context: Context, _caller: Caller
    ) -> pb.ModelMetadataResponse:
        model = self._service.describe(request.name, request.version)
        return pb.ModelMetadataResponse(
            name=model.name,
            versions=model.versions,
            platform=_PLATFORM,
            inputs=[_metadata(spec) for spec in model.inputs],
            outputs=[_metadata(spec) for spec in model.outputs],
            properties={MODEL_DIGEST_PARAMETER: model.digest},
        )

    async def model_infer(
        self, request: pb.ModelInferRequest, context: Context, caller: Caller
    ) -> pb.ModelInferResponse:
        deadline = _deadline(context)
        if len(request.id) > _MAX_ID:
            raise InvalidInput(f"the id {quoted(request.id)} is longer than {_MAX_ID} characters")
        call = InferCall(
            model=request.model_name,
            version=request.model_version,
            inputs=partial(decode_request, request),
            outputs=partial(requested_outputs, request),
            deadline=deadline,
            caller=caller,
        )
        return await self._service.infer(call, partial(_response, request.id))


def _deadline(context: Context) -> float:
    """Return the caller's deadline as a monotonic instant. Raises DeadlineExceeded: before anything is decoded."""
    left_s = context.time_remaining()
    if left_s is None:
        return float("inf")
    if left_s <= 0:
        raise DeadlineExceeded
    return time.monotonic() + left_s


def _response(request_id: str, answer: InferAnswer) -> pb.ModelInferResponse:
    return encode_response(
        answer.model,
        answer.outputs,
        version=answer.version,
        request_id=request_id,
        parameters={MODEL_DIGEST_PARAMETER: answer.digest},
    )


def _metadata(spec: TensorSpec) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(name=spec.name, datatype=spec.datatype, shape=spec.shape)
