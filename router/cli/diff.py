"""`nearfar-policy diff`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from router.choosing import engine
from router.cli.imagine import Imagined, imagine
from router.cli.outputs import STDOUT, write
from router.cli.probes import as_options, probes
from router.cli.source import read_bytes
from router.rules.compile import compile_policy
from router.telling.counterfactual import done, same_choice
from router.telling.difference import Difference, Looser, Side, differences, looser, side_of

__all__ = ["diff"]

_LOOSER = 3

Moved = tuple[str, str]


def diff(given: argparse.Namespace) -> int:
    """Print what two policies differ in, and what that comes to in some situations."""
    old, new = (_side(path) for path in (given.old, given.new))
    found, eased = differences(old, new), looser(old, new)
    tried = probes((old.policy, new.policy))
    moved = _moved(old, new, tried)
    say = _say_as_json if given.json else _say
    say(old, new, found, eased, moved, len(tried))
    if eased and given.refuse_looser:
        return _LOOSER
    return 1 if given.exit_code and (found or eased) else 0


def _side(path: Path) -> Side:
    content = read_bytes(path)
    return side_of(compile_policy(content, source=str(path)), content)


def _moved(old: Side, new: Side, tried: Sequence[Imagined]) -> dict[Moved, list[Imagined]]:
    """Return the situations that are decided otherwise, by what becomes of what."""
    moved: dict[Moved, list[Imagined]] = {}
    for said in tried:
        before, after = (engine.decide(side.policy, imagine(side.policy, said)) for side in (old, new))
        if not same_choice(before, after):
            moved.setdefault((done(before), done(after)), []).append(said)
    return dict(sorted(moved.items(), key=lambda item: -len(item[1])))


def _say(
    old: Side,
    new: Side,
    found: Sequence[Difference],
    eased: Sequence[Looser],
    moved: dict[Moved, list[Imagined]],
    tried: int,
) -> None:
    for way in eased:
        print(f"PRIVACY IS LOOSER: {way}")
    print(f"{old.policy.name} version {old.policy.version} -> {new.policy.name} version {new.policy.version}")
    for difference in found:
        print(f"  {difference}")
    if not found:
        print("  no difference in what they mean")
    print(f"{sum(map(len, moved.values()))} of {tried} situations that were tried are decided otherwise")
    for (before, after), situations in moved.items():
        print(f"{len(situations):8}  {before} -> {after}")
        print(f"          such as {as_options(situations[0])}")


def _say_as_json(
    old: Side,
    new: Side,
    found: Sequence[Difference],
    eased: Sequence[Looser],
    moved: dict[Moved, list[Imagined]],
    tried: int,
) -> None:
    told = {
        "old": _named(old),
        "new": _named(new),
        "looser": [{"label": one.label, "targets": list(one.targets)} for one in eased],
        "differences": [
            {"path": one.path, "kind": one.kind, "before": one.before, "after": one.after} for one in found
        ],
        "tried": tried,
        "decided_otherwise": [
            {"from": before, "to": after, "count": len(situations), "such_as": as_options(situations[0])}
            for (before, after), situations in moved.items()
        ],
    }
    write(STDOUT, json.dumps(told, ensure_ascii=False) + "\n")


def _named(side: Side) -> dict[str, object]:
    return {"name": side.policy.name, "version": side.policy.version, "digest": side.policy.digest}
