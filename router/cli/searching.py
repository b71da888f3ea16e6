"""The runs that a search asks for: made side by side, written into a journal as they end, and read from it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from router.errors import PolicyError, TuneError
from router.rules.compile import compile_policy
from router.rules.policy import Worth
from router.simulate.spread import Spread, Watch, nobody
from router.simulate.tally import Block
from router.tune.journal import MAX_LINE_BYTES, Header, Known, first_line, line_of, read
from router.tune.search import Asked, Found, Runs
from router.tune.space import Point, key_of
from router.tune.trial import Part, tried
from router.tune.writing import as_document
from router.types import Kind

__all__ = ["Journal", "Runner"]

# What a line of a terminal has beside the bar.
_SHOWN: Final = 48


class Journal:
    """The file beside the output, or none: then what was run is known for as long as it runs. Used in a `with`
    statement; `done` deletes it."""

    def __init__(self, path: Path | None, header: Header, *, times: bool) -> None:
        """Open it, or begin it. Raises TuneError, OSError."""
        self.path = path
        self._times = times
        self.known: Known = {}
        self._file: IO[bytes] | None = None
        if path is None:
            return
        whole = 0
        if path.exists():
            with path.open("rb") as file:
                try:
                    self.known, whole = read(_lines(file), header)
                except TuneError as error:
                    raise TuneError(f"{path}: {error}") from error
        self._file = path.open("ab")
        self._file.truncate(whole)
        if not whole:
            try:
                self._write(first_line(header))
            except OSError:
                self._close()  # left open, it would tell of the same once more, in words of Python's
                raise

    def add(self, part: str, point: Point, blocks: list[Block] | None) -> None:
        """Note what one policy came to in one part."""
        self.known[part, key_of(point)] = blocks
        self._write(line_of(part, key_of(point), blocks, times=self._times))

    def done(self) -> None:
        """It is needed no longer."""
        self._close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line.encode("utf-8"))
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _close(self) -> None:
        # What is left in its buffer is a line that could not be written, and was told to be so.
        with suppress(OSError):
            if self._file is not None:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    # Bounded: a file without line ends is not read into memory.
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line


class Runner:
    """Runs points of one start. `watch` is told of each run before it is waited for, and of those that are known."""

    def __init__(
        self,
        start: bytes,
        targets: Mapping[str, Kind],
        worth: Worth,
        journal: Journal,
        spread: Spread,
    ) -> None:
        self._start = start
        self._targets = targets
        self._worth = worth
        self._journal = journal
        self._spread = spread
        self._watch: Watch = nobody

    def watched_by(self, watch: Watch) -> None:
        """From now on it is this one."""
        self._watch = watch

    def search(self, asked: Asked, parts: Sequence[Part]) -> Found:
        """Answer what a search asks, until it is through."""
        try:
            points = next(asked)
            while True:
                points = asked.send(self.run(points, parts))
        except StopIteration as ended:
            found: Found = ended.value
            return found

    def run(self, points: Sequence[Point], parts: Sequence[Part]) -> list[Runs]:
        """Return what each point comes to in each part."""
        ready: list[tuple[Point, Part, Callable[[], list[Block]]]] = []
        for point in points:
            for part in parts:
                if (part.name, key_of(point)) in self._journal.known:
                    self._watch("known from before")
                elif (content := self._policy(point)) is None:
                    self._watch("no policy")
                    self._journal.add(part.name, point, None)
                else:
                    ready.append((point, part, partial(tried, part, content, self._targets, self._worth)))
        results = self._spread([task for _, _, task in ready])
        for point, part, _ in ready:
            self._watch(f"{part.name}: {', '.join(point) or 'the start'}"[:_SHOWN])
            self._journal.add(part.name, point, next(results))
        return [self._known(point, parts) for point in points]

    def _policy(self, point: Point) -> bytes | None:
        """Return the document of a point; None where it is one that cannot be put in force."""
        content = as_document(self._start, point)
        try:
            compile_policy(content, targets=self._targets)
        except PolicyError:
            return None
        return content

    def _known(self, point: Point, parts: Sequence[Part]) -> Runs:
        runs = [self._journal.known[part.name, key_of(point)] for part in parts]
        return None if any(blocks is None for blocks in runs) else [blocks for blocks in runs if blocks is not None]
