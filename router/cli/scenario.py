"""`nearfar-policy scenario`."""

from __future__ import annotations

import argparse

from router.cli.outputs import STDOUT, write
from router.cli.scenario_files import files_of_shipped

__all__ = ["scenario"]


def scenario(given: argparse.Namespace) -> int:
    """Print a scenario that ships, or write it into a folder with the traces that it names."""
    files = files_of_shipped(given.name)
    if given.folder in (None, STDOUT):
        write(STDOUT, next(iter(files.values())))
        return 0
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        # Never over what is there: it may be the one that somebody has changed.
        with given.folder.joinpath(name).open("xb") as file:
            file.write(content)
        print(f"wrote {given.folder / name}")
    return 0
