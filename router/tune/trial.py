"""One policy through one part: what a search asks for again and again. Pure, and equal for equal arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.rules.compile import compile_policy
from router.rules.policy import Worth
from router.simulate.driver import run
from router.simulate.tally import Block
from router.simulate.world import Setting
from router.types import Kind

__all__ = ["Part", "blocks_of", "kept", "tried"]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a scenario, with the seed of its chance."""

    name: str
    setting: Setting
    seed: int


def tried(part: Part, content: bytes, targets: Mapping[str, Kind], worth: Worth) -> list[Block]:
    """Run the policy `content` through `part`; costs are told by `worth`."""
    return run(part.setting, compile_policy(content, targets=targets), part.seed, worth=worth).blocks


_SUMS: Final = (
    "requests",
    "missed",
    "failed",
    "escalated",
    "up_bytes",
    "down_bytes",
    "cost",
    "wrong",
    "lost",
    "seconds",
    "joules",
    "usd",
)


_MOST: Final = 1e15
"""Of anything in a block."""


def kept(blocks: Sequence[Block], *, times: bool) -> dict[str, Any]:  # Any: a JSON document
    """Return blocks as a journal keeps them: sums by column, and `times` where something wants them."""
    columns: dict[str, Any] = {name: [getattr(block, name) for block in blocks] for name in _SUMS}
    if times:
        columns["times"] = [sorted(block.times.items()) for block in blocks]
    return columns


def blocks_of(columns: Mapping[str, Any]) -> list[Block]:  # Any: as above
    """Return the blocks of which `columns` were kept, to the last digit.

    Raises KeyError, TypeError, ValueError: for what was not kept so."""
    blocks = [Block() for _ in columns["requests"]]
    for name in _SUMS:
        for block, value in zip(blocks, columns[name], strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(name)
            if not -_MOST <= value <= _MOST:  # nor is what is no number
                raise ValueError(name)
            setattr(block, name, value)
    if "times" in columns:
        for block, times in zip(blocks, columns["times"], strict=True):
            block.times = Counter({_whole(bucket): _whole(count) for bucket, count in times})
    return blocks


def _whole(value: Any) -> int:  # Any: as above
    if type(value) is not int or abs(value) > _MOST:
        raise ValueError(value)
    return value
