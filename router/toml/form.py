"""What a model refused of a document's values, in the words of its author: what is wanted there, and what was given.

Pure. A text that was given is not repeated, because it may be a secret in the wrong place; a word that stands where one
of a few is wanted is, and so are numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.errors import Fault
from router.naming import did_you_mean, foreign, reads_as_plain, shown
from router.toml.lines import joined

__all__ = ["faults_of_form"]

Location = Sequence[int | str]

# Enough to mend a document with; a megabyte of unknown keys would cost a minute to tell.
MAX_FAULTS: Final = 100
_NAMED: Final = re.compile(r"'([^']*)'")
_BRANCH: Final = re.compile(
    r"constrained-|literal\[|function-|lax-or-strict|nullable\[|(int|float|str|bool|list|dict)$"
)
_NAME: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
_WANTED: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "path_type": "a path in quotes",
    "string_type": "text in quotes",
}
_IN_BRACKETS: Final = ": write it in brackets"
_NO_SUCH_TYPE: Final = frozenset({"list_type", "dict_type", "model_type", "float_type"})
_KINDS: Final[Mapping[str, str]] = {
    "date": "a date",
    "datetime": "a date",
    "dict": "a table",
    "list": "a list",
    "time": "a time",
}
_PATTERNS: Final[Mapping[str, str]] = {
    _NAME: "a letter and at most 63 letters, digits, - and _",
    r"^[A-Za-z][A-Za-z0-9._-]{0,63}$": "a letter and at most 63 letters, digits, dots, - and _",
    r"^[^\s/]+:[0-9]{1,5}$": "HOST:PORT",
}
_BOUNDS: Final[Mapping[str, str]] = {
    "greater_than": "above {gt:_.15g}",
    "greater_than_equal": "of at least {ge:_.15g}",
    "less_than": "below {lt:_.15g}",
    "less_than_equal": "of at most {le:_.15g}",
}


def faults_of_form(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return what is wrong. What is missing because its key is mistyped is not told beside the mistyped key.

    No more than MAX_FAULTS are told."""
    details = error.errors(include_url=False)
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"][:MAX_FAULTS]
    faults = [_unknown_key(detail["loc"], model) for detail in unknown]
    by_place: dict[str, list[ErrorDetails]] = {}
    for detail in details:
        if detail["type"] != "extra_forbidden" and len(by_place) < MAX_FAULTS:
            by_place.setdefault(_path(detail["loc"]), []).append(detail)
    mistyped = [(fault.path, fault.problem) for fault in faults]
    top = _fields(model)
    for place, told in by_place.items():
        table, _, key = place.rpartition(".")
        meant = f'did you mean "{key}"?'
        if told[0]["type"] != "missing" or not any(path == table and meant in said for path, said in mistyped):
            fault = _fault(place, told)
            # Written under the header of a table whose keys are names, it is taken for one of them.
            if key in top and _is_of_names(top.get(table)) and told[0]["type"] in _NO_SUCH_TYPE:
                # Brackets would not help it there.
                problem = fault.problem.removesuffix(_IN_BRACKETS)
                hint = f'{problem}; the field "{key}" of the document stands in front of the first table'
                fault = Fault(place, hint)
            faults.append(fault)
    return faults[:MAX_FAULTS]


def _unknown_key(location: Location, model: type[BaseModel]) -> Fault:
    *table, last = location
    key, path = str(last), _path(table)
    homes = [] if key in _keys_at(table, model) else list(_homes(key, model))
    if homes:
        where = " or in ".join(homes)
        return Fault(path, f'unknown key "{shown(key)}"; it stands in {where}', key=key)
    return Fault(path, f'unknown key "{shown(key)}"{did_you_mean(key, _keys_at(table, model))}', key=key)


def _fault(place: str, told: Sequence[ErrorDetails]) -> Fault:
    first = told[0]
    kind, given = first["type"], first["input"]
    if kind == "missing":
        path, _, key = place.rpartition(".")
        return Fault(path, f'"{key}" is missing')
    if "[key]" in first["loc"]:
        path, key = _path(first["loc"][: first["loc"].index("[key]") - 1]), str(given)
        wanted, words = _wanted(first), _words(first)
        meant = did_you_mean(key, words) if words else ""
        hint = "" if "known here" in meant else meant
        return Fault(path, f'"{shown(key)}" is not a name that can stand here: {wanted} is wanted{hint}', key=key)
    if kind == "value_error":
        return Fault(place, first["msg"].removeprefix("Value error, "))
    wanted = " or ".join(dict.fromkeys(_wanted(detail) for detail in told))
    if not wanted:
        return Fault(place, f"{first['msg'][:1].lower()}{first['msg'][1:]}")
    words = [word for detail in told for word in _words(detail)]
    return Fault(place, f"{wanted} is wanted, not {_given(given, kind, words)}{_meant(first)}")


