"""`nearfar-policy check`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from router.cli.outputs import STDOUT, write
from router.cli.source import read_bytes
from router.errors import Fault, PolicyError, RouterError
from router.lint import lint
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.toml.document import located
from router.types import Kind

__all__ = ["check"]


def check(given: argparse.Namespace) -> int:
    """Print what is in force with this file, each fault of it, and a warning for each part to look at."""
    targets, models = (None, None) if given.agent is None else _agent(given.agent)
    content = read_bytes(given.policy)
    policy: Policy | None = None
    faults: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    try:
        policy = compile_policy(content, source=str(given.policy), targets=targets, models=models)
    except PolicyError as error:
        faults = error.faults
    if policy is not None:
        found = lint(policy, targets=targets, models=models)
        warnings = located([Fault(warning.path, warning.message) for warning in found], content)
    say = _say_as_json if given.json else _say
    say(given.policy, policy, faults, warnings)
    if policy is None:
        return 1
    if given.strict and warnings:
        print(f"nearfar-policy: {_count(len(warnings), 'warning')}, and --strict was given", file=sys.stderr)
        return 1
    return 0


def _say(path: Path, policy: Policy | None, faults: Sequence[Fault], warnings: Sequence[Fault]) -> None:
    for fault in faults:
        print(f"nearfar-policy: {path}: {_one_line(fault)}", file=sys.stderr)
    for warning in warnings:
        print(f"nearfar-policy: {path}: warning: {_one_line(warning)}", file=sys.stderr)
    if policy is not None:
        print(f"{path}: policy {policy.name} version {policy.version}, {_count(len(policy.rules), 'rule')}")
        print(policy.digest)


def _say_as_json(path: Path, policy: Policy | None, faults: Sequence[Fault], warnings: Sequence[Fault]) -> None:
    told = {
        "file": str(path),
        "policy": None
        if policy is None
        else {
            "name": policy.name,
            "version": policy.version,
            "digest": policy.digest,
            "rules": [rule.name for rule in policy.rules],
        },
        "faults": [_as_json(fault) for fault in faults],
        "warnings": [_as_json(warning) for warning in warnings],
    }
    write(STDOUT, json.dumps(told, ensure_ascii=False) + "\n")


def _as_json(fault: Fault) -> Mapping[str, object]:
    return {"line": fault.line, "path": fault.path, "problem": fault.problem}


def _agent(path: Path) -> tuple[Mapping[str, Kind], Collection[str]]:
    """Return the targets and models of an agent's configuration."""
    # Here, because it brings the whole SDK along, which no other command needs.
    from edge_agent.config import load_config
    from edge_agent.errors import ConfigError

    try:
        config = load_config(path)
    except ConfigError as error:
        raise RouterError(str(error)) from error
    return config.kinds, set(config.models)


def _one_line(fault: Fault) -> str:
    return " ".join(str(fault).split())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
