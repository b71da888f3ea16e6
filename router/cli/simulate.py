"""`nearfar-policy simulate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from router.cli.progress import Progress
from router.cli.scenario_files import find_scenario
from router.cli.simulated import table
from router.cli.source import read_policy
from router.compile import built_in_policy
from router.errors import RouterError
from router.policy import Policy
from router.simulate.baselines import BASELINES, THRESHOLDS, Baseline, always, cascade
from router.simulate.driver import simulate as run
from router.simulate.outcomes import Outcomes
from router.simulate.scenario import Scenario
from router.types import DEVICE, Kind

__all__ = ["simulate"]

_BEST: Final = "best threshold"


def simulate(given: argparse.Namespace) -> int:
    """Print what policies come to in a scenario, beside what simple rules come to in it."""
    scenario = find_scenario(given.scenario)
    seed = scenario.seed if given.seed is None else given.seed
    policies = _policies(given.policies, scenario)
    baselines = _baselines(scenario)
    with Progress(sys.stderr, len(policies) + len(baselines)) as progress:
        ran = [(policy.name, run(scenario.setting, policy, seed)) for policy in progress.through(policies, _name)]
        # What things are worth is the first policy's word for all of them.
        beside = [
            (baseline.name, run(scenario.setting, policies[0], seed, baseline=baseline))
            for baseline in progress.through(baselines, _name)
        ]
    shown = _with_the_best_threshold(beside)
    if given.json is not None:
        given.json.write_text(_as_json(scenario, seed, policies, ran, shown), encoding="utf-8")
    requests = ran[0][1].requests
    print(f"{scenario.name}: {requests:,} requests in {scenario.setting.duration_s:,.0f} s, seed {seed}")
    if scenario.about:
        print(scenario.about)
    print()
    for line in table(ran, shown):
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


def _baselines(scenario: Scenario) -> list[Baseline]:
    fixed = {baseline.name: baseline for baseline in BASELINES}
    remotes = {baseline.name: baseline for baseline in (always(server.name) for server in scenario.setting.servers)}
    thresholds = {baseline.name: baseline for baseline in map(cascade, THRESHOLDS)}
    return list({**fixed, **remotes, **thresholds}.values())


def _with_the_best_threshold(beside: Sequence[tuple[str, Outcomes]]) -> list[tuple[str, Outcomes]]:
    """Return the rows to show: of the thresholds that were tried in hindsight only the best, under its own name."""
    always_shown = {baseline.name for baseline in BASELINES}
    tried = {cascade(threshold).name for threshold in THRESHOLDS}
    best_name, best = min((row for row in beside if row[0] in tried), key=lambda row: row[1].cost.value)
    rows = [row for row in beside if row[0] in always_shown or row[0] not in tried]
    return [*rows, (f"{_BEST} ({best_name.removeprefix('cascade-')})", best)]


def _name(named: Policy | Baseline) -> str:
    return named.name


def _as_json(
    scenario: Scenario,
    seed: int,
    policies: Sequence[Policy],
    ran: Sequence[tuple[str, Outcomes]],
    beside: Sequence[tuple[str, Outcomes]],
) -> str:
    whole: dict[str, Any] = {  # Any: a JSON document
        "scenario": {"name": scenario.name, "digest": scenario.digest, "seed": seed, "sources": dict(scenario.cited)},
        "policies": [
            {"digest": policy.digest, "version": policy.version, **_row(name, outcomes)}
            for policy, (name, outcomes) in zip(policies, ran, strict=True)
        ],
        "baselines": [_row(name, outcomes) for name, outcomes in beside],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _row(name: str, outcomes: Outcomes) -> dict[str, Any]:  # Any: a JSON document
    return {**asdict(outcomes), "policy": name}
