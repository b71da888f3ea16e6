"""How names are told back to who wrote them, and what a mistyped one was probably meant to be. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

__all__ = ["did_you_mean", "foreign", "reads_as_plain", "shown"]

# difflib is quadratic in the length: a megabyte of key must not cost a second.
MAX_SHOWN: Final = 64
_MAX_LISTED: Final = 24
_PLAIN: Final = re.compile(r"\s*([+-]?[0-9._]+([eE][+-]?[0-9]+)?|true|false)\s*")
# So many letters of a name's beginning say which one was meant.
_MIN_BEGINNING: Final = 3
# Letters of other alphabets that look the same in most fonts, and come in by copying from a document.
_ALIKE: Final = str.maketrans(
    "аеорсухіјѕԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρτυВЕКМНОРСТУХАІ‐‑‒–—−",
    "aeopcyxijsdhqwABEZHIKMNOPTYXovaptuBEKMHOPCTYXAI------",
)


def shown(name: str, most: int = MAX_SHOWN) -> str:
    """Return a name as a message can hold it: of `most` letters, and without what a terminal would obey or hide."""
    cut = name[:most]
    if cut.isprintable():
        return cut
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return `; did you mean "..."?` for the nearest known name, or the list of known names where none is near.

    A letter that only looks like one of ours is told by its name, as nobody could see it."""
    names = sorted(known)
    plain = _plain(given[:MAX_SHOWN])
    by_plain = {name.casefold(): name for name in names}
    near = get_close_matches(plain, by_plain, n=1, cutoff=0.6)
    if not near and len(plain) >= _MIN_BEGINNING:
        near = [name for name in by_plain if name.startswith(plain)][:1]
    if near:
        return f'{foreign(given)}; did you mean "{shown(by_plain[near[0]])}"?'
    listed = ", ".join(map(shown, names[:_MAX_LISTED])) + (", ..." if len(names) > _MAX_LISTED else "")
    return f"{foreign(given)}; known here: {listed}" if names else foreign(given)


def _plain(name: str) -> str:
    looked = unicodedata.normalize("NFKC", name).translate(_ALIKE)
    return "".join(letter for letter in looked if letter.isprintable()).strip().casefold()


def reads_as_plain(text: str) -> bool:
    """Tell whether a text is what a number, or true or false, would be without its quotes."""
    return _PLAIN.fullmatch(text[:MAX_SHOWN]) is not None


def foreign(name: str) -> str:
    """Name the first letter that is not one of ours, because it may look like one of them; empty where all are."""
    letter = next((letter for letter in name[:MAX_SHOWN] if not letter.isascii()), None)
    if letter is None:
        return ""
    return f" (in it U+{ord(letter):04X}, {unicodedata.name(letter, 'a character without a name')})"
