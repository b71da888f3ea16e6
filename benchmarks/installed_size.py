"""What the base install weighs on a device, and what it is made of."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import edge_agent
import nearfar_wire
import router

__all__ = ["main"]


def main() -> None:
    sizes = {name: _size(found) for name, found in _needed("nearfar").items() if name != "nearfar"}
    # Installed for development these lie in the checkout, not among the distribution's files.
    for package in (edge_agent, nearfar_wire, router):
        folder = Path(str(package.__file__)).parent
        sizes[f"nearfar: {package.__name__}"] = sum(file.stat().st_size for file in folder.rglob("*.py"))
    print("the base install, megabytes as installed")
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        print(f"    {name:24} {size / 1e6:8.2f}")
    print(f"    {'in all':24} {sum(sizes.values()) / 1e6:8.2f}")


def _needed(root: str) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # wanted on another platform only
        for requirement in found[name].requires or []:
            if "extra ==" not in requirement:
                match = re.match(r"[A-Za-z0-9._-]+", requirement)
                assert match is not None
                waiting.append(match[0].lower().replace("_", "-"))
    return found


def _size(found: Distribution) -> int:
    files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return sum(file.stat().st_size for file in files if file.exists() and file.suffix != ".pyc")
