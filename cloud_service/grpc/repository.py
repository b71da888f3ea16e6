"""Triton's model repository extension: what there is, for whoever may call; load and unload, for administrators.

Why a version cannot answer may speak of files, so that administrators alone are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloud_service.auth.authenticator import require_administrator
from cloud_service.caller import Caller
from cloud_service.catalogue import State
from cloud_service.errors import InvalidInput
from cloud_service.grpc.guard import Handler
from cloud_service.grpc.messages import parsed
from cloud_service.repository.control import Repository
from nearfar_wire import inference_pb2 as pb

__all__ = ["RepositoryServicer"]

# It would unload what the model is a part of; here no model is a part of another.
_HARMLESS: Final = "unload_dependents"


class RepositoryServicer:
    """See the module. There is one repository: its name in a request is ignored."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by the method's name."""
        return {
            "RepositoryIndex": parsed(pb.RepositoryIndexRequest, self.index),
            "RepositoryModelLoad": parsed(pb.RepositoryModelLoadRequest, self.load),
            "RepositoryModelUnload": parsed(pb.RepositoryModelUnloadRequest, self.unload),
        }

    async def index(self, request: pb.RepositoryIndexRequest, caller: Caller) -> pb.RepositoryIndexResponse:
        response = pb.RepositoryIndexResponse()
        for entry in self._repository.index():
            if not request.ready or entry.state is State.READY:
                response.models.add(
                    name=entry.model,
                    version=str(entry.version),
                    state=entry.state,
                    reason=entry.reason if caller.administrator else "",
                )
        return response

    async def load(self, request: pb.RepositoryModelLoadRequest, caller: Caller) -> pb.RepositoryModelLoadResponse:
        require_administrator(caller)
        # Triton's are a configuration and files to load in the model's place: ignored, something else would be served.
        if request.parameters:
            raise InvalidInput("a model is loaded as the repository has it; send no parameters")
        await self._repository.load(request.model_name)
        return pb.RepositoryModelLoadResponse()

    async def unload(
        self, request: pb.RepositoryModelUnloadRequest, caller: Caller
    ) -> pb.RepositoryModelUnloadResponse:
        require_administrator(caller)
        if set(request.parameters) - {_HARMLESS}:
            raise InvalidInput(f"of a model's unload there are no parameters but {_HARMLESS}")
        await self._repository.unload(request.model_name)
        return pb.RepositoryModelUnloadResponse()
