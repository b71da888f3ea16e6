"""`nearfar-policy simulate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from router.cli.outputs import page, refuse_early, write
from router.cli.progress import Progress
from router.cli.reported import write_report
from router.cli.scenario_files import find_scenario
from router.cli.simulated import fleet_table, table
from router.cli.source import policy_for, refuse_strange_labels
from router.cli.workers import Workers
from router.errors import RouterError
from router.naming import shown
from router.rules.compile import built_in_policy
from router.rules.policy import Policy
from router.simulate.comparison import Comparison, compare, runs
from router.simulate.fleet import FleetOutcomes, simulate_fleet
from router.simulate.scenario import Scenario

__all__ = ["simulate"]

_HOUR_S = 3600.0
_MOST_LETTERS = 2000  # which is what a document may say of itself


def simulate(given: argparse.Namespace) -> int:
    """Print what policies come to in a scenario, beside what simple rules come to, and the bound on all of them."""
    read: list[Path] = [*given.policies]
    scenario = find_scenario(given.scenario, read=read)
    seed = scenario.seed if given.seed is None else given.seed
    policies = _policies(given.policies, scenario)
    if given.html is not None:
        if scenario.devices > 1:
            raise RouterError(f"--html is of one device; {scenario.name} has {scenario.devices}. Leave it out")
    elif given.points is not None:
        raise RouterError("--points is for the report's sliders; give --html FILE as well")
    refuse_early((given.json, given.html), read)
    if scenario.devices > 1:
        return _fleet(given, scenario, policies, seed)
    with Progress(sys.stderr, runs(scenario.setting, policies)) as progress:
        compared = compare(scenario.setting, policies, seed, watch=progress.step, spread=Workers(given.workers))
    _refuse_none(scenario, compared.policies[0].outcomes.requests)
    lines = [*table(compared), *_short_of_periods(scenario, policies)]
    # First: where the file cannot be written after all, this is there.
    out = page(given.json, given.html)
    _print(out, scenario, compared.policies[0].outcomes.requests, seed, lines)
    if given.json is not None:
        write(given.json, _as_json(scenario, seed, policies, compared))
    if given.html is not None:
        workers = Workers(given.workers)
        write_report(given.html, scenario, policies, seed, compared, most_points=given.points, spread=workers, out=out)
    return 0


def _fleet(given: argparse.Namespace, scenario: Scenario, policies: Sequence[Policy], seed: int) -> int:
    """Print what policies come to on many devices at once, and what they do to the servers. Without baselines, which
    would take twenty times as long; they are shown where the scenario has one device."""
    fleets: list[FleetOutcomes] = []
    tasks = [partial(simulate_fleet, scenario.setting, policy, seed, scenario.devices) for policy in policies]
    with Progress(sys.stderr, len(policies)) as progress:
        ran = Workers(given.workers)(tasks)
        for policy in policies:
            progress.step(policy.name)
            fleets.append(next(ran))
    _refuse_none(scenario, fleets[0].outcomes.requests)
    lines = [*fleet_table(fleets), *_short_of_periods(scenario, policies)]
    _print(page(given.json), scenario, fleets[0].outcomes.requests, seed, lines)
    if given.json is not None:
        whole = {"scenario": _told(scenario, seed), "fleets": [asdict(fleet) for fleet in fleets]}
        write(given.json, json.dumps(whole, ensure_ascii=False, indent=2) + "\n")
    return 0


def _refuse_none(scenario: Scenario, requests: int) -> None:
    if not requests:
        raise RouterError(
            f"{scenario.name}: no request comes in its {scenario.setting.duration_s:g} s; nothing to compare"
        )


def _short_of_periods(scenario: Scenario, policies: Sequence[Policy]) -> Iterator[str]:
    """Yield a line for each budget whose period is not over when the scenario is: it looks as if it were kept back."""
    duration_s = scenario.setting.duration_s
    for policy in policies:
        for terms in policy.budgets:
            if terms.period_s > duration_s:
                period = "an hour" if terms.period_s <= _HOUR_S else "a day"
                yield (
                    f"{policy.name}: its budget of {terms.resource.value} is for {period}, and the scenario lasts "
                    f"{duration_s:,.0f} s: about {_share(duration_s / terms.period_s)}% of it is there to be used"
                )


def _share(part: float) -> str:
    return f"{100 * part:.0f}" if part >= 0.01 else f"{100 * part:.1g}"


def _print(out: TextIO, scenario: Scenario, requests: int, seed: int, lines: Sequence[str]) -> None:
    devices = f" of {scenario.devices:,} devices" if scenario.devices > 1 else ""
    print(
        f"{scenario.name}: {requests:,} requests{devices} in {scenario.setting.duration_s:,.0f} s, seed {seed}",
        file=out,
    )
    if scenario.about:
        print(shown(scenario.about, _MOST_LETTERS), file=out)
    print(file=out)
    for line in lines:
        print(line, file=out)


def _policies(paths: Sequence[Path], scenario: Scenario) -> list[Policy]:
    policies = [policy_for(path, scenario) for path in paths]
    if not policies:
        policies = [built_in_policy()]
        refuse_strange_labels(policies[0], scenario)
    names = [policy.name for policy in policies]
    # Two versions of one policy are what one mostly wants to see beside each other.
    told = [
        replace(policy, name=f"{policy.name} v{policy.version}") if names.count(policy.name) > 1 else policy
        for policy in policies
    ]
    names = [policy.name for policy in told]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RouterError(
            f'two of the policies are called "{twice}"; a table could not tell them apart: raise the version of one'
            ", or call it otherwise"
        )
    return told


def _as_json(scenario: Scenario, seed: int, policies: Sequence[Policy], compared: Comparison) -> str:
    best = compared.best_threshold
    whole: dict[str, Any] = {  # Any: a JSON document
        "scenario": _told(scenario, seed),
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


def _told(scenario: Scenario, seed: int) -> dict[str, Any]:  # Any: a JSON document
    return {"name": scenario.name, "digest": scenario.digest, "seed": seed, "sources": dict(scenario.cited)}
