"""What several processes say of themselves, as one answer. Pure.

Each sample keeps its process as a label instead of being added up: a process that is started again begins at 0, which
Prometheus takes for what it is in a series of its own, and would take for a fall in a sum."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from cloud_service.http.reply import Reply

__all__ = ["merged_metrics", "merged_readiness"]

_PROCESS = "process"
_SILENT = {"ready": False, "reason": "it says nothing: it is starting, or hangs"}


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def merged_metrics(said: Mapping[int, str], own: Iterable[Metric]) -> Reply:
    """Return the metrics of every process in Prometheus' text, and beside them the parent's `own`."""
    families: dict[str, Metric] = {}
    for process, text in said.items():
        for family in text_string_to_metric_families(text):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                labels = {_PROCESS: str(process), **sample.labels}
                known.samples.append(sample._replace(labels=labels))
    registry = CollectorRegistry()
    registry.register(_Families([*families.values(), *own]))
    return Reply(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry))


def merged_readiness(said: Sequence[bytes | None]) -> Reply:
    """Return what every process says of its readiness; None is one that says nothing. Ready is who has no gap."""
    processes = [dict(_SILENT) if one is None else json.loads(one) for one in said]
    ready = bool(processes) and all(process["ready"] for process in processes)
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Reply(status, "application/json", json.dumps({"ready": ready, "processes": processes}).encode() + b"\n")
