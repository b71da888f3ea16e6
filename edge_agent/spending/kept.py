"""How budgets stand, as a small file of JSON, written whole or not at all. What cannot be read is not used and told."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from router.spending.budget import BudgetState
from router.spending.habit import HOURS
from router.versions import whole_number

__all__ = ["load", "save"]

_LOG: Final = logging.getLogger("nearfar.agent")
_MAX_BYTES: Final = 1 << 16


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    budgets: Annotated[Literal[1], whole_number("1")] = 1
    states: Annotated[list[BudgetState], Field(max_length=16)]


def load(path: Path) -> tuple[tuple[BudgetState, ...], str]:
    """Return what was written down, and what is wrong with it: with anything that is, nothing of it counts."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        states = tuple(_Document.model_validate_json(content[:_MAX_BYTES], strict=True).states)
    except FileNotFoundError:
        return (), ""
    except OSError as error:
        return (), _told(path, f"cannot be read ({error.strerror})")
    except ValidationError:
        return (), _told(path, "is no record of budgets, or one of another version")
    wrong = [s for s in states if s.spent < 0 or s.price < 0 or s.lasted_s < 0 or s.since_step_s < 0]
    hours = [hours for state in states for hours in (state.usual, state.today)]
    odd = [of for of in hours if len(of) not in (0, HOURS) or min(of, default=0.0) < 0]
    if wrong or odd or len({state.resource for state in states}) != len(states):
        return (), _told(path, "says what no budget can be")
    return states, ""


def _told(path: Path, problem: str) -> str:
    _LOG.warning("%s %s: budgets are begun anew", path, problem)
    return f"{path} {problem}: budgets were begun anew"


def save(path: Path, states: tuple[BudgetState, ...]) -> bool:
    """Write budgets down. Tells whether it was possible; a failure is logged and costs nothing else."""
    made = path.with_suffix(f".{os.getpid()}-{id(states):x}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # How much an app is used is nobody else's affair.
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_Document(states=list(states)).model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        with suppress(OSError):
            made.unlink(missing_ok=True)
        _LOG.warning("%s cannot be written (%s): after a restart budgets are begun anew", path, error.strerror)
        return False
    return True
