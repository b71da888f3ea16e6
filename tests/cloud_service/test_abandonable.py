from __future__ import annotations

import asyncio
import threading

import pytest

from cloud_service.abandonable import run_abandonable


def test_what_the_job_returns_or_raises_is_the_callers() -> None:
    def fail() -> None:
        raise KeyError("missing")

    async def main() -> None:
        assert await run_abandonable(lambda: 7, thread_name="job") == 7
        with pytest.raises(KeyError):
            await run_abandonable(fail, thread_name="job")

    asyncio.run(main())


@pytest.mark.timeout(20)
def test_a_job_that_hangs_holds_up_neither_its_caller_nor_the_loop_nor_the_process() -> None:
    hung, go = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hang() -> None:
        threads.append(threading.current_thread())
        hung.set()
        assert go.wait(30)

    async def main() -> None:
        caller = asyncio.create_task(run_abandonable(hang, thread_name="job"))
        await asyncio.to_thread(hung.wait, 10)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

    asyncio.run(main())
    (thread,) = threads
    assert thread.is_alive()
    assert thread.daemon
    go.set()
    thread.join(10)
    assert not thread.is_alive()
