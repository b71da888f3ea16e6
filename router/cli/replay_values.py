"""What a replay found, for a JSON document. Only writes: numbers are router.offpolicy's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from router.cli.lines import Lines
from router.cli.record_lines import RecordLines
from router.cli.replayed import WARNING
from router.offpolicy.changes import Example
from router.offpolicy.estimate import Estimates
from router.offpolicy.replaying import Replay

__all__ = ["as_values"]

_BACKS: Final = 10
"""For so many kinds of change it is looked up what would have turned it back, which is hundreds of decisions each."""


def as_values(
    lines: RecordLines,
    audits: Lines,
    logged_by: Mapping[str, int],
    paths: Sequence[Path],
    replays: Sequence[Replay],
    estimates: Sequence[Estimates],
) -> dict[str, Any]:  # Any, here and below: a JSON document
    """Return all that was found, for a JSON document."""
    return {
        "warning": " ".join(WARNING),
        "records": {
            "lines": lines.lines.count,
            "read": lines.versions.total(),
            "versions": {str(version): count for version, count in sorted(lines.versions.items())},
            "bad": _bad_values(lines.lines),
            "repeated": lines.repeated,
            "clock_goes_back": lines.backwards,
            "longest_silence_s": lines.silence_s,
            "longest_silence_before": lines.silence_until,
            "logged_by": dict(logged_by),
        },
        "audits": {"lines": audits.count, "bad": _bad_values(audits)},
        "policies": [_policy(*each) for each in zip(paths, replays, estimates, strict=True)],
    }


def _bad_values(lines: Lines) -> list[dict[str, Any]]:
    return [
        {"problem": problem, "count": count, "first": lines.first[problem]}
        for problem, count in lines.bad.most_common()
    ]


def _policy(path: Path, replay: Replay, found: Estimates) -> dict[str, Any]:
    changes, policy = replay.changes, replay.policy
    return {
        "file": str(path),
        "name": policy.name,
        "version": policy.version,
        "digest": policy.digest,
        "decisions": changes.records,
        "chosen_otherwise": changes.chosen_otherwise,
        "planned_otherwise": changes.planned_otherwise,
        "changes": [
            {
                "from": turn.choice,
                "to": turn.instead,
                "because": turn.why,
                "count": count,
                "examples": [_example(each, replay, back=rank < _BACKS) for each in changes.examples[turn]],
            }
            for rank, (turn, count) in enumerate(changes.ranked())
        ],
        "unnamed_targets": dict(replay.unnamed),
        "unknown_labels": dict(replay.unknown_labels),
        "left_out_of_estimates": {
            "audited": replay.audited,
            "without_probability": replay.without_odds,
            "without_end": replay.without_end,
        },
        "estimates": _estimates(found),
        "audited": asdict(replay.judging.judged()),
    }


def _example(example: Example, replay: Replay, *, back: bool) -> dict[str, Any]:
    was, now = example.in_words()
    told: dict[str, Any] = {"request": example.request, "place": example.place, "was": was, "now": now}
    if back:
        told["would_turn_it_back"] = example.back(replay.policy)
    return told


def _estimates(found: Estimates) -> dict[str, Any]:
    told = {name: value for name, value in asdict(found).items() if name not in ("figures", "refused")}
    refused = found.refused
    told["refused"] = None if refused is None else {"why": refused.why, "advice": None}
    if refused is not None and refused.advice is not None:
        told["refused"]["advice"] = {
            "told": str(refused.advice),
            "share_for_as_many": refused.advice.share,
            "requests_by_share": {str(share): count for share, count in refused.advice.requests},
        }
    told["figures"] = [
        {"name": each.figure.name, "unit": each.figure.unit, "about": each.figure.about}
        | {name: value for name, value in asdict(each).items() if name != "figure"}
        for each in found.figures
    ]
    return told
