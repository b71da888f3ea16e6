"""What is wrong with a text that is not TOML, in words that say what to write instead. Pure.

The parser says where it stopped and what it had expected there. Here is what people mean to write."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from router.errors import Fault
from router.naming import shown
from router.toml.lines import lay_out

__all__ = ["fault_of_syntax"]

_AT: Final = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT_END: Final = "(at end of document)"
_MARK: Final = "\ufeff"
_TWICE: Final = ("Cannot overwrite", "twice", "Duplicate", "Cannot mutate immutable")
# As many digits as Python turns into a number.
_LONG_INTEGER: Final = re.compile(r"[0-9][0-9_]{4300,}")
_FLAG: Final = {
    **dict.fromkeys(("True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), "true"),
    **dict.fromkeys(("False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), "false"),
}
_NOTHING: Final = ("null", "Null", "NULL", "nil", "None", "none", "~")
_WORD: Final = re.compile(r"[^\s,\]}#=]+")


def fault_of_syntax(message: str, text: str) -> Fault:
    """Return the fault of a `text` that the parser refused with `message`."""
    if text.startswith(_MARK):
        return Fault("", "not TOML: it begins with a byte order mark; save it as UTF-8 without one", 1)
    found = _AT.search(message)
    said = _AT.sub("", message).removesuffix(_AT_END).strip()
    if any(words in said for words in _TWICE):
        return _twice(said, text, None if found is None else int(found[1]))
    if said.startswith("Exceeds the limit") and (digits := _LONG_INTEGER.search(text)) is not None:
        return Fault("", "not TOML: an integer of more than 4300 digits", text.count("\n", 0, digits.start()) + 1)
    if found is None:
        said = said or "it ends too early"
        return Fault("", f"not TOML: {said}; what begins on this line is left open", max(1, lay_out(text).reached))
    line, column = int(found[1]), int(found[2])
    begun = lay_out(text).reached
    if said.startswith("Unclosed") and 0 < begun < line:
        return Fault("", f"not TOML: {said}; it begins on line {begun}", line)
    written = text.split("\n")[line - 1]
    return Fault("", f"not TOML: {said}{_hint(said, written, column - 1)}", line)


def _twice(said: str, text: str, line: int | None) -> Fault:
    twice = lay_out(text).twice
    if twice is None:
        return Fault("", f"not TOML: {said}", line)
    place, _, key = twice.path.rpartition(".")
    problem = f'duplicate key "{key}"; it stands on line {twice.first_line} already: keep one of them'
    return Fault(place, problem, twice.line, key)


def _hint(said: str, written: str, at: int) -> str:
    here = written[at:]
    if here[:1] and not here[0].isascii():
        name = unicodedata.name(here[0], "a character without a name")
        return f'; "{shown(here[0])}" is U+{ord(here[0]):04X}, {name}'
    matched = _WORD.match(here)
    word = matched[0] if matched is not None else "?"
    if said.startswith("Illegal character '\\n'"):
        return "; a text in quotes ends on its line, a longer one stands in three quotes"
    if said.startswith(("Unescaped", "Invalid hex")):
        return r"; \ begins an escape: in a path write / or \\, or put it in single quotes"
    if said == "Invalid statement" and here.startswith(("{", "<")):
        return "; this is how another language begins"
    if said == "Invalid value":
        if word in _FLAG:
            return f"; did you mean {_FLAG[word]}?"
        if word in _NOTHING:
            return "; TOML has no such value: leave the key out"
        if word[0].isalpha():
            return f'; text stands in quotes: "{shown(word)}"'
    if said.startswith("Expected newline") and here[:1] == ",":
        return "; no comma stands between lines, only within brackets"
    if said.startswith("Expected newline") and here[:1] == "\r":
        return "; the lines end with a carriage return alone: save it with the line ends of Unix or Windows"
    if said.startswith("Expected '='"):
        if re.match(r"\s*:", here):
            return "; did you mean KEY = VALUE?"
        if written.lstrip().startswith(("---", "...", "%")):
            return "; this is how another language begins"
    if said.startswith("Expected newline") and re.search(r"=\s*[+-]?0[0-9_]*$", written[:at]) and word[0].isdigit():
        return "; a number has no leading zero"
    return ""
