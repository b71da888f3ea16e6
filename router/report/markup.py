"""Elements of a page, written so that no text in it can become markup. Pure.

    tag("p", "5 < 6 of ", tag("b", name), class_="note")

A child that is a plain `str` is text and is escaped; only what `tag` and `raw` return is markup. So a name that a
stranger chose cannot open an element, leave an attribute or start a script, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

__all__ = ["Html", "as_json", "joined", "raw", "tag", "told"]

_VOID: Final = frozenset({"br", "hr", "input", "link", "meta"})


class Html(str):
    """A piece of markup. Made by this module alone."""

    __slots__ = ()


def raw(markup: str) -> Html:
    """Take a text of our own as markup."""
    return Html(markup)


def joined(parts: Iterable[str]) -> Html:
    """Return parts one after the other; those that are no markup are text."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def tag(element: str, /, *children: str | Sequence[str], **attributes: str | float | bool | None) -> Html:
    """Return an element. `class_` is the attribute class, `data_x` data-x; None and False leave one out."""
    said = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if element in _VOID:
        return Html(f"<{element}{said}>")
    inside = joined(part for child in children for part in ([child] if isinstance(child, str) else child))
    return Html(f"<{element}{said}>{inside}</{element}>")


def _attribute(key: str, value: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is False:
        return ""
    if value is True:
        return f" {name}"
    return f' {name}="{escape(value if isinstance(value, str) else told(value))}"'


def told(value: float) -> str:
    """Return a number for a drawing: a hundredth is far less than a pixel."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short in ("", "-0") else short


def as_json(name: str, document: object) -> Html:
    """Return data for the page's script. What would end a script element, or open a comment in it, is escaped."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(name)}">{text}</script>')
