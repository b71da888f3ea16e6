"""`nearfar-policy decide`."""

from __future__ import annotations

import argparse

from router.choosing import engine
from router.cli.imagine import imagine, said_of
from router.cli.outputs import STDOUT, write
from router.cli.source import read_policy
from router.telling.explain import in_words
from router.telling.record import to_json

__all__ = ["decide"]


def decide(given: argparse.Namespace) -> int:
    """Print what the policy decides in an imagined situation, and why."""
    policy = read_policy(given.policy)
    decision = engine.decide(policy, imagine(policy, said_of(policy, given)))
    if given.json:
        write(STDOUT, to_json(decision) + "\n")
    else:
        print(in_words(decision))
    return 0
