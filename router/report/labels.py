"""Where names stand beside what they name, so that none covers another. Pure.

Places are tried in turn, the nearest first; a name that finds none is left out, or takes the one that covers least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from router.values import value

__all__ = ["Box", "Label", "place", "shortened"]

_LETTER: Final = 6.4
"""Pixels that a letter takes on average, at the page's size of labels; rather too many."""
_BOLD_LETTER: Final = 8.0
_LINE: Final = 15.0
_NEAR: Final = 10.0


@value
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def covered_by(self, other: Box) -> float:
        """Return the area that both share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


@value
class Label:
    """A name, by how much it is moved from what it names, and which of its ends stands there."""

    text: str
    dx: float
    dy: float
    anchor: str
    far: bool = False
    """Whether it takes a line to see what it names."""


def shortened(text: str, width: float) -> str:
    """Return a name that takes no more than half of a drawing: beside a point in the middle, no more has room. Its end
    stays, because a version stands there."""
    most = int(width / 2 / _BOLD_LETTER)
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def place(
    names: Sequence[tuple[float, float, str]],
    taken: Sequence[Box],
    width: float,
    height: float,
    *,
    wanted: int,
    bold: int = 0,
) -> list[Label | None]:
    """Place names, given as (x, y, text) in pixels, beside their points; what comes first chooses first, and the first
    that are `wanted` stand somewhere in any case. The first `bold` of them are written so, and take more room."""
    boxes = list(taken)
    placed: list[Label | None] = []
    for number, (x, y, text) in enumerate(names):
        letter = _BOLD_LETTER if number < bold else _LETTER
        covers, label, box = _best(_places(x, y, text, letter * len(text)), boxes, width, height)
        if covers > 0 and len(placed) >= wanted:
            placed.append(None)
            continue
        boxes.append(box)
        placed.append(label)
    return placed


def _best(
    places: Iterator[tuple[Label, Box]], boxes: Sequence[Box], width: float, height: float
) -> tuple[float, Label, Box]:
    """Return the first place that covers nothing, or else the one that covers least, with how much that is."""
    best: tuple[float, Label, Box] | None = None
    for label, box in places:
        covers = sum(box.covered_by(other) for other in boxes) + 4 * _outside(box, width, height)
        if best is None or covers < best[0]:
            best = covers, label, box
        if not covers > 0:
            break
    assert best is not None
    return best


def _outside(box: Box, width: float, height: float) -> float:
    area = (box.right - box.left) * (box.bottom - box.top)
    return area - box.covered_by(Box(0.0, 0.0, width, height))


def _places(x: float, y: float, text: str, length: float) -> Iterator[tuple[Label, Box]]:
    for distance in (_NEAR, 24.0, 40.0):
        for across, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)):
            slant = 0.8 if across and down else 1.0
            dx, dy = across * distance * slant, down * (distance + 3) * slant
            anchor = {1: "start", -1: "end", 0: "middle"}[across]
            left = x + dx - {"start": 0.0, "end": length, "middle": length / 2}[anchor]
            middle = y + dy
            label = Label(text, dx, dy + 4, anchor, distance > _NEAR)
            yield label, Box(left, middle - _LINE / 2, left + length, middle + _LINE / 2)
