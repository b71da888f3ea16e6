"""Show the phases as they go: a table that is drawn over itself on a terminal, a line for each phase elsewhere.

Only draws. Numbers are outcomes.py's; both forms show the same columns of the same summaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from edge_agent.demo.outcomes import PhaseSummary
from nearfar_wire.errors import MissingExtra

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["LiveTable", "PlainLines", "Report", "choose_report"]

_COLUMNS: Final = ("phase", "asked", "device", "cloud", "none", "accuracy", "p50 ms", "p95 ms", "late", "bytes sent")
# With a space between them 78: they fit a terminal of 80.
_WIDTHS: Final = (15, 5, 6, 5, 4, 8, 6, 6, 4, 10)


class Report(Protocol):
    """Shows phases while they run. Used in a `with` statement, which leaves the screen as it should stay."""

    def progress(self, summary: PhaseSummary) -> None:
        """Show where the running phase stands; as often as one likes."""

    def finished(self, summary: PhaseSummary) -> None:
        """Show what a phase came to."""

    def say(self, text: str) -> None:
        """Write a line of text, above the table where there is one."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def choose_report(stream: TextIO, environment: Mapping[str, str]) -> Report:
    """Return a live table for a terminal that takes one, and plain lines for everything else.

    A set NO_COLOR asks for plain text; so does TERM=dumb. Raises MissingExtra: on a terminal, without rich."""
    plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb" or not stream.isatty()
    return PlainLines(stream) if plain else LiveTable(stream)


class PlainLines:
    """One line for each finished phase, aligned under a heading."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._headed = False

    def progress(self, summary: PhaseSummary) -> None:
        """Shows nothing: a line that was written cannot be taken back."""

    def finished(self, summary: PhaseSummary) -> None:
        """See Report."""
        if not self._headed:
            self._headed = True
            self.say(_line(_COLUMNS))
        self.say(_line(_cells(summary)))

    def say(self, text: str) -> None:
        """See Report. Flushed, since who follows a pipe wants to see the demo go on."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class LiveTable:
    """One table, redrawn in place; the running phase is its last row."""

    def __init__(self, stream: TextIO) -> None:
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError as error:
            raise MissingExtra("the demo's live table", "demo") from error
        self._finished: list[PhaseSummary] = []
        self._live = Live(console=Console(file=stream), refresh_per_second=8)

    def progress(self, summary: PhaseSummary) -> None:
        """See Report."""
        self._live.update(_table([*self._finished, summary]))

    def finished(self, summary: PhaseSummary) -> None:
        """See Report."""
        self._finished.append(summary)
        self._live.update(_table(self._finished))

    def say(self, text: str) -> None:
        """See Report."""
        self._live.console.print(text, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _cells(summary: PhaseSummary) -> tuple[str, ...]:
    share = _share_of(summary.requests)
    return (
        summary.name,
        str(summary.requests),
        share(summary.on_device),
        share(summary.in_cloud),
        share(summary.requests - summary.answered),
        "-" if summary.accuracy is None else f"{summary.accuracy:.1%}",
        _ms(summary.p50_ms),
        _ms(summary.p95_ms),
        str(summary.deadline_misses),
        f"{summary.bytes_sent:,}",
    )


def _share_of(count: int) -> Callable[[int], str]:
    return lambda part: f"{part / count:.0%}" if count else "-"


def _ms(duration: float | None) -> str:
    return "-" if duration is None else f"{duration:.2f}" if duration < 100 else f"{duration:.0f}"


def _line(cells: Sequence[str]) -> str:
    first, *rest = (cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
    return " ".join([first.strip().ljust(_WIDTHS[0]), *rest])


def _table(summaries: Sequence[PhaseSummary]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for column, width in zip(_COLUMNS, _WIDTHS, strict=True):
        table.add_column(column, justify="left" if column == "phase" else "right", min_width=width, no_wrap=True)
    for summary in summaries:
        table.add_row(*_cells(summary))
    return table
