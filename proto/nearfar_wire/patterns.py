"""Whether a regular expression may take time out of all proportion to the text. Pure; of patterns in tokenizers' files.

Refused is what makes a backtracking matcher try every way to cut a text in pieces: a repetition of what repeats,
references back, and several repetitions in a row of which a later part may fail. What may match nothing, at the end of
an alternative, never fails, and what stands last before that fails at once or not at all: neither counts. So the time
grows at most with the square of the text. What is not understood is refused: it errs on that side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["why_slow"]

_MAX_LENGTH: Final = 4096
_MAX_DEPTH: Final = 16
_FEW: Final = 16
"""A repetition of at most so many is none to speak of."""

_GROUP: Final = re.compile(r"\(\?(?:[imsx-]*:|[=!>]|<[=!])")
_FLAGS: Final = re.compile(r"\(\?[imsx-]+\)")
_ESCAPE: Final = re.compile(r"\\(?:[pPx]\{[^}]{0,64}\}|[^1-9gk])", re.DOTALL)
_REPEATED: Final = re.compile(r"[*+?]|\{(\d{0,6})(,?)(\d{0,6})\}")


@dataclass(slots=True)
class _Item:
    """One thing to match. `alternatives` None: a character, or one of a class."""

    alternatives: list[list[_Item]] | None
    least: int = 1
    most: int = 1


class _Refused(Exception):
    """Its text says why."""


def why_slow(pattern: str) -> str:
    """Return why `pattern` is refused; empty where it is not."""
    if len(pattern) > _MAX_LENGTH:
        return f"is longer than {_MAX_LENGTH} characters"
    try:
        alternatives, at = _parse(pattern, 0, 0)
        if at < len(pattern):
            return "is not understood"
        if _repetitions(alternatives, last=True) > 1:
            return "has several repetitions before something that may fail"
    except _Refused as refused:
        return str(refused)
    return ""


def _parse(pattern: str, at: int, depth: int) -> tuple[list[list[_Item]], int]:
    if depth > _MAX_DEPTH:
        raise _Refused("is nested too deeply")
    alternatives: list[list[_Item]] = [[]]
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            alternatives.append([])
            at += 1
            continue
        if flags := _FLAGS.match(pattern, at):
            at = flags.end()
            continue
        item, at = _one(pattern, at, depth)
        alternatives[-1].append(item)
        at = _repeated(pattern, at, item)
    return alternatives, at


def _one(pattern: str, at: int, depth: int) -> tuple[_Item, int]:
    character = pattern[at]
    if character == "(":
        opened = _GROUP.match(pattern, at)
        if opened is None and pattern.startswith("(?", at):
            raise _Refused("has a group that is not understood")
        inside, at = _parse(pattern, opened.end() if opened else at + 1, depth + 1)
        if at >= len(pattern):
            raise _Refused("has a group without an end")
        return _Item(inside), at + 1
    if character == "\\":
        escaped = _ESCAPE.match(pattern, at)
        if escaped is None:
            raise _Refused("refers back to what it matched")
        return _Item(None), escaped.end()
    if character == "[":
        return _Item(None), _behind_class(pattern, at)
    if character in "*+?":
        raise _Refused("repeats nothing")
    return _Item(None), at + 1


def _behind_class(pattern: str, at: int) -> int:
    depth = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    raise _Refused("has a class without an end")


def _repeated(pattern: str, at: int, item: _Item) -> int:
    found = _REPEATED.match(pattern, at)
    if found is None or (found[0][0] == "{" and not (found[1] or found[3])):
        return at
    if found[0][0] == "{":
        item.least = int(found[1] or 0)
        item.most = int(found[3]) if found[3] else (_FEW + 1 if found[2] else item.least)
    else:
        item.least, item.most = {"*": (0, _FEW + 1), "+": (1, _FEW + 1), "?": (0, 1)}[found[0]]
    at = found.end()
    # Lazy, or giving nothing back, as a braced one cannot be said to.
    if pattern.startswith("?", at) or (found[0][0] != "{" and pattern.startswith("+", at)):
        at += 1
    if _REPEATED.match(pattern, at):
        raise _Refused("repeats what repeats")
    if item.most > 1 and item.alternatives is not None and _repeats(item.alternatives):
        raise _Refused("repeats what repeats")
    return at


def _repeats(alternatives: list[list[_Item]]) -> bool:
    # Of alternatives under a repetition, too, each letter can be cut in as many ways as there are that match it.
    return len(alternatives) > 1 or any(
        item.least != item.most or (item.alternatives is not None and _repeats(item.alternatives))
        for items in alternatives
        for item in items
    )


def _repetitions(alternatives: list[list[_Item]], *, last: bool) -> int:
    """Return how many repetitions in a row there may be, of which something behind makes the matcher try again."""
    return max(_in_a_row(items, last=last) for items in alternatives)


def _in_a_row(items: list[_Item], *, last: bool) -> int:
    end = len(items)
    if last:
        while end and items[end - 1].least == 0:
            end -= 1
    count = 0
    for index, item in enumerate(items[:end]):
        ends = last and index == end - 1
        if item.alternatives is not None:
            count += _repetitions(item.alternatives, last=ends)
        if item.most > _FEW and not ends:
            count += 1
    return count
