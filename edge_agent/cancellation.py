"""A request's cancellation, as an app holds it in the synchronous SDK (an asynchronous one cancels the task)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

__all__ = ["Cancellation"]


class Cancellation:
    """Pass it to `Agent.infer` and call `cancel` from any thread; the request ends with RequestCancelled."""

    __slots__ = ("_callbacks", "_cancelled", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel every request that this was passed to, running or to come; safe twice."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once on cancellation: at once, if that was before."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Forget `callback`; harmless when it was called already."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
