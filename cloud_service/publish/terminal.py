"""What a person sees while a release is made, and after: a bar and tables; plain lines without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from cloud_service.publish.doubt import doubts
from cloud_service.publish.telling import accuracy
from router.cascade.learn import Method, smallest_n

if TYPE_CHECKING:
    from cloud_service.publish.prepared import Prepared
    from cloud_service.publish.recertify import Recertified
    from router.cascade.certificate import Certificate

__all__ = ["show_prepared", "show_recertified", "watch"]

_PLAIN_WIDTH = 120


@contextmanager
def watch() -> Iterator[Callable[[str, int, int], None]]:
    """Give what is told of progress: a bar a stage on a terminal; elsewhere a line when a stage ends."""
    if not sys.stderr.isatty():
        yield _line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        stages = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield tell


def show_prepared(made: Prepared, *, stderr: bool = False) -> None:
    """Print candidates, promises and where the release lies; to `stderr` where something else goes to stdout."""
    console = _console(stderr=stderr)
    headings = _right("ms (median)", "MiB", "agreement", "accuracy")
    table = Table("candidate", *headings, "", box=None, pad_edge=False)
    for row in made.compression.measured:
        chosen = row is made.compression.chosen
        figures = [f"{row.latency_ms_p50:.3g}", f"{row.size_bytes / (1 << 20):.3g}"]
        figures += [_share(row.agreement), _share(row.accuracy)]
        figures = [""] * len(figures) if row.skipped else figures
        mark = "ships" if chosen else row.skipped or ("worth having" if row.on_front else "")
        table.add_row(escape(row.name), *figures, escape(mark), style="bold" if chosen else None)
    console.print(table)
    where = ", ".join(made.manifest.measured)
    console.print(
        f"measured on examples of the fit set, one at a time, for {escape(where)}; 95 % intervals in brackets"
    )
    for note in made.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    if told := accuracy(made):
        console.print(f"\nright on the evaluation set: {escape('; '.join(told))}", soft_wrap=True)
    _promises(console, made.certificate, made.certified.refused)
    strictest = made.certificate.promises[0]
    console.print(
        f"to the cloud at {strictest.alpha:.2%}: {1 - strictest.kept:.1%}, by the best threshold on confidence alone "
        f"{made.certified.best_fixed:.1%}, by somebody who knew every answer {made.certified.hindsight:.1%}",
        soft_wrap=True,
    )
    console.print(f"servers load {escape(str(made.out / 'cloud'))}", soft_wrap=True)
    console.print(f"written to {escape(str(made.out))}", soft_wrap=True)


def show_recertified(renewed: Recertified) -> None:
    """Print what the new certificate promises, and what became of the audits."""
    console = _console()
    told = "".join(f", {count} {why}" for why, count in renewed.left_out.items())
    console.print(
        f"{renewed.used} audits used, {renewed.kept} of them kept on the device{escape(told)}", soft_wrap=True
    )
    if 0 < renewed.labelled < renewed.used:
        console.print(
            f"{renewed.labelled} say who was right; as not all do, agreement is what is promised. If those were drawn "
            "by chance, --labelled promises accuracy by them alone",
            soft_wrap=True,
        )
    _promises(console, renewed.certificate, renewed.refused)


def _promises(console: Console, certificate: Certificate, refused: Sequence[str]) -> None:
    of_what = "accuracy" if certificate.method is Method.LABELS else "agreement with the full model"
    counts = f"{certificate.n_fit} fit, {certificate.n_calibrate} calibrate, {certificate.n_evaluate} evaluate"
    console.print(f"\npromise: to keep answers on the device costs at most so much {of_what}, over all requests")
    console.print(f"({counts}; {escape(certificate.split)})", soft_wrap=True)
    headings = _right("costs at most", "confidence", "kept on device", "cost in evaluation", "smallest n")
    table = Table(*headings, box=None, pad_edge=False)
    for promise in certificate.promises:
        needed = smallest_n(certificate.method, promise.alpha, promise.delta)
        table.add_row(
            f"{promise.alpha:.2%}",
            f"{1 - promise.delta:.0%}",
            "nothing" if promise.threshold is None else f"{promise.kept:.1%}",
            f"{promise.loss:.2%}",
            str(needed),
        )
    console.print(table)
    if certificate.method is Method.LABELS:
        console.print("a cost below zero: the device was right where the full model was not")
    console.print("smallest n: examples to calibrate on that a device needs which never loses")
    if any(promise.threshold is None for promise in certificate.promises):
        console.print("what keeps nothing would take more examples, or a device model that is nearer to the full one")
    for doubt in doubts(certificate):
        console.print(doubt, soft_wrap=True)
    for reason in refused:
        console.print(f"not promised: {escape(reason)}", soft_wrap=True)
    console.print("not covered:")
    for text in certificate.not_covered:
        console.print(f"  {escape(text)}", soft_wrap=True)


def _console(*, stderr: bool = False) -> Console:
    shown = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr) if shown else Console(stderr=stderr, width=_PLAIN_WIDTH)


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]


def _share(found: tuple[float, float, float] | None) -> str:
    return "" if found is None else f"{found[0]:.1%} ({found[1]:.1%} to {found[2]:.1%})"


def _line(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done}", file=sys.stderr)
