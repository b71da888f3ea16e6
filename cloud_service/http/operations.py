"""What the operations port answers. Pure but for reading the metrics: a path in, a reply out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from cloud_service.service import Readiness, Service

__all__ = ["Operations", "Reply"]

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Operations:
    """See the module."""

    def __init__(self, service: Service, registry: CollectorRegistry) -> None:
        self._service = service
        self._registry = registry

    def reply(self, path: str) -> Reply:
        """Answer a GET of `path`."""
        if path == "/livez":
            return Reply(HTTPStatus.OK, _TEXT, b"alive\n")
        if path == "/readyz":
            return _ready(self._service.readiness())
        if path == "/metrics":
            return Reply(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry))
        return Reply(HTTPStatus.NOT_FOUND, _TEXT, b"there are /livez, /readyz and /metrics\n")


def _ready(readiness: Readiness) -> Reply:
    document = {
        "ready": readiness.ready,
        "draining": readiness.draining,
        "models": dict(readiness.models),
        "not_ready": [
            {"model": model, "version": version, "reason": reason} for model, version, reason in readiness.problems
        ],
    }
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Reply(status, _JSON, json.dumps(document).encode() + b"\n")
