"""What becomes of an agent that nobody closes: what it would have written in time is written when the program ends, and
until then neither that nor its threads keep alive what nobody else holds, such as its models."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakMethod

from edge_agent.remembered import Remembered
from edge_agent.spending import Ledger
from edge_agent.telemetry.record_log import RecordLog

if TYPE_CHECKING:
    from edge_agent.shadow import Shadow

__all__ = ["weakly", "write_down"]

Asked = ParamSpec("Asked")
Told = TypeVar("Told")


def weakly(method: Callable[Asked, Told], otherwise: Told) -> Callable[Asked, Told]:
    """Return a method to be called from a thread, which then does not keep the method's object alive; once that is gone
    the call returns `otherwise`."""
    weak = WeakMethod(method)

    def called(*args: Asked.args, **kwargs: Asked.kwargs) -> Told:
        alive = weak()
        return otherwise if alive is None else alive(*args, **kwargs)

    return called


def write_down(
    pid: int, remembered: Remembered | None, ledger: Ledger, shadow: Shadow | None, records: RecordLog | None
) -> None:
    """Write what would be written in time, and end the threads that do; nothing in a fork of the process `pid`.

    Does not close the agent: threads of a program that ends may still ask it."""
    if os.getpid() != pid:
        return
    if remembered is not None:
        remembered.stop()
    ledger.stop()
    if shadow is not None:
        shadow.stop()
    if records is not None:
        records.close()
