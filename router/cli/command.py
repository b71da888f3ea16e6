"""The command line itself: its words, its exit codes, and its errors as one line each.

0: done. 1: the policy or the records are at fault (with `check --strict`, also warnings; with `diff --exit-code`, two
policies differ). 2: called wrongly, or a file cannot be read or written. 3: `diff --refuse-looser` found looser
privacy, or `tune` nothing better. 4: `tune` found no policy that holds every constraint. `gate` has codes of its own:
0 accept, 1 reject, 2 inconclusive, and 3 for everything that is at fault. 130: interrupted."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from nearfar_wire.build import build_version
from router.cli.check import check
from router.cli.collecting import collected_rarely
from router.cli.decide import decide
from router.cli.diff import diff
from router.cli.explain import explain
from router.cli.gate import DESCRIPTION, EPILOG, takes_gate
from router.cli.imagine import takes_situation
from router.cli.init import init
from router.cli.replay import replay
from router.cli.reported import takes_report
from router.cli.scenario import scenario
from router.cli.scenario_files import shipped
from router.cli.schema import KINDS, schema
from router.cli.simulate import simulate
from router.cli.templates import TEMPLATES
from router.cli.tune import ABOUT, takes_tune
from router.cli.whole import number, whole
from router.cli.workers import cores
from router.errors import RouterError
from router.naming import shown
from router.simulate.measures import MEASURES

__all__ = ["main"]

# As many processes as Windows can wait for at a time.
_MOST_WORKERS: Final = 61
_SEED: Final = whole(0, (1 << 63) - 1)
_MOST_LINES: Final = 1 << 40
_MOST_LETTERS: Final = 2000
_FIGURES: Final = "write all figures, with their intervals, there; -: print them, and what is for people to stderr"
_INTERRUPTED: Final = 130
"""As a shell says of whoever a Ctrl-C has ended."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves the usage to --help. Ends with 2, or what the command ends with where
    it is at fault."""

    def error(self, message: str) -> NoReturn:
        code: int = self.get_default("at_fault") or 2
        self.exit(code, f"{self.prog}: {_one_line(message)}; see {self.prog} --help\n")

    def parse_whole(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parse, and leave what is too much to the command that it was given to."""
        given, more = self.parse_known_args(arguments)
        if more:
            parser: _Parser = getattr(given, "parser", self)
            parser.error(f"unrecognized arguments: {' '.join(more)}")
        return given


def main(arguments: Sequence[str] | None = None, *, platform: str = sys.platform) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter is shown a question mark
    given = _parser().parse_whole(arguments)
    at_fault: int | None = getattr(given, "at_fault", None)
    try:
        with collected_rarely():
            code: int = given.run(given)
        sys.stdout.flush()
    except RouterError as error:
        return _fail(str(error), at_fault or 1)
    except OSError as error:
        if error.filename is not None:
            return _fail(f"{error.filename}: {error.strerror}", at_fault or 2)
        _drop_what_is_printed()
        # Windows calls an argument invalid where whoever reads from a pipe has gone.
        if isinstance(error, BrokenPipeError) or (platform == "win32" and error.errno == errno.EINVAL):
            return at_fault or 0  # whoever read us has seen enough
        # Whatever else is written says where: see router.cli.outputs.
        where = "standard output: " if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else ""
        return _fail(f"{where}{error.strerror or error}", at_fault or 2)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    return code


