from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from cloud_service.metrics import Metrics
from cloud_service.processes.merged import merged_metrics, merged_readiness

_READY, _NOT = b'{"ready": true, "draining": false}', b'{"ready": false, "draining": true}'


def _exposed(refused: int) -> str:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for _ in range(refused):
        metrics.refused("limit")
    metrics.batch("digits", 4, 0.01)
    return generate_latest(registry).decode()


def test_each_process_keeps_its_own_series_and_each_family_is_told_once() -> None:
    up = GaugeMetricFamily("nearfar_cloud_process_up", "Up.", labels=["process"])
    up.add_metric(["1"], 1)
    text = merged_metrics({0: _exposed(1), 1: _exposed(2)}, [up]).body.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    refused = {
        sample.labels["process"]: sample.value
        for sample in families["nearfar_cloud_refused"].samples
        if sample.labels["reason"] == "limit"
    }
    assert refused == {"0": 1, "1": 2}
    assert text.count("# TYPE nearfar_cloud_refused_total counter") == 1
    assert 'nearfar_cloud_batch_rows_bucket{le="4.0",model="digits",process="1"} 1.0' in text
    assert 'nearfar_cloud_process_up{process="1"} 1.0' in text


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param([_READY, _READY], 200, id="all ready"),
        pytest.param([_READY, _NOT], 503, id="one is not"),
        pytest.param([_READY, None], 503, id="one says nothing"),
        pytest.param([], 503, id="none"),
    ],
)
def test_the_whole_is_ready_when_every_process_is(said: list[bytes | None], status: int) -> None:
    reply = merged_readiness(said)
    document = json.loads(reply.body)
    assert reply.status == status
    assert document["ready"] is (status == 200)
    assert len(document["processes"]) == len(said)
    assert [bool(each.get("reason")) for each in document["processes"]] == [one is None for one in said]