def _meant(detail: ErrorDetails) -> str:
    """Return what was probably meant by what is wanted otherwise; empty where nobody could tell."""
    kind, given, place = detail["type"], detail["input"], detail["loc"]
    if kind == "less_than_equal" and isinstance(given, int | float) and not isinstance(given, bool):
        most = detail["ctx"]["le"]
        # A share, and who writes 67 for it thinks in percent.
        return f"; did you mean {given / 100:g}?" if most <= 1 <= given and given / 100 <= most else ""
    if kind == "model_type" and given is True:
        return ": write {} where all in it stays as it is"
    if kind == "list_type" and isinstance(given, str):
        return _IN_BRACKETS
    if kind == "dict_type" and isinstance(given, str) and place[-1] == "when":
        return ": write it like { battery_pct = { less_than = 20 } }"
    if kind == "list_type" and isinstance(given, dict) and len(place) == 1:
        return f": its header has two brackets, [[{place[0]}]]"
    return ""


def _wanted(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind == "finite_number":
        return "a finite number"
    if kind in _BOUNDS:
        return f"a number {_BOUNDS[kind].format(**context)}"
    if kind in ("literal_error", "enum"):
        words = _words(detail)
        return f"one of {', '.join(words)}" if len(words) > 1 else f'"{words[0]}"' if words else context["expected"]
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
    if kind in ("too_short", "string_too_short"):
        return f"{_counted(context['min_length'])} at least"
    if kind in ("too_long", "string_too_long"):
        return f"{_counted(context['max_length'])} at most"
    return ""


def _counted(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _words(detail: ErrorDetails) -> list[str]:
    return _NAMED.findall(detail.get("ctx", {}).get("expected", ""))


def _given(given: object, kind: str, words: Sequence[str]) -> str:
    if isinstance(given, str):
        if words:
            meant = did_you_mean(given, words)
            return f'"{shown(given)}"{"" if "known here" in meant else meant}'
        if kind in ("float_type", "int_type", "bool_type") and reads_as_plain(given):
            return "text: write it without quotes"
        if kind == "string_pattern_mismatch":
            return f"text{foreign(given) or _odd(given)}"
        return f"text of {len(given)} letters" if kind.startswith("string_too") else "text"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int) and abs(given) >= 1e15:
        return "an integer that large"  # Python refuses to write down one of more than 4300 digits
    if isinstance(given, int | float):
        return f"{given}"
    if kind in ("too_short", "too_long") and isinstance(given, list | dict):
        return f"{len(given)}"
    # By name: whoever imports the types of time could also ask for it.
    return _KINDS.get(type(given).__name__, "that")


def _odd(given: str) -> str:
    """Name the first letter that no name here has."""
    odd = next((letter for letter in given[:64] if not (letter.isalnum() or letter in "-_.:")), None)
    return "" if odd is None else f' with "{shown(odd)}" in it'


# -- places ------------------------------------------------------------------------------------------------------------


def _path(location: Location) -> str:
    path = ""
    for part in location:
        # pydantic appends which branch of a union failed, such as "literal['never']" or "constrained-float".
        if isinstance(part, int) or not (_BRANCH.match(part) or part == "[key]"):
            path = joined(path, part)
    return path


def _homes(key: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield where in the document the key can stand."""
    if key in _fields(model):
        yield "front of the first table"
    for name, annotation in _fields(model).items():
        inner = _model_in(annotation)
        if inner is not None and key in _fields(inner):
            kind = getattr(annotation, "__origin__", None)
            yield f"[[{name}]]" if kind is list else f"[{name}.NAME]" if kind is dict else f"[{name}]"


def _is_of_names(annotation: Any) -> bool:  # Any: a type form
    """Tell whether the keys of a table are names that its author gives."""
    return getattr(annotation, "__origin__", None) is dict


def _fields(model: type[BaseModel]) -> dict[str, Any]:  # Any: type forms
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _keys_at(location: Location, model: type[BaseModel]) -> list[str]:
    for part in location:
        if isinstance(part, str):
            fields = _fields(model)
            model = (_model_in(fields[part]) if part in fields else None) or model
    return list(_fields(model))


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: a type form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None
