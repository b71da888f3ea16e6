"""The settings on their way from the parent to a process: one line of JSON through a pipe.

Through a pipe, because others on the machine can read a command's flags and variables, and one setting is a secret."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import SecretStr

from cloud_service.config import OFF, Address, Settings, read_settings

__all__ = ["pack", "unpack"]


def pack(settings: Settings) -> bytes:
    """Return what was set, as a line."""
    values = {name: _plain(getattr(settings, name)) for name in settings.model_fields_set}
    # The default is shared out among the processes where the parent runs, not anew in each.
    values["threads"] = settings.threads
    values["rest"] = OFF if settings.rest is None else str(settings.rest)
    return json.dumps({name: value for name, value in values.items() if value is not None}).encode() + b"\n"


def unpack(line: bytes) -> Settings:
    """Return the settings that `pack` was given."""
    return read_settings(json.loads(line))


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path | Address) else value
