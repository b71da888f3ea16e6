"""`nearfar-policy replay`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from router.cli.source import read_policy
from router.engine import Decision
from router.errors import RecordError
from router.record import MAX_RECORD_BYTES, from_json
from router.record import replay as decide_again

__all__ = ["replay"]

_PROGRESS_EVERY = 1000

Change = tuple[str, str]


def replay(given: argparse.Namespace) -> int:
    """Print how many recorded decisions would be others under this policy, and which became which."""
    policy = read_policy(given.policy)
    changes: Counter[Change] = Counter()
    records = 0
    for decision in _with_progress(_decisions(given.records)):
        records += 1
        again = decide_again(decision, policy)
        if again.plan != decision.plan or again.choice != decision.choice:
            changes[decision.choice, again.choice] += 1
    differ = changes.total()
    ranked = sorted(changes.items(), key=lambda change: (-change[1], change[0]))
    if given.json:
        listed = [{"from": old, "to": new, "count": count} for (old, new), count in ranked]
        counts = {"policy_digest": policy.digest, "records": records, "differ": differ, "changes": listed}
        print(json.dumps(counts, ensure_ascii=False))
        return 0
    print(f"{differ} of {records} decisions differ under policy {policy.name} version {policy.version}")
    for (old, new), count in ranked:
        print(f"{count:8}  {old} -> {new}{' (planned otherwise)' if old == new else ''}")
    return 0


def _decisions(path: Path) -> Iterator[Decision]:
    with path.open("rb") as file:
        number = 0
        # Bounded: a file without line ends is not read into memory.
        while line := file.readline(MAX_RECORD_BYTES + 1):
            number += 1
            if line.isspace():
                continue
            try:
                yield from_json(line.decode("utf-8")).decision
            except UnicodeDecodeError as error:
                raise RecordError(f"{path}: line {number}: not UTF-8") from error
            except RecordError as error:
                raise RecordError(f"{path}: line {number}: {error}") from error


def _with_progress(decisions: Iterator[Decision]) -> Iterator[Decision]:
    shown = sys.stderr.isatty()
    for number, decision in enumerate(decisions, start=1):
        yield decision
        if shown and number % _PROGRESS_EVERY == 0:
            print(f"\r{number} records", end="", file=sys.stderr, flush=True)
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
