"""The data plane: what the service answers, whatever the transport.

Values in, values out, domain errors in between; a transport converts and does nothing else. An inference goes on until
it is done, its caller is gone, or its deadline has passed, whichever comes first. Whether it may is decided before the
transport reads a tensor of it. Reading and writing are the transport's functions, called in the event loop for small
messages and in a thread for others: a large one can take seconds, in which the loop would answer nobody."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from cloud_service.account import Statistics
from cloud_service.admission.gate import Gate, Ticket
from cloud_service.backend import Array
from cloud_service.batching.lane import Lane
from cloud_service.calls import current_call
from cloud_service.catalogue import Catalogue
from cloud_service.configuration import Configuration, configuration_of
from cloud_service.errors import CallError, DeadlineExceeded, Draining, InvalidInput, Overloaded
from cloud_service.exchange import InferAnswer, InferCall, ModelDescription, Readiness
from cloud_service.load import Crowd, Load
from cloud_service.observer import Observer, Unobserved
from cloud_service.place import Place
from cloud_service.servable import Servable
from cloud_service.way import Way, is_light, way_of
from cloud_service.workers import Workers
from nearfar_wire.errors import quoted

__all__ = ["Service"]

# A name or version is at most 128 and 19 characters in the repository; anything longer names nothing here.
_MAX_NAME: Final = 128
_NOBODY: Final = Unobserved()

T = TypeVar("T")


class Service:
    """See the module."""

    def __init__(
        self,
        catalogue: Catalogue,
        workers: Workers,
        *,
        gate: Gate,
        longest_call_s: float,
        batching: bool = True,
        observer: Observer = _NOBODY,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._workers = workers
        self._gate = gate
        self._longest_call_s = longest_call_s
        self._batching = batching
        self._observer = observer
        self._now = now
        self._ways: WeakKeyDictionary[Servable, Way] = WeakKeyDictionary()
        self._draining = False
        self._calls = 0
        self._idle: asyncio.Event | None = None
        """Made by whoever waits for it: at the end, and not for each call."""

    async def infer(self, call: InferCall, write: Callable[[InferAnswer], T]) -> T:
        """Answer one call with what `write` makes of the answer.

        Raises CallError, TensorError: where the call is refused. Raises RunFailed: where the model failed."""
        if self._draining:
            self._observer.refused("draining")
            raise Draining
        servable = self._resolve(call.model, call.version)
        way = self._way(servable)
        known = current_call()
        if known is not None:
            known.model, known.version, known.tenant = servable.model, way.version, call.caller.tenant
        now = self._now()
        deadline = min(call.deadline, now + self._longest_call_s)
        try:
            ticket, place = self._admit(call, servable.model, way.lane, deadline, now)
            self._calls += 1
            try:
                return await self._answer(call, servable, way, ticket.priority, deadline, place, write, now)
            finally:
                place.let_go()
                self._calls -= 1
                if self._idle is not None and not self._calls:
                    self._idle.set()
        except BaseException:  # a call that was given up ends by a cancellation
            way.account.failed(self._now() - now)
            raise

    def load(self, model: str, version: str = "") -> Load | None:
        """Tell how busy the service is with a model; None where it does not know it."""
        try:
            way = self._ways.get(self._catalogue.resolve(model, version))
        except CallError:
            return None
        return self._gate.load(model, way.lane.wait_s(1) if way else 0.0, self._now())

    def crowds(self) -> list[Crowd]:
        """Tell how many calls each model may have, has, and has waiting."""
        now, waiting = self._now(), Counter[str]()
        for servable, way in list(self._ways.items()):
            waiting[servable.model] += way.lane.waiting
        return [Crowd(model, *self._gate.room(model, now), waiting[model]) for model in self._catalogue.models()]

    def busy(self, model: str, version: int) -> bool:
        """Tell whether a version has calls that wait or run."""
        servable = self._catalogue.state(model, version)
        way = self._ways.get(servable) if isinstance(servable, Servable) else None
        return way is not None and way.lane.busy

    async def _answer(
        self,
        call: InferCall,
        servable: Servable,
        way: Way,
        rank: int,
        deadline: float,
        place: Place,
        write: Callable[[InferAnswer], T],
        started: float,
    ) -> T:
        now, queue_s, among = self._now, 0.0, 0
        began = now()
        small = 0 < call.size_bytes <= way.small_bytes
        if small:
            tensors, requested = _read(call, servable)
        else:
            tensors, requested = await self._convert(partial(_read, call, servable), place, deadline)
        wanted, fetched = way.wanted, way.fetched
        if requested:
            wanted = servable.wanted(requested)
            fetched = servable.fetched(wanted)
        read_s = now() - began
        if small and way.runs_here(tensors):
            began = now()
            outputs = way.lane.run_here(tensors, fetched)
            run_s = now() - began
        else:
            passage = way.lane.enter(tensors, fetched, rank=rank, deadline=deadline)
            place.follow(passage)
            outputs = await passage.outputs()
            queue_s, run_s, among = passage.queue_s, passage.run_s, passage.batch_rows
            known = current_call()
            if known is not None:
                known.queue_s, known.rows = queue_s, among
        began = now()
        answer = InferAnswer(servable.model, way.version, servable.digest, servable.restored(outputs, wanted))
        if is_light(outputs):
            written = write(answer)
        else:
            written = await self._convert(partial(write, answer), place, deadline)
        ended, rows = now(), way.account.rows(tensors)
        way.account.answered(rows, among or rows, ended - started, queue_s, read_s, run_s, ended - began)
        return written

    def _admit(self, call: InferCall, model: str, lane: Lane, deadline: float, now: float) -> tuple[Ticket, Place]:
        """Let a call in, and return its ticket and its place. Raises DeadlineExceeded, Overloaded."""
        if deadline <= now:
            raise DeadlineExceeded
        try:
            ticket = self._gate.enter(model, call.caller.tenant, call.priority, now, each_s=lane.each_s)
        except Overloaded as refusal:
            self._observer.refused(refusal.reason)
            raise
        place = Place(ticket, self._gate, self._now)
        wait_s = lane.wait_s(ticket.priority)
        if now + wait_s + lane.timing.run_s(1) > deadline:
            lane.timing.doubt()
            place.let_go()
            self._observer.refused("deadline")
            raise DeadlineExceeded
        return ticket, place

    async def _convert(self, job: Callable[[], T], place: Place, deadline: float) -> T:
        """Read or write in a thread. Whoever stops waiting for it leaves it to end by itself, with the call's place."""
        future = self._workers.convert(job)
        place.hold()
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(place.let_go))
        try:
            async with asyncio.timeout(max(0.0, deadline - self._now())):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise DeadlineExceeded from None

    def _resolve(self, model: str, version: str) -> Servable:
        _require_short(model, version)
        return self._catalogue.resolve(model, version)

    def _way(self, servable: Servable) -> Way:
        way = self._ways.get(servable)
        if way is None:
            way = self._ways[servable] = way_of(servable, self._workers, self._observer, batching=self._batching)
        return way

    def describe(self, model: str, version: str = "") -> ModelDescription:
        """Describe a version of a model as its callers see it. Raises CallError."""
        servable = self._resolve(model, version)
        return ModelDescription(
            name=servable.model,
            versions=[str(number) for number in self._catalogue.ready_versions(model)],
            digest=servable.digest,
            inputs=servable.form.inputs,
            outputs=servable.form.outputs,
        )

    def statistics(self, model: str = "", version: str = "") -> list[Statistics]:
        """Return what was counted of each version that can answer: of every model, of one, or of one version.

        Raises CallError."""
        _require_short(model, version)
        if version and not model:
            raise InvalidInput("a version alone names nothing; name its model, too")
        return [
            self._way(servable).account.statistics(servable.model, str(servable.version))
            for servable in self._catalogue.answering(model, version)
        ]

    def configuration(self, model: str, version: str = "") -> Configuration:
        """Tell how a version of a model is served. Raises CallError."""
        servable = self._resolve(model, version)
        way = self._way(servable)
        return configuration_of(servable, way.rules, way.runs)

    def model_ready(self, model: str, version: str = "") -> bool:
        """Tell whether an inference would find that model, in that version, ready."""
        try:
            self._resolve(model, version)
        except CallError:
            return False
        return not self._draining

    def readiness(self) -> Readiness:
        """Tell whether every model can answer that should. A service without one cannot; one that stops will not."""
        models = self._catalogue.models()
        reason = "it is stopping" if self._draining else self._catalogue.lacking()
        return Readiness(
            ready=not reason,
            reason=reason,
            draining=self._draining,
            models=models,
            problems=self._catalogue.problems(),
        )

    @property
    def draining(self) -> bool:
        """Whether new inferences are refused because it stops."""
        return self._draining

    def drain(self) -> None:
        """Refuse new inferences from now on; those in work go on."""
        self._draining = True

    async def idle(self) -> None:
        """Wait until no inference is in work."""
        if self._calls:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()


def _require_short(model: str, version: str) -> None:
    longer = model if len(model) > len(version) else version
    if len(longer) > _MAX_NAME:
        raise InvalidInput(f"the name or version {quoted(longer)} is longer than {_MAX_NAME} characters")


def _read(call: InferCall, servable: Servable) -> tuple[Mapping[str, Array], Sequence[str]]:
    return servable.prepared(call.inputs()), call.outputs()
