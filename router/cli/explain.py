"""`nearfar-policy explain`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from router.choosing import engine
from router.cli.imagine import imagine, option_said, said_of
from router.cli.source import read_policy
from router.errors import RecordError, RouterError
from router.offpolicy.sound import unsound
from router.telling.counterfactual import as_values, changes, told
from router.telling.explain import in_words
from router.telling.record import MAX_RECORD_BYTES, from_json, to_json
from router.types import Situation

__all__ = ["explain"]


def explain(given: argparse.Namespace) -> int:
    """Print a decision in words, and what would have changed it."""
    policy = read_policy(given.policy)
    if given.record is None:
        situation, digest = imagine(policy, said_of(policy, given)), policy.digest
    else:
        if (said := option_said(given)) is not None:
            raise RouterError(f"{said} says something of an imagined situation, and --record has a real one; give one")
        situation, digest = _recorded(given.record, given.line)
    decision = engine.decide(policy, situation)
    found = list(changes(policy, decision))
    if given.json:
        print(
            json.dumps({"decision": json.loads(to_json(decision)), "changes": [as_values(change) for change in found]})
        )
        return 0
    if digest != policy.digest:
        print(f"Decided again: the record is of another policy, {digest[:19]}.")
    print(in_words(decision))
    print("What would have changed it, each thing alone:")
    for change in found:
        print(f"  {told(change)}")
    if not found:
        print("  nothing that was tried")
    return 0


def _recorded(path: Path, wanted: int) -> tuple[Situation, str]:
    with path.open("rb") as file:
        for number in range(1, wanted + 1):
            line = file.readline(MAX_RECORD_BYTES + 1)
            if not line:
                raise RecordError(f"{path}: there are {number - 1} lines, and line {wanted} was asked for")
            if len(line) > MAX_RECORD_BYTES:
                raise RecordError(f"{path}: line {number}: not a decision record: longer than {MAX_RECORD_BYTES} bytes")
    try:
        record = from_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: line {wanted}: not UTF-8") from error
    except RecordError as error:
        raise RecordError(f"{path}: line {wanted}: {error}") from error
    if problem := unsound(record):
        raise RecordError(f"{path}: line {wanted}: cannot have been: {problem}")
    return record.decision.situation, record.decision.policy_digest
