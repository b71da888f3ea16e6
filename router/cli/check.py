"""`nearfar-policy check`."""

from __future__ import annotations

import argparse
import sys

from router.cli.source import read_policy
from router.lint import lint

__all__ = ["check"]


def check(given: argparse.Namespace) -> int:
    """Print what is in force with this file, and a warning for each part that changes nothing."""
    policy = read_policy(given.policy)
    warnings = lint(policy)
    for warning in warnings:
        print(f"nearfar-policy: {given.policy}: warning: {warning}", file=sys.stderr)
    print(f"{given.policy}: policy {policy.name} version {policy.version}, {_count(len(policy.rules), 'rule')}")
    print(policy.digest)
    if given.strict and warnings:
        print(f"nearfar-policy: {_count(len(warnings), 'warning')}, and --strict was given", file=sys.stderr)
        return 1
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
