"""The demo's release, made once: what the pages speak of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.demo.release import make_release
from tests.docs.blocks import ROOT


@pytest.fixture(scope="session")
def made_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with releases/digits and models/digits/1."""
    folder = tmp_path_factory.mktemp("made")
    make_release(folder)
    return folder


@pytest.fixture
def desk_folder(made_release: Path, tmp_path: Path) -> Path:
    """What a reader of any page has before them: the release, and the configuration of examples/digits."""
    folder = tmp_path / "desk"
    shutil.copytree(made_release, folder)
    for file in (ROOT / "examples" / "digits").glob("*.toml"):
        shutil.copy(file, folder)
    return folder
