"""`nearfar-policy replay`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from router.cascade.audits import AuditRecord
from router.cli.audit_lines import read_audits
from router.cli.lines import STDIN, Lines, size_of
from router.cli.outputs import page, refuse_early, write
from router.cli.progress import Progress
from router.cli.record_lines import RecordLines
from router.cli.replay_values import as_values
from router.cli.replayed import report
from router.cli.shadows import Shadows
from router.cli.source import read_policy
from router.errors import AuditError, RecordError
from router.naming import shown
from router.offpolicy.replaying import Replay
from router.simulate.chance import Chance

__all__ = ["replay"]

_MB: Final = 1_000_000
_MOST_POLICIES: Final = 32
_MOST_LETTERS: Final = 2000
"""Of a line on a terminal."""


def replay(given: argparse.Namespace) -> int:
    """Print which recorded decisions would be others under these policies and why, and what those would have come to,
    as far as the records support an estimate."""
    policies = [read_policy(path) for path in given.policies]
    known = {policy.digest: policy for policy in policies}
    _refuse_missing([*given.records, *given.audits])
    refuse_early((given.json,), [*given.records, *given.audits, *given.policies])
    audits, audit_lines = read_audits(given.audits)
    replays = [Replay(policy, known=known, most_weight=given.clip, audits=audits) for policy in policies]
    logged_by: Counter[str] = Counter()
    shadows = Shadows()
    with _watched(given.records) as lines:
        for place, record in lines:
            try:
                for each in replays:
                    each.add(record, place)
            except RecordError as error:
                lines.refuse(place, str(error), record)
            else:
                shadows.add(record)
                digest = record.decision.policy_digest
                if digest in logged_by or len(logged_by) < _MOST_POLICIES:
                    logged_by[digest] += 1
            if given.strict and lines.lines.bad:
                break
    _refuse_bad(lines, replays, strict=given.strict)
    _refuse_bad_audits(audit_lines, audits, strict=given.strict)
    estimates = [each.estimates(Chance(given.seed, "replay")) for each in replays]
    # First: where the file cannot be written after an hour of reading, this is there all the same.
    for line in (*report(lines, audit_lines, given.policies, replays, estimates), *shadows.lines()):
        # Names out of a log stand in it, which a terminal must not obey.
        print(shown(line, _MOST_LETTERS), file=page(given.json))
    if given.json is not None:
        whole = as_values(lines, audit_lines, logged_by, given.policies, replays, estimates)
        whole |= {"shadows": shadows.as_values()}
        write(given.json, json.dumps(whole, ensure_ascii=False, indent=2) + "\n")
    return 0


def _refuse_missing(paths: Sequence[Path]) -> None:
    """Open all files once, before any of them is read for an hour. Raises OSError."""
    for path in paths:
        if path != STDIN:
            path.open("rb").close()


@contextmanager
def _watched(paths: Sequence[Path]) -> Iterator[RecordLines]:
    with Progress(sys.stderr, size_of(paths) // _MB) as progress:
        lines = RecordLines(
            paths, lambda done: progress.reach(done // _MB, f"million bytes, {lines.lines.count:,} records")
        )
        yield lines


def _refuse_bad(lines: RecordLines, replays: Sequence[Replay], *, strict: bool) -> None:
    """Raise RecordError: nothing is left, or a line is bad and none may be."""
    records = replays[0].changes.records
    bad = lines.lines
    if bad.bad and (strict or not records):
        problem, place = next(iter(bad.first.items()))
        more = "" if strict else f" (and so on: of {bad.count:,} lines none can be read)"
        raise RecordError(f"{place}: {problem}{more}")
    if not records:
        raise RecordError("there is no record in it: nothing to replay")


def _refuse_bad_audits(lines: Lines, audits: Mapping[str, AuditRecord], *, strict: bool) -> None:
    """Raise AuditError: as above."""
    if lines.bad and (strict or not audits):
        problem, place = next(iter(lines.first.items()))
        raise AuditError(f"{place}: {problem}")
