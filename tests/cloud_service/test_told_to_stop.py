"""What tells the service to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloud_service.serve import told_to_stop


class _AsOnWindows(asyncio.SelectorEventLoop):
    def add_signal_handler(self, *_: Any) -> None:  # Any: asyncio's own
        raise NotImplementedError


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Leave the handlers of signals as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGABRT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, _AsOnWindows])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGBREAK"])
def test_each_signal_that_asks_a_service_to_stop_is_heard(
    name: str, loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a service ended without a drain where its parent or a closed window asked it to stop."""
    if not hasattr(signal, "SIGBREAK"):
        monkeypatch.setattr(signal, "SIGBREAK", signal.SIGABRT, raising=False)

    async def main() -> None:
        told = told_to_stop()
        signal.raise_signal(getattr(signal, name))
        async with asyncio.timeout(60):
            await told.wait()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
