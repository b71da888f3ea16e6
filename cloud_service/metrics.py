"""What the service counts. Every label has a bounded set of values: methods and codes of the contract, reasons of the
code, and models of the repository; nothing that a caller writes becomes a label. What leaves the repository takes its
series with it.

Kept in plain numbers and put into Prometheus' form when they are asked for: a call is counted at half a dozen places.
The registry is the caller's, so that two services can live in one process. Used in the event loop's thread."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from cloud_service.build import runtime_version
from cloud_service.errors import Doubt
from cloud_service.load import Crowd
from cloud_service.tally import Tally
from nearfar_wire.build import build_version

__all__ = ["REASONS", "Metrics"]

# From a small model's answer to the longest call that is worth having; a factor of about two a step.
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
# Why a call is refused. They start at 0, so that the first refusal is already a rise.
REASONS: Final = (
    "deadline",
    "draining",
    "expired_in_queue",
    "identity",
    "limit",
    "malformed",
    "partition",
    "permission",
    "queue_full",
    "quota",
    "too_large",
)


class _Answered:
    """The calls of one method."""

    __slots__ = ("codes", "received", "seconds", "sent")

    def __init__(self) -> None:
        self.codes = Counter[str]()
        self.seconds = Tally(_SECONDS)
        self.received = 0
        self.sent = 0


class _Model:
    """The runs of one model."""

    __slots__ = ("queue", "rows", "run")

    def __init__(self) -> None:
        self.queue = Tally(_SECONDS)
        self.rows = Tally(_ROWS)
        self.run = Tally(_SECONDS)


class Metrics:
    """See the module. Also the data plane's observer."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        crowds: Callable[[], Iterable[Crowd]] = tuple,
        dropped_lines: Callable[[], int] = int,
    ) -> None:
        """`crowds` tells how crowded each model is now, `dropped_lines` how many lines the log has lost so far."""
        self._methods = defaultdict[str, _Answered](_Answered)
        self._models = defaultdict[str, _Model](_Model)
        self._refused = dict.fromkeys(REASONS, 0)
        self._doubts = dict.fromkeys(map(str, Doubt), 0)
        self._versions: dict[tuple[str, int], str | None] = {}
        self._load_failures: dict[str, int] = {}
        self._in_flight = 0
        self._certificate_expires_utc_s: float | None = None
        self._crowds = crowds
        self._dropped_lines = dropped_lines
        registry.register(_Exposition(self.families))
        # What the process itself takes, by the names that every dashboard knows.
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def began(self) -> None:
        """Count a call as in work."""
        self._in_flight += 1

    def answered(self, method: str, code: str, seconds: float, *, received_bytes: int, sent_bytes: int) -> None:
        """Count the end of a call of `method`, with "OK" or one of the contract's codes."""
        self._in_flight -= 1
        calls = self._methods[method]
        calls.codes[code] += 1
        calls.seconds.observe(seconds)
        calls.received += received_bytes
        calls.sent += sent_bytes

    def queued(self, model: str, seconds: float) -> None:
        """Count how long a call waited for its run."""
        self._models[model].queue.observe(seconds)

    def batch(self, model: str, rows: int, seconds: float) -> None:
        """Count one run."""
        runs = self._models[model]
        runs.rows.observe(rows)
        runs.run.observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a refusal; `reason` is one of REASONS or another word of the code's."""
        self._refused[reason] = self._refused.get(reason, 0) + 1

    def unidentified(self, doubt: str) -> None:
        """Count a call whose credential did not count; `doubt` says why."""
        self._doubts[doubt] += 1

    def version_ready(self, model: str, version: int, digest: str) -> None:
        """Say that a version can answer."""
        self._versions[model, version] = digest

    def version_broken(self, model: str, version: int) -> None:
        """Say that a version of the repository cannot answer."""
        self._versions[model, version] = None

    def version_away(self, model: str, version: int) -> None:
        """Say that a version is not to answer now and is not missed: nobody is to be woken for it."""
        self._versions.pop((model, version), None)

    def load_failed(self, model: str) -> None:
        """Count files of a model's version that could not be served; an older state of it may serve on."""
        self._load_failures[model] = self._load_failures.get(model, 0) + 1

    def version_gone(self, model: str, version: int) -> None:
        """Forget a version that is no longer in the repository, and its model with the last one."""
        self._versions.pop((model, version), None)
        if all(name != model for name, _ in self._versions):
            self._models.pop(model, None)
            self._load_failures.pop(model, None)

    def certificate_expires(self, utc_s: float) -> None:
        """Say until when the service's certificate holds, in seconds since 1970."""
        self._certificate_expires_utc_s = utc_s

    def families(self) -> Iterator[Metric]:
        """Return everything as Prometheus has it."""
        # Lists: a test may ask from another thread.
        yield from _calls(dict(list(self._methods.items())))
        yield _gauge("requests_in_flight", "Calls in work now.", self._in_flight)
        yield from _runs(dict(list(self._models.items())))
        yield from _crowded(self._crowds())
        refusals = CounterMetricFamily(
            "nearfar_cloud_refused", "Calls refused before they ran, by why.", labels=["reason"]
        )
        for reason, count in list(self._refused.items()):
            refusals.add_metric([reason], count)
        yield refusals
        doubts = CounterMetricFamily(
            "nearfar_cloud_unidentified", "Calls whose credential did not count, by why.", labels=["doubt"]
        )
        for doubt, count in list(self._doubts.items()):
            doubts.add_metric([doubt], count)
        yield doubts
        yield from _versions(dict(list(self._versions.items())))
        failures = CounterMetricFamily(
            "nearfar_cloud_model_load_failures",
            "Versions whose files could not be served; older files of them may serve on.",
            labels=["model"],
        )
        for model, count in list(self._load_failures.items()):
            failures.add_metric([model], count)
        yield failures
        build = GaugeMetricFamily(
            "nearfar_cloud_build_info",
            "1, with what serves.",
            labels=["version", "python", "onnxruntime"],
        )
        build.add_metric([build_version(), platform.python_version(), runtime_version()], 1)
        yield build
        if self._certificate_expires_utc_s is not None:
            about = "When the certificate that is served expires, in seconds since 1970."
            yield _gauge("certificate_expires_utc_seconds", about, self._certificate_expires_utc_s)
        yield CounterMetricFamily(
            "nearfar_cloud_log_lines_dropped", "Log lines that could not be written.", self._dropped_lines()
        )


