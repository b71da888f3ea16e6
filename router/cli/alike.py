"""Whether everybody reads the same in a line of JSON: of a key that stands there twice some take the first."""

from __future__ import annotations

import json

from router.naming import shown

__all__ = ["not_alike"]


class _Twice(Exception):
    """A key that stands twice in one object."""


def not_alike(text: str) -> str:
    """Return what of JSON that could be read is not read alike by everybody; empty where nothing is."""
    try:
        json.loads(text, object_pairs_hook=_once)
    except _Twice as error:
        return f'the key "{shown(str(error))}" stands there twice'
    except (RecursionError, ValueError):
        return "JSON that not everybody reads alike"
    return ""


def _once(pairs: list[tuple[str, object]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        raise _Twice(next(name for name in names if sum(name == other for other, _ in pairs) > 1))
