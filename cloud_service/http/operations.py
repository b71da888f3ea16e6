"""What the operations port answers. Pure but for reading the metrics: a path in, a reply out."""

from __future__ import annotations

import json
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from cloud_service.exchange import Readiness
from cloud_service.http.reply import JSON, TEXT, Reply
from cloud_service.service import Service

__all__ = ["Operations"]


class Operations:
    """See the module."""

    def __init__(self, service: Service, registry: CollectorRegistry) -> None:
        self._service = service
        self._registry = registry

    def reply(self, path: str) -> Reply:
        """Answer a GET of `path`."""
        if path == "/livez":
            return Reply(HTTPStatus.OK, TEXT, b"alive\n")
        if path == "/readyz":
            return _ready(self._service.readiness())
        if path == "/metrics":
            return Reply(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry))
        return Reply(HTTPStatus.NOT_FOUND, TEXT, b"there are /livez, /readyz and /metrics\n")


def _ready(readiness: Readiness) -> Reply:
    why = {} if readiness.ready else {"reason": readiness.reason}
    document = {
        "ready": readiness.ready,
        **why,
        "draining": readiness.draining,
        "models": dict(readiness.models),
        "not_ready": [
            {"model": model, "version": version, "reason": reason} for model, version, reason in readiness.problems
        ],
    }
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Reply(status, JSON, json.dumps(document).encode() + b"\n")
