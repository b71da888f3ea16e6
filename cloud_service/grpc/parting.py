"""How a port parts with its callers: gRPC cancels calls that arrive while it closes, and callers would not know that
they can go elsewhere.

So those that the service refuses because it stops are held for a moment before the port closes. Whoever calls again
and again waits then in a call that the service has, and is refused when its connection takes no further ones."""

from __future__ import annotations

import asyncio
from typing import Final

__all__ = ["Parting"]

# A caller that was refused comes again after some milliseconds, if it does not wait for longer.
_QUIET_S: Final = 0.03
_LONGEST_S: Final = 0.2


class Parting:
    """See the module. For one event loop; `gather` and `release` once each, in this order."""

    def __init__(self) -> None:
        self._held: set[asyncio.Future[None]] = set()
        self._gathers = False

    async def hold(self) -> None:
        """Keep back a refusal while callers gather; at once over before and after."""
        if not self._gathers:
            return
        held = asyncio.get_running_loop().create_future()
        self._held.add(held)
        try:
            await held
        finally:
            self._held.discard(held)

    async def gather(self) -> bool:
        """Hold who comes from now on, until for a moment nobody came any more; return whether anyone is held."""
        self._gathers = True
        loop = asyncio.get_running_loop()
        until, before = loop.time() + _LONGEST_S, -1
        while before != len(self._held) and loop.time() < until:
            before = len(self._held)
            await asyncio.sleep(_QUIET_S)
        return bool(self._held)

    def release(self) -> None:
        """Let everyone go who is held, and hold nobody any more."""
        self._gathers = False
        for held in self._held:
            if not held.done():
                held.set_result(None)
