"""The protocol's endpoints over REST: bodies to the data plane's values and back, and nothing else."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cloud_service.auth.authenticator import require_administrator
from cloud_service.catalogue import State
from cloud_service.configuration import PLATFORM
from cloud_service.errors import Draining, InvalidInput
from cloud_service.exchange import InferAnswer, InferCall
from cloud_service.http.codec import Answer, InferRequest, read_request, write_answer
from cloud_service.http.documents import document_of
from cloud_service.http.encoding import chosen_encoding, packed
from cloud_service.http.guard import RestCall, RestHandler
from cloud_service.http.json_reader import JsonValue, read_object
from cloud_service.http.reply import JSON, Reply
from cloud_service.inspection import config_message, statistics_message
from cloud_service.repository.control import Repository
from cloud_service.service import Service
from nearfar_wire.build import build_version
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER

__all__ = ["RestEndpoints"]

_NAME: Final = "nearfar"
# Triton's names of what we have beside the protocol: tensors behind the JSON, `priority` and `timeout`, load, unload,
# and what inspection.py tells.
_EXTENSIONS: Final = (
    "binary_tensor_data",
    "schedule_policy",
    "model_repository",
    "model_configuration",
    "statistics",
)
_JSON_LENGTH: Final = "Inference-Header-Content-Length"
_BINARY: Final = "application/octet-stream"
# JSON of this length is read in less than a millisecond; longer is read in a thread.
_SMALL_JSON_BYTES: Final = 16 << 10
# A packed answer this short would not become shorter.
_WORTH_PACKING_BYTES: Final = 1024


class RestEndpoints:
    """See the module. Raises the data plane's errors; the guard answers for them."""

    def __init__(self, service: Service, repository: Repository, *, max_message_bytes: int) -> None:
        self._service = service
        self._repository = repository
        self._max_message_bytes = max_message_bytes

    def handlers(self) -> Mapping[str, RestHandler]:
        """Return the handlers by the endpoint's name."""
        return {
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
            "ModelReady": self.model_ready,
            "ServerMetadata": self.server_metadata,
            "ModelMetadata": self.model_metadata,
            "ModelConfig": self.model_config,
            "ModelStatistics": self.model_statistics,
            "ModelInfer": self.model_infer,
            "RepositoryIndex": self.repository_index,
            "RepositoryModelLoad": self.model_load,
            "RepositoryModelUnload": self.model_unload,
        }

    async def server_live(self, _call: RestCall) -> Reply:
        return _health("live", yes=True)

    async def server_ready(self, _call: RestCall) -> Reply:
        return _health("ready", yes=self._service.readiness().ready)

    async def model_ready(self, call: RestCall) -> Reply:
        return _health("ready", yes=self._service.model_ready(call.route.model, call.route.version))

    async def server_metadata(self, _call: RestCall) -> Reply:
        return _json({"name": _NAME, "version": build_version(), "extensions": _EXTENSIONS})

    async def model_metadata(self, call: RestCall) -> Reply:
        model = self._service.describe(call.route.model, call.route.version)
        return _json(
            {
                "name": model.name,
                "versions": model.versions,
                "platform": PLATFORM,
                "inputs": [_metadata(spec) for spec in model.inputs],
                "outputs": [_metadata(spec) for spec in model.outputs],
                "properties": {MODEL_DIGEST_PARAMETER: model.digest},
            }
        )

    async def model_config(self, call: RestCall) -> Reply:
        told = self._service.configuration(call.route.model, call.route.version)
        return _json(document_of(config_message(told)))

    async def model_statistics(self, call: RestCall) -> Reply:
        told = self._service.statistics(call.route.model, call.route.version)
        return _json({"model_stats": [document_of(statistics_message(each)) for each in told]})

    async def model_infer(self, call: RestCall) -> Reply:
        # Nobody should send a body only to hear that there is no such model.
        if self._service.draining:
            raise Draining
        self._service.describe(call.route.model, call.route.version)
        content = await call.body()
        json_length = _json_length(call.headers)
        written = len(content) if json_length is None else min(json_length, len(content))
        if written > _SMALL_JSON_BYTES:
            request = await asyncio.to_thread(read_request, content, json_length)
        else:
            request = read_request(content, json_length)
        writer = _Writer(request, chosen_encoding(call.headers.get("accept-encoding", "")), self._max_message_bytes)
        infer = InferCall(
            model=call.route.model,
            version=call.route.version,
            inputs=request.tensors,
            outputs=lambda: request.outputs,
            deadline=call.arrived + request.timeout_s if request.timeout_s < math.inf else math.inf,
            caller=call.caller,
            priority=request.priority,
            # An element in JSON costs a hundred times what it costs in binary: long ones are read in a thread.
            size_bytes=len(content) if written <= _SMALL_JSON_BYTES else 0,
        )
        return await self._service.infer(infer, writer.write)

    async def repository_index(self, call: RestCall) -> Reply:
        asked = await _asked(call)
        ready_only = asked.get("ready", False)
        if not isinstance(ready_only, bool):
            raise InvalidInput("ready is true or false")
        tell = call.caller.administrator  # a reason may speak of files
        entries = [
            {
                "name": entry.model,
                "version": str(entry.version),
                "state": entry.state,
                "reason": entry.reason if tell else "",
            }
            for entry in self._repository.index()
            if not ready_only or entry.state is State.READY
        ]
        return _json(entries)

    async def model_load(self, call: RestCall) -> Reply:
        require_administrator(call.caller)
        if (await _asked(call)).get("parameters"):
            raise InvalidInput("a model is loaded as the repository has it; parameters of a load are not supported")
        await self._repository.load(call.route.model)
        return _json({})

    async def model_unload(self, call: RestCall) -> Reply:
        require_administrator(call.caller)
        await _asked(call)  # `unload_dependents` has no meaning here: no model depends on another
        await self._repository.unload(call.route.model)
        return _json({})


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the answer to one request, where the data plane writes answers."""

    request: InferRequest
    encoding: str
    max_message_bytes: int

    def write(self, answered: InferAnswer) -> Reply:
        answer = write_answer(self.request, answered, at_most=self.max_message_bytes)
        return self._packed(answer)

    def _packed(self, answer: Answer) -> Reply:
        headers: dict[str, str] = {}
        if answer.json_length is not None:
            headers[_JSON_LENGTH] = str(answer.json_length)
        content_type = JSON if answer.json_length is None else _BINARY
        if not self.encoding or len(answer.body) < _WORTH_PACKING_BYTES:
            return Reply(200, content_type, answer.body, headers)
        headers["Content-Encoding"] = self.encoding
        return Reply(200, content_type, packed(answer.body, self.encoding), headers)


async def _asked(call: RestCall) -> Mapping[str, JsonValue]:
    content = await call.body()
    return read_object(content) if content.strip() else {}


def _json_length(headers: Mapping[str, str]) -> int | None:
    said = headers.get(_JSON_LENGTH.lower())
    if said is None:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) <= 12):
        raise InvalidInput(f"{_JSON_LENGTH} is a number of bytes")
    return int(said)


def _health(what: str, *, yes: bool) -> Reply:
    # The protocol has false told by a 4xx, as its own servers do.
    return _json({what: yes}, status=200 if yes else 400)


def _metadata(spec: TensorSpec) -> dict[str, object]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _json(document: object, status: int = 200) -> Reply:
    return Reply(status, JSON, json.dumps(document).encode())
