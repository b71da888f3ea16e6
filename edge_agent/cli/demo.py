"""`nearfar-agent demo`: where the demo is started from. What it does and is told is edge_agent.demo's."""

from __future__ import annotations

import argparse

from edge_agent.demo.options import ABOUT, add_arguments, read_options

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    description = f"{ABOUT[0].upper()}{ABOUT[1:]}. Needs nearfar[demo,cloud]."
    parser = commands.add_parser("demo", help=ABOUT, description=description)
    add_arguments(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from edge_agent.demo.run import run  # threads, processes and a proxy: of no use to the other commands

    return run(read_options(options))
