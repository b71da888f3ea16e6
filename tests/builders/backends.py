"""A backend for tests that does what it is told, so that a test holds a run in its hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cloud_service.backend import Array, Run, Traits
from cloud_service.errors import RunFailed
from nearfar_wire.specs import TensorSpec

__all__ = ["EchoBackend", "HeldBackend", "RaisingBackend"]

_X = (TensorSpec("x", "FP32", (-1,)),)
_Y = (TensorSpec("y", "FP32", (-1,)),)
_BOUND_S = 30


@dataclass
class EchoBackend:
    """y = x."""

    inputs: Sequence[TensorSpec] = _X
    outputs: Sequence[TensorSpec] = _Y
    compute: Callable[[Array], Array] = field(default=lambda x: x)
    traits: Traits = field(default_factory=Traits)

    def new_run(self) -> Run:
        return _Run(self.compute)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        pass


class RaisingBackend(EchoBackend):
    """Each run raises `error`."""

    def __init__(self, error: Exception) -> None:
        def fail(_: Array) -> Array:
            raise error

        super().__init__(compute=fail)


class HeldBackend(EchoBackend):
    """Callers' runs begin, and end when they are let go or, if they hear it, stopped; `running` counts those.

    The trial runs of a version that loads are let through."""

    def __init__(self, *, hears_stop: bool = True) -> None:
        # How long it takes is not for its shapes to say, so that it is never run in the event loop.
        super().__init__(traits=Traits(time_by_value=True))
        self.hears_stop = hears_stop
        self.go = threading.Event()
        self.running = 0
        self.stopped = 0
        self._lock = threading.Lock()

    def new_run(self) -> Run:
        return _HeldRun(self)

    def count(self, *, running: int = 0, stopped: int = 0) -> None:
        with self._lock:
            self.running += running
            self.stopped += stopped


class _Run:
    def __init__(self, compute: Callable[[Array], Array]) -> None:
        self._compute = compute

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        return {name: self._compute(np.asarray(tensors["x"])) for name in outputs}

    def stop(self) -> None:
        pass


class _HeldRun:
    def __init__(self, backend: HeldBackend) -> None:
        self._backend = backend
        self._told = threading.Event()

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        if not threading.current_thread().name.startswith("model-run"):
            return dict.fromkeys(outputs, tensors["x"])
        self._backend.count(running=1)
        try:
            for _ in range(_BOUND_S * 500):
                if self._told.is_set() and self._backend.hears_stop:
                    raise RunFailed
                if self._backend.go.wait(0.002):
                    return dict.fromkeys(outputs, tensors["x"])
            raise AssertionError("nobody let this run go")
        finally:
            self._backend.count(running=-1)

    def stop(self) -> None:
        if not self._told.is_set():
            self._told.set()
            self._backend.count(stopped=1)
