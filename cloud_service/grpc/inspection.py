"""Triton's statistics and model configuration extensions, for whoever may call: tools such as perf_analyzer begin with
the one and end with the other."""

from __future__ import annotations

from collections.abc import Mapping

from cloud_service.caller import Caller
from cloud_service.grpc.guard import Handler
from cloud_service.grpc.messages import parsed
from cloud_service.inspection import config_message, statistics_message
from cloud_service.service import Service
from nearfar_wire import inference_pb2 as pb

__all__ = ["InspectionServicer"]


class InspectionServicer:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by the method's name."""
        return {
            "ModelConfig": parsed(pb.ModelConfigRequest, self.model_config),
            "ModelStatistics": parsed(pb.ModelStatisticsRequest, self.model_statistics),
        }

    async def model_config(self, request: pb.ModelConfigRequest, _caller: Caller) -> pb.ModelConfigResponse:
        return pb.ModelConfigResponse(config=config_message(self._service.configuration(request.name, request.version)))

    async def model_statistics(self, request: pb.ModelStatisticsRequest, _caller: Caller) -> pb.ModelStatisticsResponse:
        told = self._service.statistics(request.name, request.version)
        return pb.ModelStatisticsResponse(model_stats=map(statistics_message, told))
