"""`nearfar-policy init`."""

from __future__ import annotations

import argparse

from router.cli.outputs import STDOUT, write
from router.cli.templates import TEMPLATES
from router.document.start import start
from router.rules.compile import compile_policy

__all__ = ["init"]


def init(given: argparse.Namespace) -> int:
    """Write a policy to start from, with every field and its reason beside it."""
    template = TEMPLATES[given.template]
    values = {"schema": 1, "name": given.name or given.template, "version": 1, **template.values}
    text = start(values, template.notes, template.about)
    # Before it is written: a name that cannot stand there is the caller's, and told with its place.
    compile_policy(text.encode(), source="the new policy")
    if given.path == STDOUT:
        write(STDOUT, text)
        return 0
    with given.path.open("w" if given.force else "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    print(f"wrote {given.path}: {given.template}; see nearfar-policy check --strict {given.path}")
    return 0
