"""Loads and runs damaged LiteRT files, one after the other: `python -m tests.builders.damaged_tflite FILE COUNT SEED`.

A program of its own, because the library might end the process that it is in. Says which file it is at before each, and
in the end how many were refused, by whom, and how many ran."""

from __future__ import annotations

import random
import resource
import struct
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge_agent.runtimes import CannotLoad, RunFailed
from edge_agent.runtimes.litert import LitertRuntime
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.digest import digest_of

__all__ = ["main"]

_WORDS: Final = (0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE)
_NUMBERS: Final = (0, 1, -1, 2, 3, 7, 255, 256, -2, 1000, 65535, 2**31 - 1, -(2**31), 2**30, 100_000)
# Tables and their lists of fields lie at both ends of a file; between them there are weights.
_ENDS: Final = 16_384
_MEMORY_BYTES: Final = 4 << 30


def main(path: Path, count: int, seed: int) -> None:
    """Try `count` damaged versions of the file at `path`."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    whole = path.read_bytes()
    outcomes: Counter[str] = Counter()
    for index in range(count):
        print(f"{index} of seed {seed}", flush=True)
        chance = random.Random(f"{seed}/{index}")
        damaged = (_bytes if index % 2 else _fields)(chance, whole)
        outcomes["unwritable" if damaged is None else _outcome(damaged)] += 1
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))


def _outcome(content: bytes) -> str:
    try:
        runtime = LitertRuntime("m", content, digest_of(content), at_once=1)
    except CannotLoad as error:
        return "refused by the library" if "LiteRT cannot load it" in str(error) else "refused by us"
    inputs = {
        spec.name: np.zeros([1 if size < 0 else size for size in spec.shape], DATATYPES[spec.datatype])
        for spec in runtime.inputs
        if np.prod([abs(size) for size in spec.shape]) < 1 << 24
    }
    try:
        runtime.run(inputs)
    except RunFailed:
        return "failed"
    return "ran"


def _bytes(chance: random.Random, whole: bytes) -> bytes:
    content = bytearray(whole)

    def at() -> int:
        edge = min(len(content), _ENDS)
        place = chance.randrange(len(content))
        return chance.choice((chance.randrange(edge), len(content) - 1 - chance.randrange(edge), place))

    kind = chance.randrange(5)
    if kind == 0:
        for _ in range(chance.randint(1, 8)):
            content[at()] ^= 1 << chance.randrange(8)
    elif kind == 1:
        for _ in range(chance.randint(1, 4)):
            place = at() & ~3
            content[place : place + 4] = struct.pack("<I", chance.choice((*_WORDS, len(whole), chance.getrandbits(32))))
    elif kind == 2:
        del content[chance.randrange(len(content)) :]
    elif kind == 3:
        source, place, size = at(), at(), chance.randint(1, 64)
        content[place : place + size] = content[source : source + size]
    else:
        place, size = at(), chance.randint(1, 128)
        content[place : place + size] = chance.randbytes(size)
    return bytes(content)


def _fields(chance: random.Random, whole: bytes) -> bytes | None:
    """Change one to three numbers of the tables, and write the file anew; None where the numbers cannot be written."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole, 0))
    places: list[Callable[[int], object]] = []
    _walk(model, places)
    for _ in range(chance.randint(1, 3)):
        number = chance.choice(_NUMBERS) if chance.random() < 0.7 else chance.randrange(200)
        chance.choice(places)(number)
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except (OverflowError, TypeError, struct.error):
        return None
    return bytes(builder.Output())


def _walk(table: Any, places: list[Callable[[int], object]]) -> None:  # Any: the schema's classes have no types
    for name, value in vars(table).items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            places.append(lambda number, name=name: setattr(table, name, number))
        elif isinstance(value, list | np.ndarray) and len(value) and hasattr(value[0], "__dict__"):
            for one in value:
                _walk(one, places)
        elif isinstance(value, list | np.ndarray) and 0 < len(value) < 300:
            places.extend(lambda number, name=name, at=at: _put(table, name, at, number) for at in range(len(value)))
        elif hasattr(value, "__dict__"):
            _walk(value, places)


def _put(table: Any, name: str, at: int, number: int) -> None:  # Any: as above
    values = list(getattr(table, name))
    values[at] = number
    setattr(table, name, values)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
