"""An app's own test, without a model, a cloud or a sensor: `python examples/fakes.py`."""

from __future__ import annotations

import asyncio

from edge_agent.testing import CloudModel, FakeCloud, FakeRuntime, fake_async_agent, fake_release


async def main() -> None:
    release = fake_release(runtime=FakeRuntime({"probabilities": [[0.1, 0.8, 0.1]]}))
    with FakeCloud({"tiny": CloudModel({"probabilities": [[0.7, 0.2, 0.1]]})}) as cloud:
        async with fake_async_agent(release, targets={"cloud": {"address": cloud.address}}) as agent:
            kept = await agent.infer("tiny", {"x": [[1, 2, 3, 4]]}, privacy="secret")
            print(f"secret: {kept.target} answered, {kept.receipt.sent_bytes} bytes left, cloud asked {cloud.calls}")
            several = await asyncio.gather(*(agent.infer("tiny", {"x": [[n, 0, 0, 0]]}) for n in range(4)))
            print(f"four at once: {[result.target for result in several]}")


if __name__ == "__main__":
    asyncio.run(main())
