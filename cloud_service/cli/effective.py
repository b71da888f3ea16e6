"""The settings as they hold, as a file that gives the same again: what `--print-config` prints. Pure.

What nobody set is a comment. So is a secret, which is never in it: its line says where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from cloud_service.config import OFF, Address, Settings

__all__ = ["print_config"]


def print_config(settings: Settings, origins: Mapping[str, str]) -> str:
    """Return the settings as TOML, each with where it came from."""
    return "".join(_line(name, getattr(settings, name), origins.get(name)) for name in Settings.model_fields)


def _line(name: str, value: object, origin: str | None) -> str:
    if value is None and name != "rest":
        return f"# {name} is not set\n"
    if isinstance(value, SecretStr):
        return f'# {name} = "********"  # {origin}\n'
    return f"{name} = {_toml(value)}  # {origin}\n" if origin else f"# {name} = {_toml(value)}  # default\n"


def _toml(value: object) -> str:
    if value is None:
        return f'"{OFF}"'
    if isinstance(value, Path):
        value = str(value.absolute())  # a file's relative paths are relative to the file
    if isinstance(value, Address):
        value = str(value)
    # TOML's basic strings, numbers, booleans and lists of these are written as JSON's.
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
