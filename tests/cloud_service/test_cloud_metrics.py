from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from cloud_service.load import Crowd
from cloud_service.metrics import REASONS, Metrics
from cloud_service.processes.merged import merged_metrics
from cloud_service.tally import Tally

_PROMTOOL = shutil.which("promtool")


class _Counted:
    """Metrics and the registry that shows them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.crowds: Sequence[Crowd] = []
        self.metrics = Metrics(self.registry, crowds=lambda: self.crowds)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"nearfar_cloud_{name}", labels)

    def text(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def counted() -> _Counted:
    """Everything that can be counted, counted once."""
    counted = _Counted()
    metrics = counted.metrics
    metrics.began()
    metrics.answered("ModelInfer", "OK", 0.02, received_bytes=10, sent_bytes=20)
    metrics.queued("digits", 0.004)
    metrics.batch("digits", 8, 0.01)
    counted.crowds = [Crowd("digits", limit=40, in_flight=12, waiting=3)]
    metrics.refused("quota")
    metrics.version_ready("digits", 1, "sha256:aa")
    metrics.version_broken("digits", 2)
    metrics.certificate_expires(1.9e9)
    return counted


def test_the_queue_the_batches_and_the_limit_are_told_for_each_model(counted: _Counted) -> None:
    assert counted.value("queue_seconds_sum", model="digits") == pytest.approx(0.004)
    assert counted.value("queue_seconds_bucket", model="digits", le="0.005") == 1
    assert counted.value("batch_rows_bucket", model="digits", le="8.0") == 1
    assert counted.value("batch_rows_bucket", model="digits", le="4.0") == 0
    assert counted.value("run_seconds_count", model="digits") == 1
    assert counted.value("limit", model="digits") == 40
    assert counted.value("model_in_flight", model="digits") == 12
    assert counted.value("model_waiting", model="digits") == 3


def test_every_reason_of_a_refusal_is_there_from_the_start(counted: _Counted) -> None:
    assert {reason: counted.value("refused_total", reason=reason) for reason in REASONS} == {
        reason: float(reason == "quota") for reason in REASONS
    }


def test_versions_are_told_with_their_digests(counted: _Counted) -> None:
    assert counted.value("model_ready", model="digits", version="1") == 1
    assert counted.value("model_ready", model="digits", version="2") == 0
    assert counted.value("model_info", model="digits", version="1", digest="sha256:aa") == 1


def test_new_files_of_a_version_replace_its_digest(counted: _Counted) -> None:
    counted.metrics.version_ready("digits", 1, "sha256:bb")
    assert counted.value("model_info", model="digits", version="1", digest="sha256:aa") is None
    assert counted.value("model_info", model="digits", version="1", digest="sha256:bb") == 1


def test_G4_what_leaves_the_repository_takes_its_series_with_it(counted: _Counted) -> None:
    counted.metrics.version_gone("digits", 1)
    assert counted.value("model_ready", model="digits", version="1") is None
    assert counted.value("queue_seconds_count", model="digits") == 1, "another version is still there"
    counted.metrics.version_gone("digits", 2)
    counted.crowds = []
    assert "digits" not in counted.text()


def test_the_build_and_the_process_are_told(counted: _Counted) -> None:
    text = counted.text()
    assert 'nearfar_cloud_build_info{onnxruntime="1.' in text
    assert "process_cpu_seconds_total" in text


def test_a_certificate_is_told_of_where_there_is_one(counted: _Counted) -> None:
    assert counted.value("certificate_expires_utc_seconds") == 1.9e9
    assert _Counted().value("certificate_expires_utc_seconds") is None


@pytest.mark.skipif(_PROMTOOL is None, reason="promtool is not installed; tests/tools/install-debian.sh does it")
@pytest.mark.parametrize("processes", [1, 2])
def test_prometheus_own_tool_has_nothing_against_it(counted: _Counted, processes: int) -> None:
    text = counted.text()
    if processes == 2:
        text = merged_metrics({0: text, 1: text}, []).body.decode()
    checked = subprocess.run(
        [str(_PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


_BOUNDS = (0.001, 0.1, 10.0)


@given(st.lists(st.one_of(st.sampled_from(_BOUNDS), st.floats(0, 100))))
def test_a_tally_puts_every_value_into_the_buckets_whose_bound_it_does_not_exceed(values: list[float]) -> None:
    tally = Tally(_BOUNDS)
    for value in values:
        tally.observe(value)
    assert tally.buckets() == [(bound, sum(value <= bound for value in values)) for bound in (*_BOUNDS, float("inf"))]
    assert tally.total == pytest.approx(sum(values))
