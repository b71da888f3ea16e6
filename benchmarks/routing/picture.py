"""The scores as a picture: a line for each rule, a dot for each day. Pure: days in, one SVG document out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.routing.measuring import Day
from benchmarks.routing.table import ranked

__all__ = ["drawn"]

_LEFT, _WIDTH, _LINE, _TOP = 230, 560, 22, 40
_WORST: Final = -1.0
"""Below this a dot stands at the edge: how much worse than useless does not matter."""
_COLOURS: Final = {"nearfar": "#0b6e4f", "peer": "#c44900", "baseline": "#5b6b7b", "oracle": "#7b2d8b"}
_OTHER: Final = "#1f4e9c"


def drawn(days: Sequence[Day]) -> str:
    """Return the picture."""
    rows = ranked(days)
    height = _TOP + _LINE * len(rows) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30} {height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="18">score on each day (there are {len(days)}); the bar is the median</text>',
    ]
    for score, label in ((_WORST, "-1 or worse"), (0.0, "best fixed choice"), (1.0, "bound")):
        x = _x(score)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 22}" stroke="#c8ced4"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#5b6b7b">{label}</text>')
    for place, rule in enumerate(rows):
        y = _TOP + _LINE * place + _LINE / 2
        colour = _COLOURS.get(rule.kind, _OTHER)
        parts.append(
            f'<text x="{_LEFT - 20}" y="{y + 4:.1f}" text-anchor="end" fill="{colour}">{escape(rule.name)}</text>'
        )
        for score in rule.scores:
            parts.append(f'<circle cx="{_x(score):.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" fill-opacity="0.45"/>')
        x = _x(statistics.median(rule.scores))
        parts.append(f'<rect x="{x - 1.5:.1f}" y="{y - 8:.1f}" width="3" height="16" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(score: float) -> float:
    kept = min(1.2, max(_WORST, score))
    return _LEFT + (kept - _WORST) / (1.2 - _WORST) * _WIDTH
