"""`nearfar-policy tune`."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from router.cli.outputs import STDOUT, page, refuse_early, refuse_what_is_read, write
from router.cli.progress import Progress
from router.cli.searching import Journal, Runner
from router.cli.source import policy_for, read_bytes, refuse_pipes
from router.cli.training import Stretches, read_stretches
from router.cli.whole import whole
from router.cli.workers import Workers
from router.document import PolicyDocument
from router.errors import MeasureError, PolicyError, TuneError
from router.rules.compile import MAX_POLICY_BYTES, compile_policy
from router.rules.policy import Policy
from router.simulate.comparison import compare, runs
from router.simulate.intervals import Figure
from router.simulate.limits import Limit, limit_of, measure_of
from router.simulate.measures import Measure
from router.simulate.remaining import remaining
from router.simulate.spread import Spread, Watch
from router.toml.document import read_document
from router.tune.aims import Aim, Blocks, Judge
from router.tune.heldout import Verdict, verdict
from router.tune.search import Found, search
from router.tune.space import Space, named, space_of
from router.tune.telling import at_best, left_in_words, notes_of, outcome, searched
from router.tune.trial import Part
from router.tune.writing import as_document, as_tuned
from router.types import DEVICE, Kind

__all__ = ["ABOUT", "takes_tune", "tune"]

_NOT_BETTER: Final = 3
_CANNOT_BE_HELD: Final = 4
_INTERRUPTED: Final = 130


_MOST_EVALUATIONS: Final = 5_000
"""All of their runs are kept in memory, some 50 kB each; and nobody waits for more."""

ABOUT: Final = (
    "Search for numbers of a policy with which it does better in simulated scenarios, and write it with them, each"
    " with what it was and what it gains beside it; only if it is better in held-out traffic, too. What is promised,"
    " private, or said outright by a rule is never touched. It goes on where it was interrupted. Of all measures less"
    f" is better, and they are for one request. Exit codes: 0 written, {_NOT_BETTER} nothing better was found,"
    f" {_CANNOT_BE_HELD} no policy holds every constraint, {_INTERRUPTED} interrupted."
)


@dataclass(frozen=True, slots=True)
class _Start:
    """The policy that the search begins with."""

    content: bytes
    policy: Policy
    targets: dict[str, Kind]
    space: Space


def takes_tune(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="a scenario file (TOML), or one that ships")
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy to start from")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="where to write the better one; -: print it, and what is for people to stderr; such a search cannot be"
        " gone on with",
    )
    parser.add_argument(
        "--objective", type=_measure, default="cost", metavar="MEASURE", help="what to lessen (default: %(default)s)"
    )
    parser.add_argument(
        "--subject-to",
        type=_limit,
        action="append",
        default=[],
        metavar="MEASURE<=NUMBER",
        dest="limits",
        help="a limit that has to be kept in each scenario; may be repeated",
    )
    parser.add_argument(
        "--held-out",
        action="append",
        default=[],
        metavar="SCENARIO",
        help="a scenario that decides and is not looked at; may be repeated (default: the last 40 %% of each SCENARIO)",
    )
    parser.add_argument(
        "--only",
        type=_names,
        action="extend",
        default=[],
        metavar="NAMES",
        help="turn only these tables or fields, with commas between them, such as escalation,worth.second",
    )
    parser.add_argument(
        "--evaluations",
        type=whole(1, _MOST_EVALUATIONS),
        default=200,
        metavar="N",
        help="try so many policies (default: %(default)s)",
    )
    parser.set_defaults(run=tune)


def _measure(text: str) -> Measure:
    try:
        return measure_of(text)
    except MeasureError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _limit(text: str) -> Limit:
    try:
        return limit_of(text)
    except MeasureError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _names(text: str) -> list[str]:
    try:
        return [named(name.strip()) for name in text.split(",")]
    except TuneError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def tune(given: argparse.Namespace) -> int:
    """Search for a better policy than the start, and write it if it is better where nobody looked."""
    aim = Aim(given.objective, tuple(given.limits))
    path = None if given.output == STDOUT else given.output.with_name(f"{given.output.name}.journal")
    read: list[Path] = [given.policy]
    refuse_pipes(read)
    stretches = read_stretches(given.scenarios, given.held_out, given.seed, read=read)
    refuse_early((given.output,), read)
    if path is not None:
        refuse_what_is_read(path, read)
    start = _read_start(given, stretches)
    header = {
        "release": version("nearfar"),
        "policy": start.policy.digest,
        "scenarios": list(stretches.digests),
        "seed": stretches.seed,
        "objective": str(aim),
        "held_out": list(stretches.about),
        "knobs": hashlib.sha256(repr(start.space).encode()).hexdigest(),
        "evaluations": given.evaluations,
    }
    try:
        with Journal(path, header, times=aim.needs_times) as journal:
            code = _tuned(given, aim, start, stretches, journal)
            journal.done()
    except KeyboardInterrupt:
        kept = "nothing is kept, as no file was named" if path is None else f"the same command goes on from {path}"
        print(f"nearfar-policy: interrupted; {kept}", file=sys.stderr)
        return _INTERRUPTED
    return code


def _tuned(given: argparse.Namespace, aim: Aim, start: _Start, stretches: Stretches, journal: Journal) -> int:
    training = Judge(aim, [part.name for part in stretches.training], stretches.seed)
    deciding = Judge(aim, [part.name for part in stretches.held], stretches.seed)
    spread = Workers(given.workers)
    runner = Runner(start.content, start.targets, start.policy.worth, journal, spread)
    with Progress(sys.stderr, given.evaluations * len(stretches.training)) as progress:
        runner.watched_by(progress.step)
        asked = search(start.space, training, seed=stretches.seed, evaluations=given.evaluations)
        found = runner.search(asked, stretches.training)
    lines = list(searched(found, start.space, stretches.about))
    if training.broken(found.runs):
        return _stays(given, [*lines, *at_best(found, training)], _CANNOT_BE_HELD)
    if not found.point:
        return _stays(given, [*lines, "no change is better where the search looked"], _NOT_BETTER)
    with Progress(sys.stderr, _deciding_steps(start, found, stretches)) as progress:
        runner.watched_by(progress.step)
        held = _decided(runner, start.space, found, stretches.held, deciding)
        lines += outcome(held, deciding)
        if held.word != "better":
            progress.clear()
            return _stays(given, lines, _NOT_BETTER)
        gains = _gains(runner, start.space, found, stretches.training, training)
        scores = list(_scores(start, found, stretches.held, spread, progress.step))
    notes = notes_of(start.policy, start.space, found, deciding, held, gains, [*stretches.about, *scores])
    content = as_tuned(start.content, found.point, start.policy.version + 1, notes)
    compile_policy(content, source=str(given.output), targets=start.targets)  # a version may be the last that there is
    write(given.output, content)
    where = "standard output" if given.output == STDOUT else given.output
    told = f"wrote {where}, version {start.policy.version + 1}; beside each number stands what it was"
    _print(given, [*lines, *scores, told])
    return 0


def _deciding_steps(start: _Start, found: Found, stretches: Stretches) -> int:
    """Return how many runs it takes to decide, and to tell what each change is worth."""
    alone = len(found.point) * (len(stretches.held) + len(stretches.training))
    compared = sum(runs(part.setting, [start.policy] * 2) + 1 for part in stretches.held)
    return 2 * len(stretches.held) + alone + compared


def _stays(given: argparse.Namespace, lines: Sequence[str], code: int) -> int:
    _print(given, [*lines, f"{given.policy} stays as it is; nothing was written"])
    return code


def _print(given: argparse.Namespace, lines: Sequence[str]) -> None:
    for line in lines:
        print(line, file=page(given.output))


def _decided(runner: Runner, space: Space, found: Found, parts: Sequence[Part], judge: Judge) -> Verdict:
    begun, tuned = runner.run([{}, found.point], parts)
    assert begun is not None
    assert tuned is not None
    return verdict(judge, begun, tuned, dict(_each_back(runner, space, found, parts)))


def _gains(runner: Runner, space: Space, found: Found, parts: Sequence[Part], judge: Judge) -> dict[str, Figure]:
    back = _each_back(runner, space, found, parts)
    return {path: judge.difference(alone, found.runs) for path, alone in back}


def _each_back(
    runner: Runner, space: Space, found: Found, parts: Sequence[Part]
) -> Iterator[tuple[str, Sequence[Blocks]]]:
    """Yield what comes of each change taken back alone, where that is a policy."""
    points = [space.back(found.point, path) for path in found.point]
    for path, alone in zip(found.point, runner.run(points, parts), strict=True):
        if alone is not None:
            yield path, alone


def _scores(start: _Start, found: Found, parts: Sequence[Part], spread: Spread, watch: Watch) -> Iterator[str]:
    """Yield how far the start and what was found get, from the best fixed choice to the bound, in each part, and what
    it would take to get further."""
    tuned, worth = compile_policy(as_document(start.content, found.point), targets=start.targets), start.policy.worth
    for part in parts:
        compared = compare(part.setting, [start.policy, tuned], part.seed, watch=watch, spread=spread)
        before, after = compared.policies
        watch("what remains")
        cost, least = after.outcomes.cost.value, compared.least_cost
        left = remaining(part.setting, tuned, part.seed, cost=cost, least=least, worth=worth, spread=spread)
        yield f"score in {part.name}: {_score(before.score)} -> {_score(after.score)}"
        yield from left_in_words(left, cost)


def _score(score: float | None) -> str:
    return "nothing to gain" if score is None else f"{score:.3f}"


# -- what is read ------------------------------------------------------------------------------------------------------


def _read_start(given: argparse.Namespace, stretches: Stretches) -> _Start:
    content = read_bytes(given.policy)
    servers = [server for scenario in stretches.scenarios for server in scenario.setting.servers]
    targets = {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in servers}}
    for scenario in stretches.scenarios:
        policy_for(given.policy, scenario)
    policy = compile_policy(content, source=str(given.policy), targets=targets)
    document = read_document(content, PolicyDocument, PolicyError, source=str(given.policy), max_bytes=MAX_POLICY_BYTES)
    return _Start(content, policy, targets, space_of(document, given.only))
