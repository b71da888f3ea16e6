"""The SDK's two fronts: `Agent` for threads, `AsyncAgent` for asyncio. One machine drives both.

with Agent.from_config("agent.toml") as agent:
    result = agent.infer("digits", {"pixels": pixels}, deadline_ms=50, privacy="personal")"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:  # an app that imports the SDK has not started an agent yet: numpy and pydantic wait until it does
    from prometheus_client import CollectorRegistry

    from edge_agent.cancellation import Cancellation
    from edge_agent.config import AgentConfig
    from edge_agent.core import Core
    from edge_agent.policies import PolicyStatus
    from edge_agent.result import Result
    from edge_agent.shadow import ShadowSummary
    from edge_agent.signals import SignalSource, SignalStatus, Source
    from edge_agent.telemetry.journal import Entry
    from router.types import Value

__all__ = ["Agent", "AsyncAgent"]

_NOTHING: Final[Mapping[str, Value | None]] = MappingProxyType({})


class _Front:
    """What both fronts can say and do beside inferring."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        registry: CollectorRegistry | None = None,
        sources: Sequence[Source] | None = None,
        signal_sources: Sequence[SignalSource] = (),
    ) -> None:
        """Start an agent. `registry` is the app's own, for metrics; `sources` replace the machine's sensors, and
        `signal_sources` add what only the app's system tells, for where nothing was measured.

        Raises ConfigError, ReleaseError: with what is wrong and where."""
        from edge_agent.core import Core

        self._core = Core(config, registry=registry, sources=sources, signal_sources=signal_sources)

    @classmethod
    def from_config(
        cls,
        path: str | os.PathLike[str],
        *,
        registry: CollectorRegistry | None = None,
        sources: Sequence[Source] | None = None,
        signal_sources: Sequence[SignalSource] = (),
    ) -> Self:
        """Start an agent from a TOML file; paths in it are relative to its folder. Raises ConfigError, ReleaseError."""
        from edge_agent.config import in_file, load_config
        from edge_agent.errors import ConfigError
        from nearfar_wire.errors import kind_of

        try:
            file = Path(path)
        except TypeError:
            problem = f"the path of a file is wanted, not {kind_of(path)}; an AgentConfig goes to {cls.__name__}"
            raise ConfigError("", problem) from None
        config = load_config(file)
        try:
            return cls(config, registry=registry, sources=sources, signal_sources=signal_sources)
        except ConfigError as error:
            raise in_file(error, file) from error

    @classmethod
    def over(cls, core: Core) -> Self:
        """Return a front of a core that was composed by hand, as edge_agent.testing does."""
        front = cls.__new__(cls)
        front._core = core
        return front

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        core: Core | None = getattr(self, "_core", None)  # none, where it did not start
        if core is not None and core.is_open:
            # It is not closed here: what collects garbage may hold any lock, and closing waits for threads.
            what = (
                f"{type(self).__name__} was dropped without close(), and its threads go on: use it in a with statement"
            )
            _warn(what, ResourceWarning, source=self)

    @property
    def policy(self) -> PolicyStatus:
        """Which policy is in force, and what is wrong with its file, if anything is."""
        return self._core.policy_status()

    @property
    def core(self) -> Core:
        """The parts behind this front, for tools that look inside, such as `nearfar-agent doctor`."""
        return self._core

    def signals(self) -> list[SignalStatus]:
        """Return every signal with value, source, age and cost."""
        return self._core.signal_statuses()

    def report(
        self,
        values: Mapping[str, Value | None] = _NOTHING,
        /,
        *,
        holds_s: float | None = None,
        **more: Value | None,
    ) -> None:
        """Say what the app knows of the device: `report(metered=True)` or `report({"link": "wifi"}, holds_s=3600)`.

        The next request is decided by it, unless the agent has measured the signal itself a moment ago. It holds for
        as long as a reading of the signal counts, or for `holds_s`, or until the app says otherwise; None says that
        it is not known any more. Costs some 0.1 ms: no call for every request.
        Raises SignalError: nothing of it was taken, because of what the error names. Raises AgentClosed."""
        self._core.report(values, more, holds_s)

    def feedback(self, result: Result, label: object) -> bool:
        """Say what would have been right for a request: a class by its name or index, or for other tasks the answer in
        full. Tells whether it was of use, which it is for a request that was audited, and not long ago.

        With the audits it makes a certificate of accuracy, where without it there is one of agreement alone.
        Raises RequestError: for a label that the model does not know. Raises AgentClosed."""
        return self._core.feedback(result, label)

    def last(self, count: int = 10) -> list[Entry]:
        """Return the newest decision records, the newest last."""
        return self._core.last(count)

    def shadow(self) -> ShadowSummary | None:
        """Return what the policy of `shadow_policy` would have done otherwise; None where none is configured.

        What still waits to be looked at is looked at first, which takes some 0.1 ms a request."""
        return self._core.shadow_summary()

    def explain(self, request_id: str) -> str:
        """Return a recent request's story in words. Raises KeyError: it is no longer in the journal."""
        return self._core.explain(request_id)


class Agent(_Front):
    """The synchronous agent. Safe to share between threads; close it when done, or use it as a context manager."""

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Any],  # Any: an array, or what numpy makes one of
        *,
        deadline_ms: float | None = None,
        privacy: str | None = None,
        cancellation: Cancellation | None = None,
        traceparent: str | None = None,
    ) -> Result:
        """Answer one request, on the device or remotely, within `deadline_ms` of now.

        `inputs` are arrays by the names, shapes and datatypes of the model's manifest. `privacy` is a label of the
        policy; without one the request is treated as the strictest label. On the device the model runs in this thread
        (unless `isolate` is set), and a run that has begun may bring its answer late, before it is stopped.
        `traceparent` (W3C) goes along with what is sent.
        Raises AgentError: one of its kinds, told in errors.py; never two, and never late by more than 0.1 s, or by what
        the model needs to come to its next node."""
        return self._core.answer(model, inputs, deadline_ms, privacy, cancellation, traceparent)

    def refresh(self) -> None:
        """Read every signal and the policy file now, round trips included."""
        self._core.refresh()

    def close(self) -> None:
        """Stop sampling and close every channel; safe twice. A request under way elsewhere may end in an error."""
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncAgent(_Front):
    """The asynchronous agent. The device's model runs in a worker thread; cancelling the task cancels the request."""

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Any],  # Any: an array, or what numpy makes one of
        *,
        deadline_ms: float | None = None,
        privacy: str | None = None,
        traceparent: str | None = None,
    ) -> Result:
        """See Agent.infer. The arrays must not change until it returns."""
        return await self._core.answer_async(model, inputs, deadline_ms, privacy, traceparent)

    async def refresh(self) -> None:
        """Read every signal and the policy file now, round trips included."""
        import asyncio

        await asyncio.to_thread(self._core.refresh)

    async def close(self) -> None:
        """Stop sampling and close every channel; safe twice."""
        import asyncio

        await asyncio.to_thread(self._core.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
