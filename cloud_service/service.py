"""The data plane: what the service answers, whatever the transport.

Values in, values out, domain errors in between; a transport converts and does nothing else. An inference runs in a
worker's thread until it is done, its caller is gone, or its deadline has passed, whichever comes first. Also the
transport's own reading and writing of tensors is done there, and only for a call that was admitted: a message can take
seconds, in which the event loop would answer nobody."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from cloud_service.backend import Array
from cloud_service.catalogue import Catalogue
from cloud_service.errors import CallError, Draining, InvalidInput
from cloud_service.workers import Workers
from nearfar_wire.errors import quoted
from nearfar_wire.specs import TensorSpec

__all__ = ["InferAnswer", "InferCall", "ModelDescription", "Readiness", "Service"]

# A name or version is at most 128 and 19 characters in the repository; anything longer names nothing here.
_MAX_NAME: Final = 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InferCall:
    """One inference that is asked for. An empty version is the service's choice, no outputs are all of them.

    `inputs` and `outputs` are called in a worker's thread. `deadline` is a monotonic instant; whatever it is, no call
    lasts longer than the service lets any."""

    model: str
    inputs: Callable[[], Mapping[str, Array]]
    version: str = ""
    outputs: Callable[[], Sequence[str]] = list
    deadline: float = math.inf


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """The outputs in the order asked for, and the version and file that they are from."""

    model: str
    version: str
    digest: str
    outputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One version of a model, and which can answer."""

    name: str
    versions: Sequence[str]
    digest: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether new calls are welcome, and if not, or not for all, why."""

    ready: bool
    draining: bool
    models: Mapping[str, bool]
    problems: Sequence[tuple[str, int, str]]


class Service:
    """See the module."""

    def __init__(
        self,
        catalogue: Catalogue,
        workers: Workers,
        *,
        longest_call_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._workers = workers
        self._longest_call_s = longest_call_s
        self._now = now
        self._draining = False
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def infer(self, call: InferCall, write: Callable[[InferAnswer], T]) -> T:
        """Answer one call with what `write`, in the worker's thread too, makes of the answer.

        Raises CallError, TensorError: where the call is refused. Raises RunFailed: where the model failed."""
        if self._draining:
            raise Draining
        servable = self._catalogue.resolve(_named(call.model), _named(call.version))
        run = servable.backend.new_run()

        def work() -> T:
            outputs = servable.answer(run, call.inputs(), servable.wanted(call.outputs()))
            return write(InferAnswer(servable.model, str(servable.version), servable.digest, outputs))

        with self._in_work():
            left_s = min(call.deadline - self._now(), self._longest_call_s)
            return await self._workers.run(work, stop=run.stop, left_s=left_s)

    def describe(self, model: str, version: str = "") -> ModelDescription:
        """Describe a version of a model as its callers see it. Raises CallError."""
        servable = self._catalogue.resolve(_named(model), _named(version))
        return ModelDescription(
            name=servable.model,
            versions=[str(number) for number in self._catalogue.ready_versions(model)],
            digest=servable.digest,
            inputs=servable.form.inputs,
            outputs=servable.form.outputs,
        )

    def model_ready(self, model: str, version: str = "") -> bool:
        """Tell whether an inference would find that model, in that version, ready."""
        try:
            self._catalogue.resolve(_named(model), _named(version))
        except CallError:
            return False
        return not self._draining

    def readiness(self) -> Readiness:
        """Tell whether every model can answer. A service without models cannot, and one that is stopping will not."""
        models = self._catalogue.models()
        return Readiness(
            ready=bool(models) and all(models.values()) and not self._draining,
            draining=self._draining,
            models=models,
            problems=self._catalogue.problems(),
        )

    def drain(self) -> None:
        """Refuse new inferences from now on; those in work go on."""
        self._draining = True

    async def idle(self) -> None:
        """Wait until no inference is in work."""
        await self._idle.wait()

    @contextmanager
    def _in_work(self) -> Iterator[None]:
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()


def _named(text: str) -> str:
    if len(text) > _MAX_NAME:
        raise InvalidInput(f"the name or version {quoted(text)} is longer than {_MAX_NAME} characters")
    return text
