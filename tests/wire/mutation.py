"""Bytes that were something once: some of them changed, added or taken away, for tests of what reads them."""

from __future__ import annotations

import random

from hypothesis import strategies as st

__all__ = ["mutated", "mutations"]


def mutated(chance: random.Random, seed: bytes) -> bytes:
    """Return `seed` after one to eight changes."""
    content = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) or 1)
        match chance.randrange(4):
            case 0 if content:
                content[at % len(content)] = chance.randrange(256)
            case 1:
                content[at:at] = chance.randbytes(chance.randint(1, 9))
            case 2:
                del content[at : at + chance.randint(1, 9)]
            case _:
                content[at:at] = content[: chance.randint(0, 40)]
    return bytes(content)


def mutations(seed: bytes) -> st.SearchStrategy[bytes]:
    """Draw what `mutated` makes of `seed`."""
    return st.randoms(use_true_random=False).map(lambda chance: mutated(chance, seed))
