"""A table of measured examples: the device's score, and for each target whether it was right. Pure.

score,device,cloud
0.93,1,1
0.41,0,1"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.simulate.answers import Example, Examples
from router.simulate.traces.lines import MAX_EXAMPLES, Lines, TraceFault, cells_of, numbered, only_place, seconds_number

__all__ = ["read_examples"]

_RIGHT: Final = {"1": True, "true": True, "0": False, "false": False}
_SCORE: Final = "score"


def read_examples(lines: Lines, targets: Sequence[str]) -> Examples:
    """Read a table with a column for each of `targets`.

    Raises TraceFault: for a column that is missing, and at the first row that is not what it should be."""
    examples: list[Example] = []
    places: list[int] = []
    for number, text in numbered(lines, MAX_EXAMPLES):
        cells = cells_of(text, ",")
        if not places:
            places = [only_place(number, name, cells) for name in (_SCORE, *targets)]
            continue
        if len(cells) <= max(places):
            raise TraceFault(number, f"has {len(cells)} columns, too few; is the table cut off here?")
        score = seconds_number(cells[places[0]])
        if score is None or not 0 <= score <= 1:
            raise TraceFault(number, "its score is no number from 0 to 1")
        right: dict[str, bool] = {}
        for name, place in zip(targets, places[1:], strict=True):
            told = _RIGHT.get(cells[place].lower())
            if told is None:
                raise TraceFault(number, f"whether {name} was right is told by 1 or 0, true or false")
            right[name] = told
        examples.append(Example(score, right))
    if not examples:
        raise TraceFault(0, "holds no example")
    return Examples(examples)
