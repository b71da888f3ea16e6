"""Lines and areas over slices of time, as paths in a drawing of one unit a slice and 100 units of height. Pure.

Such a drawing is stretched to whatever width there is, and a part of it is shown by another view of the same paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.report.scale import Scale
from router.simulate.slices import Range

__all__ = ["band", "bars", "held", "rises", "stack", "stretches"]


def _y(scale: Scale, quantity: float) -> str:
    # A tenth of a unit is less than a tenth of a pixel in any panel.
    return f"{100 * (1 - min(1.0, max(0.0, scale.at(quantity)))):.1f}".removesuffix(".0")


def held(seen: Range) -> list[tuple[float, float] | None]:
    """Return the least and most of each slice; of one that nothing was seen in, what was seen last."""
    last: tuple[float, float] | None = None
    ends: list[tuple[float, float] | None] = []
    for slice_ in range(len(seen.seen)):
        if seen.seen[slice_]:
            last = seen.low[slice_], seen.high[slice_]
            ends.append(last)
            mean = seen.mean(slice_)
            assert mean is not None
            last = mean, mean
        else:
            ends.append(last)
    return ends


def band(ends: Sequence[tuple[float, float] | None], scale: Scale) -> str:
    """Return an area from the least to the most of each slice, in steps; nothing where there is None."""
    parts: list[str] = []
    for start, end in _runs(ends):
        highs, lows = [], []
        for first, after in _levels(ends, start, end):
            pair = ends[first]
            assert pair is not None
            highs.append(f"V{_y(scale, pair[1])}h{after - first}")
            lows.append(f"V{_y(scale, pair[0])}h{first - after}")
        first_pair = ends[start]
        assert first_pair is not None
        parts.append(f"M{start} {_y(scale, first_pair[0])}{''.join(highs)}{''.join(reversed(lows))}Z")
    return "".join(parts)


def bars(seen: Range, scale: Scale) -> str:
    """Return an upright line from the least to the most of each slice in which something was seen."""
    return "".join(
        f"M{slice_}.5 {_y(scale, seen.low[slice_])}V{_y(scale, seen.high[slice_])}"
        for slice_ in range(len(seen.seen))
        if seen.seen[slice_]
    )


def stack(layers: Sequence[Sequence[float]], most: float) -> Iterator[str]:
    """Yield an area for each layer, in steps, the first at the bottom; `most` stands at the top."""
    bottom = [0.0] * len(layers[0])
    for layer in layers:
        top = [low + more for low, more in zip(bottom, layer, strict=True)]
        ends = [(low, high) if high > low else None for low, high in zip(bottom, top, strict=True)]
        yield band(ends, Scale(0.0, most, ()))
        bottom = top


def rises(counts: Sequence[float]) -> str:
    """Return an upright line of the whole height in each slice that has something."""
    return "".join(f"M{slice_}.5 0V100" for slice_, count in enumerate(counts) if count)


def stretches(counts: Sequence[float], *, most: float = 0.0) -> str:
    """Return an area of the whole height over the slices that have more than `most`."""
    ends = [(0.0, 1.0) if count > most else None for count in counts]
    return band(ends, Scale(0.0, 1.0, ()))


def _runs(ends: Sequence[object | None]) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for number, end in enumerate([*ends, None]):
        if end is None and start is not None:
            yield start, number
            start = None
        elif end is not None and start is None:
            start = number


def _levels(ends: Sequence[object | None], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of slices that are alike."""
    first = start
    for number in range(start + 1, end + 1):
        if number == end or ends[number] != ends[first]:
            yield first, number
            first = number
