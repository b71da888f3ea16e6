"""`nearfar-policy gate`: whether one policy may follow another, as an exit code for whoever ships policies."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from router.cli.gated import lines
from router.cli.outputs import page, refuse_early, write
from router.cli.progress import Progress
from router.cli.scenario_files import find_scenario, shipped
from router.cli.source import policy_for, read_bytes, refuse_pipes
from router.cli.whole import number, whole
from router.cli.workers import Workers
from router.errors import RouterError
from router.gate.criterion import Answer
from router.gate.gating import MOST_SEEDS, Day, Judged, runs
from router.gate.gating import gate as judge
from router.gate.paired import LEAST_SEEDS
from router.gate.terms import Goal, Terms, terms_of
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.limits import limit_of
from router.simulate.measures import MEASURES
from router.telling.difference import Looser, looser, side_of
from router.types import DEVICE, Kind

__all__ = ["DESCRIPTION", "EPILOG", "gate", "takes_gate"]

_FAULT: Final = 3
"""Nothing was judged: the command was called wrongly, or a file is missing or at fault. Not argparse's own 2, which
somebody's pipeline would take for inconclusive."""
_CODES: Final = {Answer.ACCEPT: 0, Answer.REJECT: 1, Answer.INCONCLUSIVE: 2}
_SEEDS: Final = 5

DESCRIPTION: Final = (
    "Run two policies through the same scenarios, with the same chance, and say whether the candidate may follow the"
    " baseline: whether its objective is better, accuracy and deadlines are not worse by more than a margin, and what"
    " the baseline promised is kept. Each is shown with an error of at most ALPHA, or the answer is that it is not."
)
EPILOG: Final = (
    f"Measures: {', '.join(MEASURES)}. Exit codes: 0 accept, 1 reject, 2 inconclusive, {_FAULT} nothing was judged:"
    f" called wrongly, or a file is missing or at fault. Scenarios that ship: {', '.join(shipped())}."
)


def takes_gate(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="a scenario file (TOML), or one that ships")
    for name, which in (("baseline", "is in force"), ("candidate", "is to follow it")):
        parser.add_argument(
            f"--{name}", type=Path, required=True, metavar="FILE", help=f"the policy file (TOML) that {which}"
        )
    parser.add_argument(
        "--objective", default="cost", metavar="MEASURE", help="what is to become less (default: %(default)s)"
    )
    parser.add_argument(
        "--goal",
        choices=[goal.value for goal in Goal],
        default=Goal.BETTER.value,
        help="better: the objective falls, on the average of the scenarios, and rises in none by more than its margin;"
        " not-worse: only the latter (default: %(default)s)",
    )
    parser.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="MEASURE=NUMBER",
        dest="margins",
        help="by how much more a measure may rise for each request in each scenario, or with a %% sign by which part"
        " of the baseline's; may be repeated (default: accuracy_loss=0.005, misses=0.005, the objective 1%%)",
    )
    parser.add_argument(
        "--subject-to",
        action="append",
        default=[],
        metavar="MEASURE<=NUMBER",
        dest="limits",
        help="a limit that the candidate has to keep in each scenario; may be repeated",
    )
    parser.add_argument(
        "--alpha",
        type=number(0.0001, 0.25),
        default=0.05,
        metavar="ALPHA",
        help="how probable it may be that a candidate is accepted which is not as asked (default: %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=whole(LEAST_SEEDS, MOST_SEEDS, "of fewer runs nobody can tell how much they differ by chance"),
        default=_SEEDS,
        metavar="N",
        help=f"run each scenario with so many seeds, at least {LEAST_SEEDS} (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the verdict and all figures there; -: print them, and what is for people to stderr",
    )
    parser.set_defaults(run=gate, at_fault=_FAULT)


def gate(given: argparse.Namespace) -> int:
    """Print what the candidate has shown and what not, and the verdict; return its exit code."""
    limits = [limit_of(text) for text in given.limits]
    terms = terms_of(given.objective, Goal(given.goal), given.margins, limits, given.alpha)
    read: list[Path] = [given.baseline, given.candidate]
    refuse_pipes(read)
    days, targets = _days(given, read)
    eased = _looser(given.baseline, given.candidate, targets)
    refuse_early((given.json,), read)
    with Progress(sys.stderr, runs(days, given.seeds)) as progress:
        judged = judge(days, eased, terms, seeds=given.seeds, watch=progress.step, spread=Workers(given.workers))
    # First: where the file cannot be written after all, this is there.
    for line in lines(days, judged):
        print(line, file=page(given.json))
    if given.json is not None:
        write(given.json, _as_json(days, terms, judged))
    return _CODES[judged.answer]


def _days(given: argparse.Namespace, read: list[Path]) -> tuple[list[Day], dict[str, Kind]]:
    """Return the days, and the targets of all of them; `read` is added each file that they are made of."""
    days: list[Day] = []
    targets = {DEVICE: Kind.DEVICE}
    for name in given.scenarios:
        scenario = find_scenario(name, read=read)
        if any(day.name == scenario.name for day in days):
            raise RouterError(f'two of the scenarios are called "{scenario.name}"; a table could not tell them apart')
        policies = (policy_for(path, scenario) for path in (given.baseline, given.candidate))
        seed = scenario.seed if given.seed is None else given.seed
        days.append(Day(scenario.name, scenario.setting, scenario.devices, seed, *policies))
        targets |= {server.name: server.kind for server in scenario.setting.servers}
    return days, targets


def _looser(baseline: Path, candidate: Path, targets: Mapping[str, Kind]) -> Sequence[Looser]:
    old, new = (
        side_of(compile_policy(content, source=str(path), targets=targets), content)
        for path, content in ((path, read_bytes(path)) for path in (baseline, candidate))
    )
    return looser(old, new)


def _as_json(days: Sequence[Day], terms: Terms, judged: Judged) -> str:
    whole: dict[str, Any] = {  # Any: a JSON document
        "verdict": judged.answer,
        "baseline": _named(days[0].baseline),
        "candidate": _named(days[0].candidate),
        "scenarios": [{"name": day.name, "first_seed": day.seed, "devices": day.devices} for day in days],
        "seeds": judged.seeds,
        "requests": judged.requests,
        "seeds_wanted": judged.seeds_wanted,
        "objective": terms.objective.name,
        "goal": terms.goal,
        "alpha": terms.alpha,
        "margins": {name: str(margin) for name, margin in terms.margins.items()},
        "subject_to": [str(limit) for limit in terms.limits],
        "criteria": [asdict(criterion) for criterion in judged.criteria],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _named(policy: Policy) -> dict[str, object]:
    return {"name": policy.name, "version": policy.version, "digest": policy.digest}