def _parser() -> _Parser:
    parser = _Parser(prog="nearfar-policy", description="Check and try out the policies that requests are routed by.")
    parser.add_argument("--version", action="version", version=f"nearfar {build_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    starting = commands.add_parser(
        "init",
        help="write a policy to start from",
        description="Write a policy to start from, in which every field stands with its unit, its default and the"
        " reason for it. Templates: " + " ".join(f"{name}: {t.about}" for name, t in TEMPLATES.items()),
    )
    starting.add_argument(
        "path",
        type=Path,
        nargs="?",
        default=Path("policy.toml"),
        metavar="FILE",
        help="default: %(default)s; -: print it",
    )
    starting.add_argument("--template", choices=list(TEMPLATES), default="balanced", help="default: %(default)s")
    starting.add_argument("--name", help="the policy's name (default: the template's)")
    starting.add_argument("--force", action="store_true", help="write over a file that is there")
    starting.set_defaults(run=init)

    checking = commands.add_parser("check", help="tell whether a policy can be put in force, and what in it is idle")
    _takes_policy(checking)
    checking.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    checking.add_argument(
        "--agent",
        type=Path,
        metavar="CONFIG",
        help="an agent's configuration: refuse what speaks of targets or models that it does not have",
    )
    checking.add_argument("--json", action="store_true", help="print what was found as JSON")
    checking.set_defaults(run=check)

    printing = commands.add_parser("schema", help="print the JSON Schema of a document")
    printing.add_argument(
        "--of", choices=KINDS, default=KINDS[0], metavar="KIND", help=f"{', '.join(KINDS)} (default: %(default)s)"
    )
    printing.set_defaults(run=schema)

    deciding = commands.add_parser(
        "decide",
        help="decide for an imagined request, with one device and one cloud",
        description="Decide for an imagined request with one device and one cloud, before anything was measured of them"
        " but the round trip, for a model whose release says how certain its answers are.",
    )
    _takes_policy(deciding)
    takes_situation(deciding)
    deciding.add_argument("--json", action="store_true", help="print the decision record")
    deciding.set_defaults(run=decide)

    comparing = commands.add_parser(
        "diff",
        help="tell what two policies differ in, looser privacy first",
        description="Tell what two policies differ in by what they mean: defaults filled in, labels as sets, rules by"
        " name; where privacy is looser, first. Then decide under both in some ordinary situations, and in some around"
        " the lines that their rules draw, and count what is decided otherwise.",
    )
    comparing.add_argument("old", type=Path, metavar="OLD", help="the policy file (TOML) that is in force")
    comparing.add_argument("new", type=Path, metavar="NEW", help="the policy file that is to come")
    comparing.add_argument("--refuse-looser", action="store_true", help="exit with 3 where privacy is looser")
    comparing.add_argument("--exit-code", action="store_true", help="exit with 1 where they differ")
    comparing.add_argument("--json", action="store_true", help="print what was found as JSON")
    comparing.set_defaults(run=diff)

    explaining = commands.add_parser(
        "explain",
        help="tell why a decision is what it is, and what would have changed it",
        description="Decide as `decide` does, or again in the situation of a recorded decision; tell why in words, and,"
        " for each reading, fact and estimate, the nearest value that would have changed it. Found by deciding again.",
    )
    _takes_policy(explaining)
    explaining.add_argument(
        "--record", type=Path, metavar="RECORDS", help="decide in the situation of a recorded decision instead"
    )
    explaining.add_argument(
        "--line",
        type=whole(1, _MOST_LINES),
        default=1,
        metavar="N",
        help="which line of RECORDS (default: %(default)s)",
    )
    takes_situation(explaining)
    explaining.add_argument("--json", action="store_true", help="print the record and the changes as JSON")
    explaining.set_defaults(run=explain)

    replaying = commands.add_parser(
        "replay",
        help="decide again, under other policies, what was decided before, and estimate what that would have come to",
        description="Decide again, in the situations of recorded decisions, under other policies: which decisions"
        " change and why; and, where the log explored, estimates by importance weights of what each policy would have"
        " come to. They are of the world that the logged policy made: wherever what is done changes it (radio, queues,"
        " temperature, battery, budgets) they are wrong, and a simulation is right.",
        epilog="Exit codes: 0: replayed, also where the log supports no estimate. 1: a policy is at fault, or no record"
        " can be read; with --strict, also where one of them cannot. 2: called wrongly, or a file cannot be read or"
        " written.",
    )
    replaying.add_argument(
        "records",
        type=Path,
        nargs="+",
        metavar="RECORDS",
        help="files of decision records, one JSON document a line, as an agent writes them where its configuration"
        " names such a file; older ones first; packed with gzip or not; -: standard input",
    )
    _takes_policies(replaying, required=True, more="one that made the records lets more be told of why")
    replaying.add_argument(
        "--audits",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="what audits and labels told of the same requests, as an agent writes it where its configuration names"
        " such a file; may be repeated",
    )
    replaying.add_argument("--json", type=Path, metavar="FILE", help=_FIGURES)
    replaying.add_argument(
        "--clip",
        type=number(1, 1e9),
        metavar="W",
        help="cut larger weights to W: less spread, and a bias (default: none is)",
    )
    replaying.add_argument("--strict", action="store_true", help="end with the first line that cannot be read")
    replaying.add_argument(
        "--seed", type=_SEED, default=1, metavar="N", help="what the intervals are drawn with (default: %(default)s)"
    )
    replaying.set_defaults(run=replay)

    showing = commands.add_parser(
        "scenario",
        help="print a scenario that ships, to start one of your own from",
        description="Print a scenario that ships, to start one of your own from; or write it, with the traces that it"
        " names, into a folder, where nothing is written over.",
    )
    showing.add_argument("name", metavar="NAME", help=", ".join(shipped()))
    showing.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="write it there (default: print it)")
    showing.set_defaults(run=scenario)

    simulating = commands.add_parser(
        "simulate",
        help="run policies through a scenario, beside simple rules",
        description="Run policies through a simulated stretch of a device's life, with the code that the agent decides,"
        " waits and learns with, and print what they come to beside what simple rules come to.",
        epilog=f"Scenarios that ship: {', '.join(shipped())}.",
    )
    simulating.add_argument("scenario", metavar="SCENARIO", help="a scenario file (TOML), or one that ships")
    _takes_policies(simulating, required=False, more="default: the policy that is built in")
    simulating.add_argument("--json", type=Path, metavar="FILE", help=_FIGURES)
    takes_report(simulating)
    _takes_runs(simulating)
    simulating.set_defaults(run=simulate)

    gating = commands.add_parser(
        "gate", help="say whether one policy may follow another", description=DESCRIPTION, epilog=EPILOG
    )
    takes_gate(gating)
    _takes_runs(gating)
    gating.set_defaults(parser=gating)

    tuning = commands.add_parser(
        "tune",
        help="search for better numbers in a policy, by simulation",
        description=ABOUT,
        epilog=f"Measures: {', '.join(MEASURES)}. Scenarios that ship: {', '.join(shipped())}.",
    )
    takes_tune(tuning)
    _takes_runs(tuning)
    return parser


def _takes_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_SEED, metavar="N", help="what chance begins with (default: the scenario's)")
    parser.add_argument(
        "--workers",
        type=whole(1, _MOST_WORKERS),
        default=min(cores(), _MOST_WORKERS),
        metavar="N",
        help="make so many runs at a time; what comes of them is the same (default: as many as there are cores)",
    )


def _takes_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("policy", type=Path, metavar="POLICY", help="the policy file (TOML)")


def _takes_policies(parser: argparse.ArgumentParser, *, required: bool, more: str) -> None:
    parser.add_argument(
        "--policy",
        action="append",
        default=[] if not required else None,
        required=required,
        type=Path,
        metavar="FILE",
        dest="policies",
        help=f"a policy file (TOML); may be repeated ({more})",
    )


def _drop_what_is_printed() -> None:
    """Let what could not be written go nowhere: closing stdout at exit would complain once more."""
    with suppress(OSError):  # not every stdout is a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> int:
    print(f"nearfar-policy: {_one_line(message)}", file=sys.stderr)
    return code


def _one_line(message: str) -> str:
    # Names out of files and arguments may stand in it, which a terminal must not obey.
    return shown(" ".join(message.split()), _MOST_LETTERS)
