"""A model that takes as long as a test says, and callers that want more of it than it can do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from cloud_service.backend import Array, Backend, Run, Traits
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, decode_load
from nearfar_wire.service import Stub

__all__ = ["Callers", "Paced", "closed_loop"]

_BOUND_S = 30
_AGAIN_S = 0.05


class Paced:
    """Another backend, each of whose runs takes `run_s` more than it would."""

    def __init__(self, backend: Backend, run_s: float) -> None:
        self.inputs, self.outputs = backend.inputs, backend.outputs
        self.traits = Traits(time_by_value=True)
        self.run_s = run_s
        self._backend = backend

    def new_run(self) -> Run:
        return _PacedRun(self._backend.new_run(), self)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        pass


class _PacedRun:
    def __init__(self, run: Run, pace: Paced) -> None:
        self._run = run
        self._pace = pace
        self._stopped = threading.Event()

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        self._stopped.wait(self._pace.run_s)
        return self._run.execute(tensors, outputs)

    def stop(self) -> None:
        self._stopped.set()
        self._run.stop()


@dataclass
class Callers:
    """What they saw so far: what each answer's server said of itself, and how many calls were refused."""

    reports: list[LoadReport] = field(default_factory=list)
    refused: list[grpc.StatusCode] = field(default_factory=list)


@contextmanager
def closed_loop(
    target: str, request: pb.ModelInferRequest, count: int, *, metadata: tuple[tuple[str, str], ...] = ()
) -> Iterator[Callers]:
    """Have `count` callers ask, each again as soon as it has its answer, and soon after a refusal."""
    callers, stop = Callers(), threading.Event()

    def call() -> None:
        with grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = Stub(channel)
            while not stop.is_set():
                future = stub.ModelInfer.future(request, timeout=_BOUND_S, metadata=metadata)
                error = future.exception()
                if error is None:
                    report = next((value for key, value in future.trailing_metadata() if key in LOAD_KEYS), None)
                    known = decode_load(report) if isinstance(report, bytes) else None
                    if known is not None:
                        callers.reports.append(known)
                else:
                    callers.refused.append(error.code())
                    stop.wait(_AGAIN_S)

    threads = [threading.Thread(target=call, name="caller") for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        stop.set()
        for thread in threads:
            thread.join(_BOUND_S)
