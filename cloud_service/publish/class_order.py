"""Whether the data, or another model, number classes as a model does: told by its answers and what is wanted of it.

Data numbered otherwise (folders in alphabetical order, a background class in front) make a model look worthless, and
whatever is then certified means nothing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from router.cascade.binomial import interval, tail

__all__ = ["ADVICE", "DEVICE_ADVICE", "misnumbered", "no_better_than_chance"]

_LEVEL: Final = 0.98
# Another numbering has to explain so many times more: a model that confuses two classes is only a poor one.
_FAR_MORE: Final = 2.0
# As good as chance would look once in a hundred data sets, where in truth it is.
_CHANCE_LEVEL: Final = 0.01
_FEWEST: Final = 20
ADVICE: Final = "name the labels in the model's order (--labels-file), or leave them out (--no-labels)"
"""What to do about it."""
DEVICE_ADVICE: Final = "export the device model again, with its classes in the full model's order"
"""What to do where the full model numbers as the data do, and the device's does not."""


def misnumbered(answers: Sequence[int], wanted: Sequence[int], classes: int, *, agreement: bool = False) -> str | None:
    """Return in what way `wanted` is numbered otherwise than the `answers`; None: nothing says so.

    `classes` is how many numbers an answer has. Both have one element an example. `wanted` is what is right, or with
    `agreement` what the full model answers."""
    highest = max(wanted)
    if highest >= classes:
        met = "an answer of the full model" if agreement else "a label"
        return f"{met} is {highest}, and the model has {classes} classes, from 0 to {classes - 1}"
    right = _hits(answers, wanted)
    offset = max((1, -1), key=lambda offset: _hits(answers, [label + offset for label in wanted]))
    shifted = [label + offset for label in wanted]
    moved = _hits(answers, shifted)
    mapped, tried, chance = _mapped(answers, wanted)
    # One answer to nearly everything, beside one label of nearly everything, is no numbering.
    tells = _beyond_chance(moved, len(wanted), _chance(answers, shifted))
    if tells and _far_more(moved, right, len(wanted)) and moved * tried >= mapped * len(wanted):
        where = "one above" if offset == 1 else "one below"
        share = moved / len(wanted)
        whose = "the full model's" if agreement else "the label"
        return f"on {share:.0%} of the examples it answers the class {where} {whose}: its classes begin elsewhere"
    if _beyond_chance(mapped, tried, chance) and _far_more(mapped, round(right * tried / len(wanted)), tried):
        does, who = ("answers as the full model", "that") if agreement else ("is right", "the data")
        numbers = "numbers" if agreement else "number"
        return (
            f"it tells the classes apart ({mapped / tried:.0%} under another numbering), but {does} on "
            f"{right / len(wanted):.0%}: {who} {numbers} classes otherwise"
        )
    return None


def no_better_than_chance(answers: Sequence[int], wanted: Sequence[int], *, agreement: bool = False) -> str | None:
    """Return in words that `answers` are right no more often than they would be of unrelated inputs; None: they are.

    `agreement`: see misnumbered."""
    count, right = len(wanted), _hits(answers, wanted)
    if count < _FEWEST or _beyond_chance(right, count, _chance(answers, wanted)) or right == count:
        return None
    does = "answers as the full model" if agreement else "is right"
    return f"it {does} on {right / count:.0%} of the examples, which is chance"


def _hits(answers: Sequence[int], wanted: Sequence[int]) -> int:
    return sum(answer == label for answer, label in zip(answers, wanted, strict=True))


def _chance(answers: Sequence[int], wanted: Sequence[int]) -> float:
    """Return how often such answers would be right of unrelated inputs."""
    given, labels = Counter(answers), Counter(wanted)
    return sum(number * labels[answer] for answer, number in given.items()) / len(wanted) ** 2


def _beyond_chance(hits: int, count: int, chance: float) -> bool:
    return 1.0 - tail(hits - 1, count, chance) <= _CHANCE_LEVEL


def _mapped(answers: Sequence[int], wanted: Sequence[int]) -> tuple[int, int, float]:
    """Return on how many of how many examples the answer is the one that the other half's examples of its label get,
    and the share of them by chance."""
    hits = tried = 0
    expected = 0.0
    given = Counter(answers)
    pairs = list(zip(answers, wanted, strict=True))
    for learnt, asked in ((pairs[::2], pairs[1::2]), (pairs[1::2], pairs[::2])):
        by_label: dict[int, Counter[int]] = {}
        for answer, label in learnt:
            by_label.setdefault(label, Counter())[answer] += 1
        usual = {label: counts.most_common(1)[0][0] for label, counts in by_label.items()}
        # A model that always gives one answer would be right for every label.
        if len(set(usual.values())) < len(usual):
            usual = {label: answer for label, answer in usual.items() if list(usual.values()).count(answer) == 1}
        for answer, label in asked:
            tried += 1
            hits += usual.get(label) == answer
            expected += given[usual[label]] / len(answers) if label in usual else 0.0
    return hits, tried, min(1.0, expected / tried)


def _far_more(hits: int, right: int, count: int) -> bool:
    return interval(hits, count, _LEVEL)[0] > _FAR_MORE * interval(right, count, _LEVEL)[1]
