"""Where a scenario's words lead on disk: the files beside it, packed or not, and what ships with the project.

Nothing is unpacked beyond a bound, and nothing but regular files is read: a scenario may come from a stranger."""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import IO, Final

from router.naming import did_you_mean
from router.simulate.scenario import MAX_SCENARIO_BYTES, Scenario, read_scenario
from router.simulate.sources import Described, Sources
from router.simulate.traces.lines import MAX_LINE_BYTES, MAX_TRACE_BYTES

__all__ = ["Beside", "files_of_shipped", "find_scenario", "shipped"]

_MAX_MEMBERS: Final = 100_000
_MAX_ARCHIVE_BYTES: Final = 1 << 30
_GZIP: Final = b"\x1f\x8b"
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz")


class Beside:
    """What stands beside a scenario in `folder`, and the catalogue. See router.simulate.sources.Sources.

    `read` is added each file that was opened."""

    def __init__(self, folder: Path | Traversable, read: list[Path] | None = None) -> None:
        self._folder = folder
        self._read: list[Path] = [] if read is None else read

    def lines(self, name: str) -> Iterable[bytes] | None:
        """See Sources."""
        path = self._file(name)
        if path is not None:
            return _lines(_opened(path, MAX_TRACE_BYTES))
        for archive, member in _within_archives(name):
            packed = self._file(archive)
            if packed is not None:
                return _member_lines(packed, member)
        return None

    def document(self, kind: Described, name: str) -> bytes | None:
        """See Sources."""
        if name.endswith(".toml"):
            path = self._file(name)
            return None if path is None else _start(path, MAX_SCENARIO_BYTES)
        if name not in self.known(kind):
            return None
        return _catalogue(kind).joinpath(f"{name}.toml").read_bytes()

    def known(self, kind: Described) -> Iterable[str]:
        """See Sources."""
        return _names(_catalogue(kind))

    def _file(self, name: str) -> Traversable | None:
        path = self._folder.joinpath(name)
        if not path.is_file():
            return None
        if isinstance(path, Path):
            self._read.append(path)
        return path


def shipped() -> list[str]:
    """Return the names of the scenarios that ship with the project."""
    return _names(_room("scenarios"))


def find_scenario(
    name: str, seen_by: Callable[[Sources], Sources] | None = None, *, read: list[Path] | None = None
) -> Scenario:
    """Read the scenario in the file `name`, or the one of this name that ships. Raises ScenarioError, OSError.

    `seen_by` stands between the scenario and what it names; `read` is added each file that was opened."""
    path = Path(name)
    read = [] if read is None else read
    if path.is_file():
        read.append(path)
        sources: Sources = Beside(path.parent, read)
        content = _start(path, MAX_SCENARIO_BYTES)
    elif name in shipped():
        room = _room("scenarios")
        sources, content = Beside(room, read), room.joinpath(f"{name}.toml").read_bytes()
    else:
        raise _not_there(name, path)
    return read_scenario(content, sources if seen_by is None else seen_by(sources), source=name)


def _not_there(name: str, path: Path) -> OSError:
    if path.is_dir():
        what = "Is a directory"
    elif path.exists():
        what = "Is no file, such as traces could lie beside; write the scenario into one"
    else:
        what = f"No such file, nor a scenario that ships{did_you_mean(name, shipped())}"
    return FileNotFoundError(errno.ENOENT, what, name)


def files_of_shipped(name: str) -> dict[str, bytes]:
    """Return the document of the scenario of this name that ships, first, and the files that it names, by their names.

    Raises OSError: for a name that none has."""
    if name not in shipped():
        raise FileNotFoundError(errno.ENOENT, f"No scenario that ships{did_you_mean(name, shipped())}", name)
    room, document = _room("scenarios"), f"{name}.toml"
    content = room.joinpath(document).read_bytes()
    beside = _Noting(room)
    read_scenario(content, beside, source=name)
    return {document: content, **{each: room.joinpath(each).read_bytes() for each in beside.named}}


