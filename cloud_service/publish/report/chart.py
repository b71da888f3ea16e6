"""Pictures of numbers as SVG text: axes with round steps, points, lines, bars. Colours are the page's, by class.

Everything drawn stays inside its frame, and every text is escaped. A chart knows nothing of releases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Axis", "Chart", "bars", "steps"]

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 18, 16, 52
_BAR_HEIGHT = 30
_NAME_WIDTH = 190
_LINE_HEIGHT = 12
# About: the font is the reader's.
_LETTER_WIDTH = 6.5


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction: its name with the unit, and the range that is shown. `share` writes 0.25 as 25 %."""

    name: str
    low: float
    high: float
    share: bool = False

    def part(self, value: float) -> float:
        """Return where `value` lies, 0 to 1; what is beyond the range lies on its edge."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def label(self, value: float) -> str:
        """Return `value` as it stands beside the axis."""
        return f"{value * 100:.4g} %" if self.share else f"{value:.4g}"


def steps(low: float, high: float, count: int = 5) -> list[float]:
    """Return some `count` round numbers from `low` to `high`, which is larger: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / count
    power: float = 10.0 ** math.floor(math.log10(rough))
    width = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / width - 1e-9)
    last = math.floor(high / width + 1e-9)
    return [index * width for index in range(first, last + 1)]


@dataclass(slots=True)
class Chart:
    """A frame with two axes, to draw into; later marks lie above earlier ones."""

    title: str
    x: Axis
    y: Axis
    _marks: list[str] = field(default_factory=list)
    _names: list[tuple[float, float, float]] = field(default_factory=list)
    """Left edge, width and line of each name that stands."""

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Join `points` in their order; `kind` is the class that the page colours."""
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self._at(*point) for point in points))
        self._marks.append(f'<polyline class="{escape(kind)}" points="{where}"/>')

    def point(self, x: float, y: float, kind: str, hint: str, name: str = "") -> None:
        """Mark one place; `hint` shows when the pointer rests on it, `name` always."""
        left, top = self._at(x, y)
        place = f'cx="{left:.1f}" cy="{top:.1f}"'
        self._marks.append(f'<circle class="{escape(kind)}" {place} r="5"><title>{escape(hint)}</title></circle>')
        if name:
            # Towards the middle, so that it does not leave the frame.
            after = self.x.part(x) < 0.6
            anchor, shift = ("start", 9) if after else ("end", -9)
            from_left = left + shift if after else left + shift - len(name) * _LETTER_WIDTH
            top = self._free(from_left, len(name) * _LETTER_WIDTH, top + 4)
            place = f'x="{left + shift:.1f}" y="{top:.1f}" text-anchor="{anchor}"'
            self._marks.append(f'<text class="name" {place}>{escape(name)}</text>')

    def _free(self, left: float, width: float, top: float) -> float:
        """Return where a name of this place and width stands on no other: as high as wanted, or below."""
        while any(
            abs(top - other) < _LINE_HEIGHT and left < begin + wide and begin < left + width
            for begin, wide, other in self._names
        ):
            top += 1
        self._names.append((left, width, top))
        return top

    def span(self, x: float, low: float, high: float, kind: str) -> None:
        """Draw an interval of y at `x`."""
        left, bottom = self._at(x, low)
        _, top = self._at(x, high)
        self._marks.append(
            f'<line class="{escape(kind)}" x1="{left:.1f}" y1="{bottom:.1f}" x2="{left:.1f}" y2="{top:.1f}"/>'
        )

    def svg(self) -> str:
        """Return the picture."""
        lines = [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self.title)}">',
            f"<title>{escape(self.title)}</title>",
        ]
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        for value in steps(self.x.low, self.x.high):
            left, _ = self._at(value, self.y.low)
            lines.append(f'<line class="grid" x1="{left:.1f}" y1="{_TOP}" x2="{left:.1f}" y2="{bottom}"/>')
            lines.append(
                f'<text x="{left:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(self.x.label(value))}</text>'
            )
        for value in steps(self.y.low, self.y.high):
            _, top = self._at(self.x.low, value)
            lines.append(f'<line class="grid" x1="{_LEFT}" y1="{top:.1f}" x2="{right}" y2="{top:.1f}"/>')
            lines.append(
                f'<text x="{_LEFT - 8}" y="{top + 4:.1f}" text-anchor="end">{escape(self.y.label(value))}</text>'
            )
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
        lines.append(
            f'<text class="axis" x="{middle_x}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(self.x.name)}</text>'
        )
        lines.append(
            f'<text class="axis" transform="translate(14 {middle_y}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.y.name)}</text>"
        )
        return "\n".join([*lines, *self._marks, "</svg>"])

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left = _LEFT + self.x.part(x) * (_WIDTH - _LEFT - _RIGHT)
        top = _HEIGHT - _BOTTOM - self.y.part(y) * (_HEIGHT - _TOP - _BOTTOM)
        return left, top


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return horizontal bars of shares, 0 to 1, each with its name before and its value behind it."""
    height = _BAR_HEIGHT * len(rows) + 12
    room = _WIDTH - _NAME_WIDTH - 70
    lines = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    for index, (name, share) in enumerate(rows):
        top = 6 + index * _BAR_HEIGHT
        length = min(1.0, max(0.0, share)) * room
        lines.append(f'<text x="{_NAME_WIDTH - 8}" y="{top + 19}" text-anchor="end">{escape(name)}</text>')
        lines.append(f'<rect class="bar" x="{_NAME_WIDTH}" y="{top + 4}" width="{length:.1f}" height="20"/>')
        lines.append(f'<text x="{_NAME_WIDTH + length + 8:.1f}" y="{top + 19}">{share * 100:.1f} %</text>')
    return "\n".join([*lines, "</svg>"])
