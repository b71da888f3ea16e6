"""Where the settings come from: flags over variables of the environment over a file over the defaults.

Pure but for reading that file. Says of each value where it came from, because who is told that a value is wrong has to
know where to look. A variable or key that is nobody's is refused: a misspelt setting would silently not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel, ConfigDict

from cloud_service.config import Settings
from cloud_service.errors import SettingsError
from router.errors import DocumentError
from router.naming import did_you_mean
from router.toml.document import read_document
from router.toml.lines import lay_out

__all__ = ["CONFIG", "PREFIX", "Gathered", "gather"]

PREFIX: Final = "NEARFAR_CLOUD_"
# Names the file itself, so that a container needs no flags at all.
CONFIG: Final = "config"
_MAX_FILE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Gathered:
    """The values that were given, by setting, and where each came from."""

    values: Mapping[str, object]
    origins: Mapping[str, str]


class _File(BaseModel):
    model_config = ConfigDict(extra="allow")


def gather(flags: Mapping[str, object], environment: Mapping[str, str]) -> Gathered:
    """Collect what is given; `flags` are by the setting's name, and "config" among them is the file.

    Raises SettingsError: where the file cannot be read, or a variable or key is no setting."""
    variables = _variables(environment)
    given = dict(flags)
    path = given.pop(CONFIG, None) or variables.pop(CONFIG, None)
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    if path:
        values, origins = _read(Path(str(path)))
    for source, origin in ((variables, f"the environment's {PREFIX}{{0}}"), (given, "--{1}")):
        values |= source
        origins |= {name: origin.format(name.upper(), name.replace("_", "-")) for name in source}
    return Gathered(values, origins)


def _variables(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    known = [f"{PREFIX}{name.upper()}" for name in (*Settings.model_fields, CONFIG)]
    for variable, value in environment.items():
        if variable.startswith(PREFIX):
            if variable not in known:
                raise SettingsError(variable, f"no setting has this name{did_you_mean(variable, known)}")
            # Set to nothing is how a variable is taken back in a container's definition.
            if value:
                found[variable.removeprefix(PREFIX).lower()] = value
    return found


def _read(path: Path) -> tuple[dict[str, object], dict[str, str]]:
    """Read the file: its values, whose relative paths become relative to its folder, and the line of each."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        document = read_document(content, _File, max_bytes=_MAX_FILE_BYTES)
    except OSError as error:
        raise SettingsError("", f"{path} cannot be read: {error.strerror or 'no such file'}") from error
    except DocumentError as error:
        raise SettingsError("", f"{path}: {error.faults[0]}") from error
    values = dict(document.__pydantic_extra__ or {})
    layout = lay_out(content.decode("utf-8"))
    lines = {name: layout.line_of(name, "") for name in values}
    unknown = next((name for name in values if name not in Settings.model_fields), None)
    if unknown is not None:
        problem = f'line {lines[unknown]}: unknown key "{unknown[:64]}"{did_you_mean(unknown, Settings.model_fields)}'
        raise SettingsError("", f"{path}: {problem}")
    read = {name: _beside(path, value) if _is_path(name) else value for name, value in values.items()}
    return read, {name: f"{path}, line {line}" for name, line in lines.items()}


def _is_path(name: str) -> bool:
    annotation = Settings.model_fields[name].annotation
    return annotation is Path or Path in get_args(annotation)


def _beside(path: Path, value: object) -> object:
    return path.parent / value if isinstance(value, str) else value
