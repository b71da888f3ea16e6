"""How long a call's message may take to come. A call that has sent none is one of those that there may be: whoever
opened as many and sent nothing kept everybody else out, for as long as the connection lasted.

So a message has as long as a call, and little time where many are waited for. One alarm looks after all of them: nearly
every message is there with its call, which should not pay for a timer of its own."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import Any, Final

import grpc.aio

from cloud_service.errors import CallError, DeadlineExceeded, InvalidInput, Overloaded

__all__ = ["Arrivals"]

# A short message is there with its call; half a megabyte takes a caller with a poor line this long.
_CROWDED_S: Final = 2.0
# How late the alarm may be.
_TICK_S: Final = 0.25


class _Wait:
    """One call's. `late` is what to say of it once its time is over."""

    __slots__ = ("crowded", "late", "task", "until")

    def __init__(self, task: asyncio.Task[Any], until: float, *, crowded: bool) -> None:  # Any: gRPC's
        self.task = task
        self.until = until
        self.crowded = crowded
        self.late = False


class Arrivals:
    """For one event loop. `at_most` calls may be waited for as long as `within_s`, which is what a call has, those
    beyond for `crowded_s`."""

    def __init__(self, *, within_s: float, at_most: int, crowded_s: float = _CROWDED_S) -> None:
        self._within_s = within_s
        self._crowded_s = min(crowded_s, within_s)
        self._at_most = at_most
        self._waits: dict[_Wait, None] = {}
        self._armed = False

    async def message(self, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:  # Any: nothing of it is parsed yet
        """Return the message of a call.

        Raises DeadlineExceeded, Overloaded: where it did not come in time. Raises InvalidInput: where none comes."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        crowded = len(self._waits) >= self._at_most
        wait = _Wait(task, loop.time() + (self._crowded_s if crowded else self._within_s), crowded=crowded)
        self._waits[wait] = None
        if not self._armed:
            self._arm(loop)
        try:
            received: object = await context.read()
        except asyncio.CancelledError:
            if not wait.late or task.uncancel():
                raise
            raise _too_late(wait) from None
        finally:
            del self._waits[wait]
        if not isinstance(received, bytes):
            raise InvalidInput("the call ended without a message; send the protocol's")
        return received

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for wait in self._waits:
            if wait.until <= now and not wait.late:
                wait.late = True
                wait.task.cancel()
        self._armed = False
        if self._waits:
            self._arm(loop)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._armed = True
        # In a context of its own: in the call's, which holds the call, that would live for as long as any waits.
        loop.call_later(_TICK_S, self._look, context=Context())


def _too_late(wait: _Wait) -> CallError:
    if not wait.crowded:
        return DeadlineExceeded()
    problem = "many calls are open whose message has not come, nor has this one's; send it whole"
    return Overloaded(problem, reason="limit", pushback_s=_CROWDED_S)
