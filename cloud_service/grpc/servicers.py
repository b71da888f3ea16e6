"""The protocol's six methods: messages to the data plane's values and back, and nothing else.

Of an inference only the head is read here; its tensors are when the data plane has let the call in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cloud_service.caller import Caller
from cloud_service.configuration import PLATFORM
from cloud_service.errors import DeadlineExceeded, InvalidInput, TooLarge
from cloud_service.exchange import InferAnswer, InferCall
from cloud_service.grpc.guard import Context, Handler
from cloud_service.grpc.load_trailer import LoadTrailer
from cloud_service.grpc.messages import parsed
from cloud_service.service import Service
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.alike import Alike
from nearfar_wire.answer import encode_answer
from nearfar_wire.build import build_version
from nearfar_wire.errors import quoted
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, requested_outputs

__all__ = ["InferenceServicer"]

_NAME: Final = "nearfar"
# Triton's names of what we have beside the protocol: `priority` and `timeout` of a call, load and unload, and
# what inspection.py tells.
_EXTENSIONS: Final = ("schedule_policy", "model_repository", "model_configuration", "statistics")
# It is echoed and never read: long enough for any trace id, too short to be worth abusing.
_MAX_ID: Final = 256
_MAX_INTEGER: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an inference's head says."""

    request_id: str
    model: str
    version: str
    priority: int
    timeout_s: float
    outputs: Callable[[], Sequence[str]]


class InferenceServicer:
    """See the module. Raises the data plane's errors; the guard answers for them."""

    def __init__(self, service: Service, *, max_message_bytes: int) -> None:
        self._service = service
        self._max_message_bytes = max_message_bytes
        self._load = LoadTrailer(service.load)
        self._alike = Alike(_asked)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by the method's name."""
        return {
            "ServerLive": parsed(pb.ServerLiveRequest, self.server_live),
            "ServerReady": parsed(pb.ServerReadyRequest, self.server_ready),
            "ModelReady": parsed(pb.ModelReadyRequest, self.model_ready),
            "ServerMetadata": parsed(pb.ServerMetadataRequest, self.server_metadata),
            "ModelMetadata": parsed(pb.ModelMetadataRequest, self.model_metadata),
            "ModelInfer": self.model_infer,
        }

    async def server_live(self, _request: pb.ServerLiveRequest, _caller: Caller) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def server_ready(self, _request: pb.ServerReadyRequest, _caller: Caller) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._service.readiness().ready)

    async def model_ready(self, request: pb.ModelReadyRequest, _caller: Caller) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=self._service.model_ready(request.name, request.version))

    async def server_metadata(self, _request: pb.ServerMetadataRequest, _caller: Caller) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(name=_NAME, version=build_version(), extensions=_EXTENSIONS)

    async def model_metadata(self, request: pb.ModelMetadataRequest, _caller: Caller) -> pb.ModelMetadataResponse:
        model = self._service.describe(request.name, request.version)
        return pb.ModelMetadataResponse(
            name=model.name,
            versions=model.versions,
            platform=PLATFORM,
            inputs=[_metadata(spec) for spec in model.inputs],
            outputs=[_metadata(spec) for spec in model.outputs],
            properties={MODEL_DIGEST_PARAMETER: model.digest},
        )

    async def model_infer(self, received: bytes, context: Context, caller: Caller) -> bytes:
        left_s = context.time_remaining()
        if left_s is not None and left_s <= 0:
            raise DeadlineExceeded
        now = time.monotonic()
        asked, tensors = self._alike.open(received)
        call = InferCall(
            asked.model,
            tensors,
            asked.version,
            asked.outputs,
            now + (asked.timeout_s if left_s is None else min(left_s, asked.timeout_s)),
            caller,
            asked.priority,
            len(received),
        )
        try:
            sent = await self._service.infer(call, partial(self._written, asked.request_id))
        finally:
            context.set_trailing_metadata(self._load.of(asked.model, asked.version))
        if len(sent) > self._max_message_bytes:
            raise TooLarge(self._max_message_bytes)
        return sent

    def _written(self, request_id: str, answer: InferAnswer) -> bytes:
        # What cannot be sent is not copied first; of texts the length is known when they are written.
        left = self._max_message_bytes
        for output in answer.outputs.values():
            if output.dtype.kind != "O":
                left -= output.nbytes
        if left < 0:
            raise TooLarge(self._max_message_bytes)
        return encode_answer(answer.model, answer.version, answer.digest, answer.outputs, request_id=request_id)


def _asked(head: pb.ModelInferRequest) -> _Asked:
    request_id, parameters = head.id, head.parameters
    if len(request_id) > _MAX_ID:
        raise InvalidInput(f"the id {quoted(request_id)} is longer than {_MAX_ID} characters")
    return _Asked(
        request_id,
        head.model_name,
        head.model_version,
        _integer(parameters, "priority"),
        _timeout_s(parameters),
        partial(requested_outputs, head) if head.outputs else list,
    )


def _timeout_s(parameters: Mapping[str, pb.InferParameter]) -> float:
    """Triton's parameter counts microseconds; 0 is none."""
    timeout_us = _integer(parameters, "timeout")
    return timeout_us / 1e6 if timeout_us else math.inf


def _integer(parameters: Mapping[str, pb.InferParameter], name: str) -> int:
    """Return a parameter's value; 0 where it was not sent."""
    if not parameters or name not in parameters:
        return 0
    parameter = parameters[name]
    kind = parameter.WhichOneof("parameter_choice")
    value = {"int64_param": parameter.int64_param, "uint64_param": parameter.uint64_param}.get(kind or "", -1)
    if not 0 <= value <= _MAX_INTEGER:
        raise InvalidInput(f"the parameter {name} is an integer from 0 up")
    return value


def _metadata(spec: TensorSpec) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(name=spec.name, datatype=spec.datatype, shape=spec.shape)
