"""What the base install weighs on a device, and what it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["main"]

_OURS: Final = ("edge_agent", "nearfar_wire", "router", "cloud_service")
"""What the wheel holds, with the data among it; the service's code comes along, and what it needs does not."""


def main() -> None:
    sizes = {name: _size(found) for name, found in _needed("nearfar").items() if name != "nearfar"}
    # Installed for development these lie in the checkout, not among the distribution's files.
    for package in _OURS:
        sizes[f"nearfar: {package}"] = sum(file.stat().st_size for file in _files(package))
    print("the base install, megabytes as installed")
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        print(f"    {name:24} {size / 1e6:8.2f}")
    print(f"    {'in all':24} {sum(sizes.values()) / 1e6:8.2f}")


def _files(package: str) -> Iterator[Path]:
    spec = find_spec(package)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        yield from (file for file in Path(folder).rglob("*") if file.is_file() and file.suffix != ".pyc")


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
