"""The flags of `nearfar-cloud serve`, made from the settings: one for each field, with the field's docstring as help.

A secret has none: a command's flags can be read by others on the machine."""

from __future__ import annotations

import argparse
from typing import Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cloud_service.config import OFF, Settings
from cloud_service.sources import CONFIG

__all__ = ["add_flags"]

# What a value is, by how the setting's name ends and else by its type.
_BY_NAME: Final = {"_s": "SECONDS", "_ms": "MS", "_bytes": "BYTES"}
_BY_TYPE: Final = {"Path": "PATH", "Address": "HOST:PORT", "int": "N", "tuple": "A,B"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags. What is not given does not appear in the parsed arguments."""
    parser.add_argument(
        f"--{CONFIG}",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="settings as TOML, each by its flag's name with _ for -; a flag wins over the environment's "
        "NEARFAR_CLOUD_NAME, and that over the file",
    )
    for name, info in Settings.model_fields.items():
        if SecretStr not in _types(info):
            _add(parser, name, info)


def _add(parser: argparse.ArgumentParser, name: str, info: FieldInfo) -> None:
    flag, about = f"--{name.replace('_', '-')}", f"{_about(info)}{_default(info)}"
    if info.annotation is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=about)
    else:
        parser.add_argument(flag, metavar=_metavar(name, info), default=argparse.SUPPRESS, help=about)


def _about(info: FieldInfo) -> str:
    # The reference is Markdown, a terminal is not; and argparse would take a lone % for its own.
    return (info.description or "").replace("`", "").replace("%", "%%").rstrip(".")


def _default(info: FieldInfo) -> str:
    if info.is_required() or info.default_factory is not None or info.default in (None, ()):
        return ""
    default = info.default
    if isinstance(default, bool):
        default = "yes" if default else "no"
    return f" (default: {','.join(default) if isinstance(default, tuple) else default})"


def _metavar(name: str, info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return "|".join(get_args(info.annotation))
    if name == "rest":
        return f"HOST:PORT|{OFF}"
    for end, metavar in _BY_NAME.items():
        if name.endswith(end):
            return metavar
    return next((_BY_TYPE[kind.__name__] for kind in _types(info) if kind.__name__ in _BY_TYPE), "TEXT")


def _types(info: FieldInfo) -> list[type]:
    """Return the classes that a field's values may be of."""
    return [kind for form in (info.annotation, *_inside(info.annotation)) if isinstance(kind := _bare(form), type)]


def _inside(form: object) -> tuple[object, ...]:
    return tuple(inner for argument in get_args(form) for inner in (argument, *_inside(argument)))


def _bare(form: object) -> object:
    return get_origin(form) or form
