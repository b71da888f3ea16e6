"""Verdicts that are remembered across starts: one small file of JSON in the agent's state folder.

What cannot be read is begun anew, written whole or not at all. Agents that share the folder may overwrite each other's
newest verdict, which costs one more trial."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_agent.runtimes.trial.verdict import Tried, Verdict
from router.versions import whole_number

__all__ = ["BOOK_NAME", "VerdictBook"]

BOOK_NAME: Final = "trials.json"

_LOG: Final = logging.getLogger("nearfar.agent")
_MAX_BYTES: Final = 1 << 20
# A dozen models on a few choices of providers; older verdicts make room.
_MAX_VERDICTS: Final = 64


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tried: Tried
    verdict: Verdict


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    trials: Annotated[Literal[1], whole_number("1")] = 1
    verdicts: Annotated[list[_Kept], Field(max_length=_MAX_VERDICTS)] = Field(default_factory=list)


class VerdictBook:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, tried: Tried) -> Verdict | None:
        """Return what came of exactly this before; None where it was not tried."""
        return next((kept.verdict for kept in self._read().verdicts if kept.tried == tried), None)

    def add(self, tried: Tried, verdict: Verdict) -> bool:
        """Remember a verdict; tells whether that could be done, and logs where not."""
        others = [kept for kept in self._read().verdicts if kept.tried != tried]
        document = _Document(verdicts=[*others, _Kept(tried=tried, verdict=verdict)][-_MAX_VERDICTS:])
        made = self.path.with_suffix(f".{os.getpid()}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(document.model_dump_json().encode())
            made.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                made.unlink(missing_ok=True)
            _LOG.warning("%s cannot be written (%s): the next start tries again", self.path, error.strerror)
            return False
        return True

    def _read(self) -> _Document:
        try:
            with self.path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            return _Document.model_validate_json(content[:_MAX_BYTES], strict=True)
        except FileNotFoundError:
            return _Document()
        except (OSError, ValidationError) as error:
            _LOG.warning("%s cannot be read (%s): models are tried anew", self.path, type(error).__name__)
            return _Document()
