"""Decisions as JSON and back: what a log keeps, what a replay reads. Pure; holds no input and no output of a model.

A record written here and read back is an equal Decision, and `replay` decides again from the situation in it: the same
policy gives the same decision, another policy says what it would have done. Records of earlier versions are read as
well, and say nothing of what they did not know: version 1 of energy, of the radio and of budgets, version 2 of when a
request came, what it took, how probable the plans were that were not taken, and what a shadow would have done."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from router.choosing.engine import Decision, decide
from router.errors import RecordError
from router.naming import shown
from router.rules.policy import Policy
from router.running.attempt import Outcome
from router.spending.expense import Expense
from router.telling.shadow import ShadowChoice
from router.versions import whole_number

__all__ = ["RECORD_VERSION", "Record", "from_json", "replay", "to_json"]

RECORD_VERSION: Final = 3
MAX_RECORD_BYTES: Final = 1 << 20


class Record(BaseModel):
    """One line of a log."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    record_version: Annotated[Literal[1, 2, 3], whole_number("1, 2 or 3"), Field(alias="record")] = RECORD_VERSION
    decision: Decision
    outcome: Outcome | None = None
    """None while the attempt has not ended, and where no target could be asked."""
    began_utc: float | None = None
    """When the request came, in seconds since 1970."""
    taken_s: float | None = None
    """From the app's call to its end."""
    expense: Expense | None = None
    """None while the attempt has not ended."""
    shadow: ShadowChoice | None = None
    """What a policy that only looks on would have done."""


def to_json(
    decision: Decision,
    outcome: Outcome | None = None,
    *,
    began_utc: float | None = None,
    taken_s: float | None = None,
    shadow: ShadowChoice | None = None,
    expense: Expense | None = None,
) -> str:
    """Return one line of JSON for a decision, and what came of it: see Record."""
    # Readings come as whatever mapping their owner keeps them in, such as a read-only view; JSON knows one kind.
    situation = replace(decision.situation, readings=dict(decision.situation.readings))
    record = Record(
        decision=replace(decision, situation=situation),
        outcome=outcome,
        began_utc=began_utc,
        taken_s=taken_s,
        shadow=shadow,
        expense=expense,
    )
    return record.model_dump_json(by_alias=True)


def from_json(text: str) -> Record:
    """Read a record back.

    Raises RecordError: for anything that `to_json` of this version, or an earlier one, did not write."""
    if len(text) > MAX_RECORD_BYTES:
        raise RecordError(f"a record is at most {MAX_RECORD_BYTES} characters long; this is not one")
    try:
        # Strict: of its own accord pydantic takes true for 1.0 and "5" for 5, and nobody has written those.
        return Record.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("record",) and type(first["input"]) is int:
            version = first["input"] if abs(first["input"]) < 1000 else "no sense"
            raise RecordError(
                f"a decision record of version {version}; versions 1 to {RECORD_VERSION} are read here"
            ) from error
        where = ".".join(shown(str(part)) for part in first["loc"])
        place = f"{where}: " if where else ""  # nowhere in particular, where it is no JSON
        raise RecordError(f"not a decision record of version {RECORD_VERSION}: {place}{first['msg']}") from error


def replay(decision: Decision, policy: Policy) -> Decision:
    """Decide again, in the decision's situation, under `policy`."""
    return decide(policy, decision.situation)
