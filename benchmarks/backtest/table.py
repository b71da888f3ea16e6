"""A back-test's figures as lines of text. Only writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from benchmarks.backtest.agreement import RANGES, Foretold, put_together
from benchmarks.backtest.figures import Compared, Rival, SceneFigures, Swap
from benchmarks.backtest.logged import FromLog
from router.types import QUANTILES

__all__ = ["lines", "summary"]

_WRITTEN: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "cost": ("cost", lambda value: f"{value:.3f}"),
    "cloud": ("cloud %", lambda value: f"{100 * value:.0f}"),
    "late": ("late %", lambda value: f"{100 * value:.0f}"),
    "loss": ("loss %", lambda value: f"{100 * value:.1f}"),
    "p50_s": ("p50 ms", lambda value: f"{1000 * value:.0f}"),
    "p95_s": ("p95 ms", lambda value: f"{1000 * value:.0f}"),
    "kilobytes": ("kB", lambda value: f"{value:.1f}"),
}
_WIDTH: Final = 22


def lines(scene: SceneFigures) -> Iterator[str]:
    """Yield the lines of one scene."""
    machine = scene.machine
    yield f"{scene.network}: {scene.compared[0].requests} requests"
    yield (
        f"  measured here: a run on the device {1000 * machine.device_s:.1f} ms (±{machine.device_spread:.0%}), a call "
        f"but for the network {1000 * machine.service_s:.1f} ms (±{machine.service_spread:.0%})"
    )
    yield "  live, and below it the middle and the range of 95 % of what was simulated; ! where it came outside of it"
    yield "  " + " " * 18 + "".join(head.rjust(_WIDTH) for head, _ in _WRITTEN.values())
    for one in scene.compared:
        yield from _figures(one.name, one.figures)
    yield f"  the policy replaced half-way, by what it changed in the {scene.swap.requests} requests that followed"
    yield from _figures("hasty less auto", scene.swap.figures)
    yield from _from_log(scene.from_log)
    yield from _rival(scene.rival)
    yield from (f"  not a part of it: {problem}" for problem in scene.problems)


def summary(scenes: Sequence[SceneFigures]) -> Iterator[str]:
    """Yield how well all of it agreed."""
    every = [one for scene in scenes for one in scene.compared]
    requests = sum(one.requests for one in every)
    yield f"All {requests} requests: how many took a time within the range that was simulated for each"
    for share in RANGES:
        came = sum(one.coverage[share] * one.requests for one in every) / requests
        yield f"  {share:.0%} range: {came:.1%}"
    figures = [foretold for one in every for foretold in one.figures.values()]
    yield f"  of {len(figures)} figures {sum(one.inside for one in figures) / len(figures):.0%} within their 95 % range"
    yield "The agents' own predictions: how many times were no longer than each quantile"
    yield "  " + " " * 24 + "".join(f"{quantile:.0%}".rjust(8) for quantile in QUANTILES) + "   in 50 %  in 90 %"
    for where in ("live", "simulated"):
        yield from _reliability(where, every)
    swaps = [scene.swap for scene in scenes]
    yield _swaps(swaps)


def _figures(name: str, figures: Mapping[str, Foretold]) -> Iterator[str]:
    cells = [(figures[figure], write) for figure, (_, write) in _WRITTEN.items()]
    yield (
        "  "
        + name.ljust(18)
        + "".join((write(one.came) + (" " if one.inside else "!")).rjust(_WIDTH) for one, write in cells)
    )
    yield (
        "  "
        + " " * 18
        + "".join(f"{write(one.median)} [{write(one.low)}, {write(one.high)}]".rjust(_WIDTH) for one, write in cells)
    )


def _from_log(told: FromLog) -> Iterator[str]:
    if told.refused:
        yield f"  by the log of one that explores, hasty: not to be told; {told.refused}"
        return
    figures = ", ".join(
        f"{name} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}], and it came to {told.came[name]:.3f}"
        for name, one in told.estimated.items()
    )
    yield f"  by {told.records} records of one that explores, worth {told.effective:.0f}, hasty: {figures}"


def _rival(rival: Rival) -> Iterator[str]:
    live, simulated = rival.live, rival.simulated
    yield (
        f"  auto by the best rule, {rival.name}: {live.ratio:.3f} of its cost, {live.more:+.4f} [{live.low:+.4f}, "
        f"{live.high:+.4f}] a request; simulated {simulated.median:.3f} [{simulated.low:.3f}, {simulated.high:.3f}]"
    )


def _reliability(where: str, every: Sequence[Compared]) -> Iterator[str]:
    together = put_together([one.reliability if where == "live" else one.simulated for one in every])
    for target, told in together.items():
        shares = "".join(f"{below / told.count:.0%}".rjust(8) for below in told.below)
        yield (f"  {where:10}{target:7}{told.count:>7}{shares}   {told.within(0.5):7.0%}  {told.within(0.9):7.0%}")


def _swaps(swaps: Sequence[Swap]) -> str:
    figures = [one for swap in swaps for one in swap.figures.values()]
    inside = sum(one.inside for one in figures)
    return f"Policies replaced: {inside} of {len(figures)} changes within the 95 % range of what was predicted"
