"""Fixtures that suites of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders.agents import Home
from tests.builders.scenes import Scene

# No example has to end within 0.2 s: on a machine that has other work one in a thousand does not, whatever it tests.
settings.register_profile("nearfar", deadline=None)
settings.load_profile("nearfar")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder to put releases and policies in."""
    return Home(tmp_path)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A device, a cloud, and the link between them."""
    with Scene(tmp_path) as scene:
        yield scene
