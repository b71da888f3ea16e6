"""What the service counts. Every label has a bounded set of values: methods and codes of the contract, and models of
the repository; nothing that a caller writes becomes a label.

The registry is the caller's, so that two services can live in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]

# From a small model's answer to the longest call that is worth having; a factor of about two a step.
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """See the module."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "nearfar_cloud_requests", "Calls answered, by how they ended.", ["method", "code"], registry=registry
        )
        self._seconds = Histogram(
            "nearfar_cloud_request_seconds",
            "From a call's arrival to its answer.",
            ["method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge("nearfar_cloud_requests_in_flight", "Calls in work now.", registry=registry)
        self._received = Counter(
            "nearfar_cloud_received_bytes", "Length of the messages that came in.", ["method"], registry=registry
        )
        self._sent = Counter(
            "nearfar_cloud_sent_bytes", "Length of the messages that went out.", ["method"], registry=registry
        )
        self._info = Gauge(
            "nearfar_cloud_model_info",
            "1 for each version that can answer, with the digest of its model file.",
            ["model", "version", "digest"],
            registry=registry,
        )
        self._ready = Gauge(
            "nearfar_cloud_model_ready",
            "1 for a version that can answer, 0 for one that cannot; /readyz says why.",
            ["model", "version"],
            registry=registry,
        )

    @contextmanager
    def in_work(self) -> Iterator[None]:
        """Count a call as in work for as long as the block lasts."""
        self._in_flight.inc()
        try:
            yield
        finally:
            self._in_flight.dec()

    def answered(self, method: str, code: str, seconds: float, *, received_bytes: int, sent_bytes: int) -> None:
        """Count one call of `method` that ended with `code`, "OK" or one of the contract's."""
        self._requests.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)
        self._received.labels(method).inc(received_bytes)
        self._sent.labels(method).inc(sent_bytes)

    def version_ready(self, model: str, version: int, digest: str) -> None:
        """Say that a version can answer."""
        self._ready.labels(model, str(version)).set(1)
        self._info.labels(model, str(version), digest).set(1)

    def version_broken(self, model: str, version: int) -> None:
        """Say that a version of the repository cannot answer."""
        self._ready.labels(model, str(version)).set(0)