class _Noting(Beside):
    """Notes which files are asked for."""

    def __init__(self, folder: Traversable) -> None:
        super().__init__(folder)
        self.named: list[str] = []

    def lines(self, name: str) -> Iterable[bytes] | None:
        """See Sources."""
        self.named.append(name)
        return super().lines(name)


def _room(name: str) -> Traversable:
    return files("router.simulate").joinpath(name)


def _catalogue(kind: Described) -> Traversable:
    return _room("catalogue").joinpath(kind)


def _names(room: Traversable) -> list[str]:
    return sorted(entry.name.removesuffix(".toml") for entry in room.iterdir() if entry.name.endswith(".toml"))


def _start(path: Traversable, most_bytes: int) -> bytes:
    # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
    with path.open("rb") as file:
        return file.read(most_bytes + 1)


def _opened(path: Traversable, most_bytes: int) -> IO[bytes]:
    """Open a file of at most so many bytes, packed or not. Raises OSError: also for a larger one, of which nothing is
    read."""
    file = path.open("rb")
    if file.seek(0, os.SEEK_END) > most_bytes:
        file.close()
        raise _too_large(most_bytes)
    file.seek(0)
    return file


def _too_large(most_bytes: int) -> OSError:
    return OSError(
        errno.EFBIG, f"larger than {most_bytes >> 20} MiB, which is the most that is read; cut it, or thin it out"
    )


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        start = file.read(len(_GZIP))
        file.seek(0)
        if start != _GZIP:
            yield from _bounded(file)
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _bounded(unpacked)
        except zlib.error as error:
            raise OSError(errno.EIO, f"damaged: {error}") from error


def _bounded(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    left = MAX_TRACE_BYTES
    # Bounded: a file without line ends is not read into memory.
    while line := file.readline(MAX_LINE_BYTES + 1):
        left -= len(line)
        if left < 0:
            raise _too_large(MAX_TRACE_BYTES)
        yield line


def _within_archives(name: str) -> Iterator[tuple[str, str]]:
    """Return each way to read `name` as a tar archive and a file in it."""
    parts = PurePosixPath(name).parts
    for end in range(1, len(parts)):
        if parts[end - 1].endswith(_ARCHIVES):
            yield str(PurePosixPath(*parts[:end])), str(PurePosixPath(*parts[end:]))


def _member_lines(path: Traversable, member: str) -> Iterable[bytes] | None:
    """Return the lines of a file in an archive. Raises OSError, EOFError."""
    lines = _found_lines(path, member)
    return None if next(lines, None) is None else lines


def _found_lines(path: Traversable, member: str) -> Iterator[bytes]:
    """Yield nothing where there is no such file in an archive; else something when it was found, and then its lines."""
    try:
        with _opened(path, _MAX_ARCHIVE_BYTES) as file:
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            # As a stream: nothing is looked up by an offset that the archive claims, and nothing is written.
            with tarfile.open(fileobj=file, mode="r|gz" if packed else "r|") as archive:
                passed = 0
                for number, found in enumerate(archive):
                    passed += found.size  # told before it is unpacked
                    if number >= _MAX_MEMBERS or passed > _MAX_ARCHIVE_BYTES:
                        most = f"more than {_MAX_ARCHIVE_BYTES >> 20} MiB, or {_MAX_MEMBERS:,} files, before it"
                        raise OSError(errno.EFBIG, f"the archive has {most}; put it into a smaller one")
                    if found.isfile() and str(PurePosixPath(found.name)) == member:
                        if found.size > MAX_TRACE_BYTES:
                            raise _too_large(MAX_TRACE_BYTES)
                        content = archive.extractfile(found)
                        assert content is not None
                        yield b""
                        yield from _bounded(content)
                        return
    except (tarfile.TarError, zlib.error) as error:
        raise OSError(errno.EIO, f"damaged, or neither a plain archive nor one packed with gzip: {error}") from error
