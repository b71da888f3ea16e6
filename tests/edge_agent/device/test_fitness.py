"""Whether a release is for this device."""

from __future__ import annotations

import pytest

from edge_agent.device.fitness import refuse_incompatible
from edge_agent.runtimes import CannotLoad
from nearfar_wire.manifest import parse_manifest
from tests.builders.agents import Home


@pytest.mark.parametrize(
    ("wanted", "machine", "fits"),
    [
        ("x86_64", "x86_64", True),
        ("x86_64", "AMD64", True),
        ("AMD64", "x86_64", True),
        ("aarch64", "arm64", True),
        ("arm64", "ARM64", True),
        ("aarch64", "AMD64", False),
        ("armv7l", "aarch64", False),
    ],
)
def test_a_processor_is_the_same_one_whatever_a_system_calls_it(
    home: Home, wanted: str, machine: str, fits: bool
) -> None:
    """A release for "x86_64" was refused on Windows, whose name for that is AMD64, and one for "aarch64" on a Mac."""
    document = (home.release() / "manifest.toml").read_text("utf-8")
    manifest = parse_manifest(f'{document}\n[requires]\nmachines = ["{wanted}"]\n'.encode(), "manifest.toml")
    if fits:
        refuse_incompatible(manifest, machine)
        return
    with pytest.raises(CannotLoad, match=f"it is made for {wanted}, and this is {machine}"):
        refuse_incompatible(manifest, machine)
