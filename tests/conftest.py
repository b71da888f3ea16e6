"""Fixtures that suites of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.agents import Home
from tests.builders.scenes import Scene


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder to put releases and policies in."""
    return Home(tmp_path)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A device, a cloud, and the link between them."""
    with Scene(tmp_path) as scene:
        yield scene