class _Exposition(Collector):
    """What a registry asks."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return self._families()


def _calls(methods: Mapping[str, _Answered]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "nearfar_cloud_requests", "Calls answered, by how they ended.", labels=["method", "code"]
    )
    seconds = _histogram("request_seconds", "From a call's arrival to its answer.", "method")
    received = CounterMetricFamily(
        "nearfar_cloud_received_bytes", "Length of the messages that came in.", labels=["method"]
    )
    sent = CounterMetricFamily("nearfar_cloud_sent_bytes", "Length of the messages that went out.", labels=["method"])
    for method, calls in methods.items():
        for code, count in list(calls.codes.items()):
            requests.add_metric([method, code], count)
        _add(seconds, method, calls.seconds)
        received.add_metric([method], calls.received)
        sent.add_metric([method], calls.sent)
    yield from (requests, seconds, received, sent)


def _runs(models: Mapping[str, _Model]) -> Iterator[Metric]:
    about = "How long a call waited for its run; those run in the event loop wait for nothing and are not counted."
    queue = _histogram("queue_seconds", about, "model")
    rows = _histogram("batch_rows", "Rows that ran together.", "model")
    run = _histogram("run_seconds", "How long a run took.", "model")
    for name, model in models.items():
        _add(queue, name, model.queue)
        _add(rows, name, model.rows)
        _add(run, name, model.run)
    yield from (queue, rows, run)


def _crowded(crowds: Iterable[Crowd]) -> Iterator[Metric]:
    limit = GaugeMetricFamily("nearfar_cloud_limit", "Calls a model may have in work now.", labels=["model"])
    in_flight = GaugeMetricFamily("nearfar_cloud_model_in_flight", "Calls it has in work.", labels=["model"])
    waiting = GaugeMetricFamily("nearfar_cloud_model_waiting", "Of these, how many wait.", labels=["model"])
    for crowd in crowds:
        limit.add_metric([crowd.model], crowd.limit)
        in_flight.add_metric([crowd.model], crowd.in_flight)
        waiting.add_metric([crowd.model], crowd.waiting)
    yield from (limit, in_flight, waiting)


def _versions(versions: Mapping[tuple[str, int], str | None]) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "nearfar_cloud_model_info",
        "1 for each version that can answer, with the digest of its model file.",
        labels=["model", "version", "digest"],
    )
    ready = GaugeMetricFamily(
        "nearfar_cloud_model_ready",
        "1 for a version that can answer, 0 for one that cannot; /readyz says why. None for one that was unloaded, or "
        "has no room until it is called.",
        labels=["model", "version"],
    )
    for (model, version), digest in versions.items():
        ready.add_metric([model, str(version)], digest is not None)
        if digest is not None:
            info.add_metric([model, str(version), digest], 1)
    yield from (info, ready)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"nearfar_cloud_{name}", about, value)


def _histogram(name: str, about: str, label: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"nearfar_cloud_{name}", about, labels=[label])


def _add(family: HistogramMetricFamily, label: str, tally: Tally) -> None:
    buckets = [(_le(bound), count) for bound, count in tally.buckets()]
    family.add_metric([label], buckets, tally.total)


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(float(bound))
