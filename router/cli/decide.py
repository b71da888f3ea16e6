"""`nearfar-policy decide`."""

from __future__ import annotations

import argparse

from router import engine
from router.cli.imagine import Imagined, imagine
from router.cli.source import read_policy
from router.errors import RouterError
from router.explain import in_words
from router.naming import did_you_mean
from router.record import to_json

__all__ = ["decide"]


def decide(given: argparse.Namespace) -> int:
    """Print what the policy decides in an imagined situation, and why."""
    policy = read_policy(given.policy)
    if given.label is not None and given.label not in policy.labels:
        # The agent refuses it as well; a rehearsal that took it for the strictest would hide the typo.
        raise RouterError(
            f'policy {policy.name} has no label "{given.label}"{did_you_mean(given.label, policy.labels)}'
        )
    said = Imagined(
        label=given.label,
        model=given.model,
        deadline_ms=given.deadline_ms,
        rtt_ms=given.rtt_ms,
        upload_bytes=int(given.upload_bytes),
        readings=tuple(given.readings),
    )
    decision = engine.decide(policy, imagine(policy, said))
    print(to_json(decision) if given.json else in_words(decision))
    return 0
