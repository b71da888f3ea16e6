"""Keeps what the service can answer in step with the repository; the one thing that changes the catalogue.

One change at a time, in the event loop; files are read and models tried out in a thread of their own. A version's new
files are prepared beside the old ones and take their place only when they are ready. What is taken out gets no new
calls, and is gone from memory when those that have it are done: they hold it themselves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cloud_service.abandonable import run_abandonable
from cloud_service.catalogue import EVICTED, LOADING, MISSING, RETURNING, UNLOADED, Catalogue, IndexEntry, Unready
from cloud_service.errors import LoadFailed, ModelNotFound, NotByRequest, SettingsError, UnservableModel
from cloud_service.incident import record
from cloud_service.repository.memory import Resident, estimate_bytes, evict
from cloud_service.repository.oddities import Oddities
from cloud_service.repository.plan import Drop, Known, Load, next_step, settled
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Serving, VersionPolicy
from cloud_service.repository.sighting import Key, Seen, Sighting, Stamp, look, stamp_of
from cloud_service.servable import Servable

__all__ = ["Change", "Repository"]

_LOG: Final = logging.getLogger(__name__)

# The largest file there can be, over a slow network share; what takes longer hangs, and others wait for their turn.
_LONGEST_LOAD_S: Final = 300.0
# A version that has no room is tried again at most so often, however many ask for it.
_RETRY_S: Final = 10.0

_DEFAULT: Final = Serving()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """What a version has become: ready, not able to answer, or None where it is none any more.

    `failed` says that its files could not be served; an older state of it may be ready all the same."""

    model: str
    version: int
    state: Servable | Unready | None
    failed: bool = False


class Repository:
    """See the module. `look` first; then `load_all` once, and `watch` for as long as the service lives."""

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        load: Callable[[Found, Serving], Servable],
        *,
        told: Callable[[Change], Awaitable[None]],
        busy: Callable[[str, int], bool],
        poll_s: float = 0.0,
        memory_limit_bytes: int | None = None,
        by_request: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`load` makes a version ready, in a thread. `told` hears of each change. `busy` tells whether a version has
        calls in work, so that taking it out would free nothing yet. Not `by_request`: others follow the same files,
        and would not hear of a request."""
        self._root = root
        self._catalogue = catalogue
        self._prepare = load
        self._told = told
        self._busy = busy
        self._poll_s = poll_s
        self._limit_bytes = memory_limit_bytes
        self._by_request = by_request
        self._now = now
        self._known: dict[Key, Known] = {}
        self._costs: dict[Key, int] = {}
        self._before: Mapping[Key, Stamp] = {}
        self._unloaded: set[str] = set()
        self._missed: dict[Key, None] = {}
        self._retry_at: dict[Key, float] = {}
        self._oddities = Oddities()
        self._lost = False
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._changes: set[asyncio.Task[None]] = set()
        self._threads: set[object] = set()
        catalogue.missed = self._miss

    @property
    def loading(self) -> bool:
        """Whether a thread is reading or trying out a model, awaited or not."""
        return bool(self._threads)

    def look(self) -> None:
        """See what there is, and say that it is being loaded. Raises SettingsError: where the directory is none."""
        try:
            sighting = look(self._root)
        except OSError as error:
            raise SettingsError("models", f"{self._root} cannot be read as a directory ({error.strerror})") from error
        self._oddities.tell(sighting.ignored, at_once=True)
        for model, version in _first_choice(sighting):
            self._catalogue.put(model, version, LOADING)

    async def load_all(self) -> None:
        """Load what the repository holds, one version after the other; each can answer as soon as it is loaded."""
        async with self._one_at_a_time:
            if (sighting := await self._sighted()) is None:
                return
            self._before = _stamps(sighting)
            # Nobody has asked for anything yet: what has no room now comes when it is called.
            await self._follow(sighting, self._before, _policies(sighting), may_evict=False)
            await self._forget(sighting)
            self._catalogue.started()

    async def watch(self) -> None:
        """Follow the repository and bring back what is asked for, until cancelled."""
        next_look = self._now() + self._poll_s if self._poll_s else math.inf
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if next_look == math.inf else max(0.0, next_look - self._now())):
                    await self._wake.wait()
            try:
                await self._bring_back()
                if self._now() >= next_look:
                    next_look = self._now() + self._poll_s
                    await self.poll()
            except Exception as error:  # noqa: BLE001 - whatever one look met, there is another one
                _LOG.error("the repository is not followed for now; see incident %s", record(_LOG, "watching", error))

    async def poll(self) -> None:
        """Look once, and load, reload and drop what two looks in a row agree upon."""
        async with self._one_at_a_time:
            if (sighting := await self._sighted()) is None:
                return
            steady = settled(self._before, _stamps(sighting), self._known)
            self._before = _stamps(sighting)
            policies = {m: p for m, p in _policies(sighting, self._known).items() if m not in self._unloaded}
            await self._follow(sighting, steady, policies, may_evict=True)
            await self._forget(sighting)

    async def load(self, model: str) -> None:
        """Load the versions of `model` that its serving.toml chooses, those with new files again; by request.

        Goes on to its end though the caller leaves. Raises ModelNotFound: where the repository has no such model.
        Raises LoadFailed: where then one of them cannot answer, or only with older files; others may.
        Raises NotByRequest."""
        self._refuse_requests()
        await self._to_its_end(self._load_model(model))

    async def unload(self, model: str) -> None:
        """Take all versions of `model` out, until it is loaded by request; by request.

        Raises ModelNotFound: where the repository has no such model. Raises NotByRequest."""
        self._refuse_requests()
        await self._to_its_end(self._unload_model(model))

    def index(self) -> list[IndexEntry]:
        """Return every version that is known, by name and rising number."""
        return self._catalogue.index()

    async def close(self) -> None:
        """End the changes that were asked for; a thread that reads is left to itself."""
        for change in self._changes:
            change.cancel()
        await asyncio.gather(*self._changes, return_exceptions=True)

    def _refuse_requests(self) -> None:
        if not self._by_request:
            raise NotByRequest

    async def _load_model(self, model: str) -> None:
        async with self._one_at_a_time:
            # Who asks says that the files are whole.
            sighting = await self._sighted(at_once=True)
            if sighting is None or model not in sighting.servings:
                raise ModelNotFound(model)
            self._unloaded.discard(model)
            # Who asks wants what failed to be tried again, and what made room to be brought back.
            for name, version, _ in self._catalogue.problems():
                if name == model:
                    self._known.pop((name, version), None)
                    if self._catalogue.state(name, version) in (EVICTED, UNLOADED):
                        self._catalogue.put(name, version, LOADING)
            policies = {m: p for m, p in _policies(sighting).items() if m == model}
            await self._follow(sighting, _stamps(sighting), policies, may_evict=True)
            await self._forget(sighting)
            entries = [entry for entry in self.index() if entry.model == model]
            if not entries or any(entry.reason for entry in entries):
                raise LoadFailed(model, [f"version {e.version}: {e.reason}" for e in entries if e.reason])

    async def _unload_model(self, model: str) -> None:
        async with self._one_at_a_time:
            entries = [entry for entry in self.index() if entry.model == model]
            if not entries:
                raise ModelNotFound(model)
            self._unloaded.add(model)
            for entry in entries:
                self._known.pop((model, entry.version), None)
                await self._becomes((model, entry.version), UNLOADED)

    async def _bring_back(self) -> None:
        self._wake.clear()
        while self._missed:
            key = next(iter(self._missed))
            del self._missed[key]
            async with self._one_at_a_time:
                sighting = await self._sighted()
                if sighting and self._catalogue.state(*key) == EVICTED and key in sighting.versions:
                    await self._load(sighting, key, may_evict=True)

    async def _follow(
        self,
        sighting: Sighting,
        steady: Mapping[Key, Stamp],
        policies: Mapping[str, VersionPolicy],
        *,
        may_evict: bool,
    ) -> None:
        while (step := next_step(steady, self._known, policies)) is not None:
            match step:
                case Load(key):
                    if self._catalogue.state(*key) == EVICTED:
                        self._known[key] = Known(steady[key], broken=False)  # read when it is asked for
                    else:
                        await self._load(sighting, key, may_evict=may_evict)
                case Drop(key):
                    del self._known[key]
                    await self._becomes(key, None)

    async def _load(self, sighting: Sighting, key: Key, *, may_evict: bool) -> None:
        seen = sighting.versions[key]
        before = self._catalogue.state(*key)
        serving = sighting.servings[key[0]]
        if isinstance(serving, UnservableModel):
            return await self._loaded(key, seen, Unready(serving.reason))
        cost = estimate_bytes(seen.size_bytes, serving.instances.copies)
        if self._limit_bytes is not None and cost > self._limit_bytes:
            return await self._loaded(key, seen, Unready(_too_large(cost, self._limit_bytes)))
        if not await self._make_room(key, cost, may_evict=may_evict):
            return await self._loaded(key, seen, EVICTED)
        if not isinstance(before, Servable):
            self._catalogue.put(*key, RETURNING if before == EVICTED else LOADING)
        state = await self._attempt(seen, serving)
        if isinstance(state, Servable):
            self._costs[key] = cost
        await self._loaded(key, seen, state)
        return None

    async def _loaded(self, key: Key, seen: Seen, state: Servable | Unready) -> None:
        serves_on = isinstance(self._catalogue.state(*key), Servable)
        broken = isinstance(state, Unready) and state != EVICTED
        self._known[key] = Known(seen.stamp, broken=broken and not serves_on)
        if isinstance(state, Servable):
            _LOG.info("%s version %d is ready: %s; %s", *key, state.digest, state.told)
        elif serves_on:
            _LOG.error("%s version %d: new files cannot be served, the old ones are: %s", *key, state.reason)
            self._catalogue.note(*key, f"its new files cannot be served, the old ones are: {state.reason}")
            return await self._told(Change(*key, self._catalogue.state(*key), failed=True))
        else:
            _LOG.log(
                logging.ERROR if broken else logging.INFO, "%s version %d cannot be served: %s", *key, state.reason
            )
        return await self._becomes(key, state, failed=broken)

    async def _attempt(self, seen: Seen, serving: Serving) -> Servable | Unready:
        found = seen.found
        try:
            async with asyncio.timeout(_LONGEST_LOAD_S):
                servable = await self._in_thread(partial(self._prepare, found, serving))
                # What was read is what was looked at, or the next look finds it changed.
                same = await self._in_thread(partial(stamp_of, found)) == seen.stamp
        except TimeoutError:
            return Unready(f"it did not load within {_LONGEST_LOAD_S:g} s")
        except UnservableModel as error:
            return Unready(error.reason)
        except Exception as error:  # noqa: BLE001 - whatever one version's files do, the others are served
            return Unready(f"it failed to load in a way nobody expected; see incident {record(_LOG, 'loading', error)}")
        return servable if same else Unready("its files were changed while they were read; load it again")

    async def _make_room(self, key: Key, cost_bytes: int, *, may_evict: bool) -> bool:
        if self._limit_bytes is None:
            return True
        # Old files are in memory until the new ones are ready: both count.
        loaded = [
            Resident(each, self._costs[each], self._catalogue.last_asked(*each), each == key or self._busy(*each))
            for each in self._known
            if isinstance(self._catalogue.state(*each), Servable)
        ]
        gone = evict(loaded, need_bytes=cost_bytes, limit_bytes=self._limit_bytes, now=self._now())
        if gone is None or (gone and not may_evict):
            return False
        for each in gone:
            _LOG.info("%s version %d makes room for %s version %d", *each, *key)
            await self._becomes(each, EVICTED)
        return True

    async def _becomes(self, key: Key, state: Servable | Unready | None, *, failed: bool = False) -> None:
        if not isinstance(state, Servable):
            self._costs.pop(key, None)
        if state is None:
            self._catalogue.remove(*key)
            _LOG.info("%s version %d is served no more", *key)
        else:
            self._catalogue.put(*key, state)
        await self._told(Change(*key, state, failed))

    def _miss(self, model: str, version: int) -> None:
        key = model, version
        now = self._now()
        if now >= self._retry_at.get(key, now):
            self._retry_at[key] = now + _RETRY_S
            self._missed[key] = None
            self._wake.set()

    async def _forget(self, sighting: Sighting) -> None:
        """Take out of the catalogue what nobody will load: it went before its turn, or after it was unloaded. What is
        named and is not there stays in it, to be told of."""
        missing = [key for key in sighting.missing() if key[0] not in self._unloaded and key not in self._known]
        for entry in self.index():
            key = entry.model, entry.version
            gone = entry.model not in self._unloaded or key not in sighting.versions
            if key not in self._known and key not in missing and gone:
                await self._becomes(key, None)
        for key in missing:
            if self._catalogue.state(*key) != MISSING:
                _LOG.error("%s version %d cannot be served: %s", *key, MISSING.reason)
                await self._becomes(key, MISSING, failed=True)

    async def _sighted(self, *, at_once: bool = False) -> Sighting | None:
        try:
            sighting = await self._in_thread(partial(look, self._root))
        except OSError as error:
            if not self._lost:
                _LOG.warning("%s cannot be looked at (%s); what is loaded serves on", self._root, error.strerror)
            self._lost = True
            return None
        if self._lost:
            _LOG.info("%s can be looked at again", self._root)
        self._lost = False
        self._oddities.tell(sighting.ignored, at_once=at_once)
        return sighting

    async def _in_thread(self, job: Callable[[], T]) -> T:
        token = object()

        def counted() -> T:
            try:
                return job()
            finally:
                self._threads.discard(token)

        self._threads.add(token)
        return await run_abandonable(counted, thread_name="model-load")

    async def _to_its_end(self, change: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        await asyncio.shield(task)


def _too_large(cost_bytes: int, limit_bytes: int) -> str:
    return (
        f"it is estimated to take {cost_bytes} bytes, which is more than the memory limit of {limit_bytes} by itself; "
        "raise the limit, or serve it elsewhere"
    )


def _stamps(sighting: Sighting) -> dict[Key, Stamp]:
    return {key: seen.stamp for key, seen in sighting.versions.items()}


def _policies(sighting: Sighting, known: Mapping[Key, Known] | None = None) -> dict[str, VersionPolicy]:
    """Return the policy of each model that is seen, and of those that are not any more but `known`."""
    policies: dict[str, VersionPolicy] = {model: _DEFAULT.versions for model, _ in known or ()}
    for model, serving in sighting.servings.items():
        policies[model] = _DEFAULT.versions if isinstance(serving, UnservableModel) else serving.versions
    return policies


def _first_choice(sighting: Sighting) -> list[Key]:
    stamps, policies = _stamps(sighting), _policies(sighting)
    known: dict[Key, Known] = {}
    while isinstance(step := next_step(stamps, known, policies), Load):
        known[step.key] = Known(stamps[step.key], broken=False)
    return list(known)
