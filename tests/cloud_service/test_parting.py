from __future__ import annotations

import asyncio

from cloud_service.grpc.parting import Parting


async def _held(parting: Parting) -> asyncio.Task[None]:
    task = asyncio.create_task(parting.hold())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def _gathering(parting: Parting) -> asyncio.Task[bool]:
    task = asyncio.create_task(parting.gather())
    await asyncio.sleep(0)
    return task


def test_callers_are_held_from_when_they_gather_until_they_are_released() -> None:
    async def main() -> None:
        parting = Parting()
        assert (await _held(parting)).done(), "before"
        gathering = await _gathering(parting)
        first, second = await _held(parting), await _held(parting)
        assert await gathering
        assert not (first.done() or second.done())
        parting.release()
        await asyncio.gather(first, second)
        assert (await _held(parting)).done(), "after"

    asyncio.run(main())


def test_nobody_is_waited_for_where_nobody_comes() -> None:
    assert not asyncio.run(Parting().gather())


def test_a_caller_that_leaves_is_held_no_more() -> None:
    async def main() -> None:
        parting = Parting()
        gathering = await _gathering(parting)
        (await _held(parting)).cancel()
        assert not await gathering

    asyncio.run(main())
