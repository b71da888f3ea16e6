from __future__ import annotations

import asyncio
from typing import cast

import pytest

from cloud_service.caller import ANONYMOUS
from cloud_service.catalogue import Catalogue
from cloud_service.errors import DeadlineExceeded, ModelNotFound
from cloud_service.grpc.guard import Context
from cloud_service.grpc.inspection import InspectionServicer
from cloud_service.grpc.repository import RepositoryServicer
from cloud_service.grpc.servicers import InferenceServicer
from cloud_service.repository.control import Repository
from cloud_service.service import Service
from cloud_service.workers import Workers
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import METHODS
from tests.builders.gates import open_gate_of


class _Context:
    """The part of a call that the servicer reads."""

    def __init__(self, left_s: float | None) -> None:
        self._left_s = left_s

    def time_remaining(self) -> float | None:
        return self._left_s

    def set_trailing_metadata(self, trailing: object) -> None:
        self.trailing = trailing


@pytest.fixture
def servicer() -> InferenceServicer:
    service = Service(Catalogue(), Workers(threads=1), gate=open_gate_of(1), longest_call_s=1)
    return InferenceServicer(service, max_message_bytes=1 << 20)


def test_every_method_of_the_protocol_has_a_handler(servicer: InferenceServicer) -> None:
    others = InspectionServicer(cast(Service, None)), RepositoryServicer(cast(Repository, None))
    assert {name for each in (servicer, *others) for name in each.handlers()} == set(METHODS)


@pytest.mark.parametrize(
    ("left_s", "error"),
    [
        pytest.param(0, DeadlineExceeded, id="late: not even decoded"),
        pytest.param(1, ModelNotFound, id="in time"),
        pytest.param(None, ModelNotFound, id="no deadline"),
    ],
)
def test_a_call_whose_time_is_up_is_refused_before_anything_else(
    servicer: InferenceServicer, left_s: float | None, error: type[Exception]
) -> None:
    request = pb.ModelInferRequest(model_name="nope", id="too long" * (100 if left_s == 0 else 1))
    with pytest.raises(error):
        asyncio.run(servicer.model_infer(request.SerializeToString(), cast(Context, _Context(left_s)), ANONYMOUS))
