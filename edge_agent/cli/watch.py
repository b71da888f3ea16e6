"""`nearfar-agent watch`: one line for each decision, as an agent makes them, out of the file of its records."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from edge_agent.config import load_config
from edge_agent.errors import ConfigError
from router.errors import RecordError
from router.telling.explain import in_words, reason
from router.telling.record import MAX_RECORD_BYTES, Record, from_json
from router.telling.wording import in_ms

__all__ = ["add_to", "follow"]

_LOOK_S: Final = 0.2
_COLUMN: Final = 20


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "watch",
        help="show decisions as an agent makes them",
        description="Show one line for each decision, out of the file that `records` names in the agent's "
        "configuration, and go on with what is added to it. Ends with Ctrl-C.",
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="the agent's configuration (TOML)")
    parser.add_argument(
        "--last", type=_count, default=10, metavar="N", help="begin with so many of what is there (default: 10)"
    )
    parser.add_argument("--once", action="store_true", help="show what is there, and wait for no more")
    parser.add_argument("--whole", action="store_true", help="show the whole story of each decision")
    parser.set_defaults(run=_run)


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1000000")
    return count


def _run(options: argparse.Namespace) -> int:
    path = load_config(options.config).records
    if path is None:
        raise ConfigError("records", "not set: name a file for decision records there", document=str(options.config))
    shown = _whole if options.whole else _line
    if options.once and not path.exists():
        print(f"nearfar-agent: {path}: there are no records yet", file=sys.stderr)
        return 1
    try:
        for line in follow(path, last=options.last, wait=None if options.once else lambda: time.sleep(_LOOK_S)):
            print(_shown(line, shown), flush=True)
    except KeyboardInterrupt:
        pass  # how one stops watching
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}"
        raise ConfigError("records", problem, document=str(options.config)) from error
    return 0


def follow(path: Path, *, last: int, wait: Callable[[], object] | None) -> Iterator[bytes]:
    """Yield the last lines of a file, then those that are added; calls `wait` where there are none (None: ends then).

    The file may be missing, be replaced by another one, or begin anew. A line is yielded once it has its end."""
    file = _opened(path)
    try:
        if file is not None:
            yield from deque(_lines(file), maxlen=last)
        while wait is not None:
            if file is not None:
                replaced = not _is_still(path, file)
                yield from _lines(file)  # asked before: nothing is added to a file that has been replaced
                if replaced:
                    file.close()
                    file = None
            if file is None:
                file = _opened(path)
            else:
                wait()
                continue
            if file is None:
                wait()
    finally:
        if file is not None:
            file.close()


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_RECORD_BYTES + 1):
        if not line.endswith(b"\n") and len(line) <= MAX_RECORD_BYTES:
            file.seek(-len(line), os.SEEK_CUR)  # still being written
            return
        yield line


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(file.fileno())
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) and there.st_size >= file.tell()


def _shown(line: bytes, shown: Callable[[Record], str]) -> str:
    try:
        return shown(from_json(line.decode()))
    except UnicodeDecodeError:
        return "(a line that is not text)"
    except RecordError as error:
        return f"({error})"


def _line(record: Record) -> str:
    request = record.decision.situation.request
    told = "refused: every target is closed" if record.outcome is None else reason(record.decision, record.outcome)
    label = "-" if request.label is None else request.label
    at = "-" if record.began_utc is None else _time_of_day(record.began_utc)
    taken = "-" if record.taken_s is None else in_ms(record.taken_s)
    beside = "" if record.shadow is None else f"; shadow: {record.shadow}"
    return f"{at:12}  {taken:>8}  {request.id}  {request.model:{_COLUMN}.{_COLUMN}}  {label:10.10}  {told}{beside}"


def _time_of_day(began_utc: float) -> str:
    """Return the time by this machine's clock, to the millisecond."""
    try:
        return datetime.fromtimestamp(began_utc).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (OverflowError, OSError, ValueError):
        return "?"  # no instant that a calendar knows


def _whole(record: Record) -> str:
    return in_words(record.decision, record.outcome, record.shadow)
