"""Fixtures that suites of several folders share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders.agents import Home
from tests.builders.scenes import Scene

# No example has to end within 0.2 s: on a machine that has other work one in a thousand does not, whatever it tests.
settings.register_profile("nearfar", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("nearfar")

# Started in the background of a shell, tests have SIGINT ignored, and so would all that they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what wants real data where there is none."""
    if os.environ.get("NEARFAR_DATA"):
        return
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason="set NEARFAR_DATA to a folder with real models and traces"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder to put releases and policies in."""
    return Home(tmp_path)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A device, a cloud, and the link between them."""
    with Scene(tmp_path) as scene:
        yield scene
