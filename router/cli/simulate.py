"""`nearfar-policy simulate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from router.cli.progress import Progress
from router.cli.scenario_files import find_scenario
from router.cli.simulated import table
from router.cli.source import read_policy
from router.compile import built_in_policy
from router.errors import RouterError
from router.policy import Policy
from router.simulate.comparison import Comparison, compare, runs
from router.simulate.scenario import Scenario
from router.types import DEVICE, Kind

__all__ = ["simulate"]


def simulate(given: argparse.Namespace) -> int:
    """Print what policies come to in a scenario, beside what simple rules come to, and the bound on all of them."""
    scenario = find_scenario(given.scenario)
    seed = scenario.seed if given.seed is None else given.seed
    policies = _policies(given.policies, scenario)
    with Progress(sys.stderr, runs(scenario.setting, policies)) as progress:
        compared = compare(scenario.setting, policies, seed, watch=progress.step)
    if given.json is not None:
        given.json.write_text(_as_json(scenario, seed, policies, compared), encoding="utf-8")
    requests = compared.policies[0].outcomes.requests
    print(f"{scenario.name}: {requests:,} requests in {scenario.setting.duration_s:,.0f} s, seed {seed}")
    if scenario.about:
        print(scenario.about)
    print()
    for line in table(compared):
        print(line)
    return 0


def _policies(paths: Sequence[Path], scenario: Scenario) -> list[Policy]:
    targets = {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in scenario.setting.servers}}
    policies = [read_policy(path, targets) for path in paths] or [built_in_policy()]
    names = [policy.name for policy in policies]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RouterError(f'two of the policies are called "{twice}"; a table could not tell them apart')
    return policies


def _as_json(scenario: Scenario, seed: int, policies: Sequence[Policy], compared: Comparison) -> str:
    best = compared.best_threshold
    whole: dict[str, Any] = {  # Any: a JSON document
        "scenario": {"name": scenario.name, "digest": scenario.digest, "seed": seed, "sources": dict(scenario.cited)},
        "policies": [
            {
                **asdict(judged.outcomes),
                "digest": policy.digest,
                "version": policy.version,
                "score": judged.score,
                "promise_broken": judged.outcomes.broken,
            }
            for policy, judged in zip(policies, compared.policies, strict=True)
        ],
        "baselines": [asdict(outcomes) for outcomes in compared.baselines],
        "best_threshold": None if best is None else asdict(best),
        "least_possible_cost": compared.least_cost,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
