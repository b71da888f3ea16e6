"""What a search came to, in words: the notes in the tuned policy, and the lines that a command prints. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from router.rules.policy import Policy
from router.simulate.intervals import Figure
from router.simulate.remaining import Remaining
from router.toml.edit import Value
from router.tune.aims import Judge
from router.tune.heldout import Verdict
from router.tune.search import Found
from router.tune.space import Space

__all__ = ["at_best", "left_in_words", "notes_of", "outcome", "searched", "written"]


def notes_of(
    start: Policy,
    space: Space,
    found: Found,
    judge: Judge,
    held: Verdict,
    gains_in_training: Mapping[str, Figure],
    about: Sequence[str],
) -> dict[str, list[str]]:
    """Return the notes of the tuned policy by path, and those of the whole under the empty one."""
    aim, unit = judge.aim, judge.aim.objective.name
    head = [
        f"{_counted(len(found.point), 'number')} chosen for {aim}, from {start.name} version {start.version},",
        f"{start.digest[:23]}; evaluations: {found.evaluated}",
        *about,
        f"held out: {unit} {held.start.value:.4g} -> {held.tuned.value:.4g}, {_fell(held.gained)}",
    ]
    if any(path.startswith("worth.") for path in found.point):
        terms = ", ".join(f"{name} {value:g}" for name, value in _worth(start))
        head.append(f"costs are told by what the start says things are worth: {terms}")
    notes = {"": head, "version": [f"was {start.version}"]}
    for path in found.point:
        gains = [
            f"{where} {_fell(of[path])}"
            for where, of in (("held out", held.gains), ("in training", gains_in_training))
            if path in of
        ]
        notes[path] = [
            f"was {written(space.now[path])}; chosen for {unit}: {', '.join(gains) or 'goes with the others'}"
        ]
    return notes


def _worth(policy: Policy) -> Iterator[tuple[str, float]]:
    worth = policy.worth
    yield from (
        (name, getattr(worth, name))
        for name in ("wrong_answer", "missed_deadline", "failed_request", "second", "dollar", "megabyte", "joule")
    )


def searched(found: Found, space: Space, about: Sequence[str]) -> Iterator[str]:
    """Yield what was looked at."""
    yield from about
    idle = f"; {len(found.idle)} do nothing here: {', '.join(found.idle)}" if found.idle else ""
    yield f"{_counted(len(space.knobs), 'knob')} tried in {_counted(found.evaluated, 'evaluation')}{idle}"


def outcome(held: Verdict, judge: Judge) -> Iterator[str]:
    """Yield what the held-out part decided."""
    unit = judge.aim.objective
    yield f"{unit.name}, held out ({unit.unit}, for one request): {held.start.value:.4g} with the start,"
    yield f"{held.tuned.value:.4g} with what was found, {_fell(held.gained)}"
    for limit, part, figure in held.start_broken:
        yield f"the start breaks {limit} in {part}: {_between(figure)}"
    for limit, part, figure in held.broken:
        yield f"what was found breaks {limit} in {part}: {_between(figure)}"


def left_in_words(left: Remaining, cost: float) -> Iterator[str]:
    """Yield what a policy that costs `cost` leaves above the bound, and what it would take to gain it."""
    if not left.whole:
        return
    learnable, luck, to_come = (part / left.whole for part in (left.learnable, left.luck, left.to_come))
    yield (
        f"above the bound are {left.whole:.3g} of {cost:.4g}: {learnable:.0%} could be learnt, at most; no policy could"
        f" know the other {luck + to_come:.0%}, {luck:.0%} the luck and input of the request at hand and"
        f" {to_come:.0%} what is to come"
    )


def at_best(found: Found, judge: Judge) -> Iterator[str]:
    """Yield, where constraints are broken by the best policy of a search, which they are and how near one can come."""
    best = dict(zip([(limit, part) for limit, part, _ in judge.held(found.runs)], found.best_held, strict=True))
    alone = True
    for limit, part, figure in judge.broken(found.runs):
        nearest = best[limit, part]
        if nearest > limit.most:
            alone = False
            yield f"{limit} cannot be held in {part}: the nearest of {found.evaluated} policies comes to {nearest:.4g}"
        else:
            yield f"{limit} is not held in {part} with the others: {figure.value:.4g}; alone it comes to {nearest:.4g}"
    if alone:
        yield "each constraint can be held alone, but not all of them together"


def written(value: Value | None) -> str:
    """Return a value as a policy's author would write it."""
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def _fell(gained: Figure) -> str:
    """Return a fall in words, with its interval."""
    if gained.value == gained.low == gained.high == 0.0:
        return "nothing"
    return f"{_less(gained.value)} ({_less(gained.low)} to {_less(gained.high)})"


def _less(by: float) -> str:
    return f"{by:.3g} less" if by >= 0 else f"{-by:.3g} more"


def _between(figure: Figure) -> str:
    return f"{figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
