"""Real models and labelled pictures, from the folder that NEARFAR_DATA names; nothing of it belongs to the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    named = os.environ.get("NEARFAR_DATA")
    if not named:
        pytest.skip("set NEARFAR_DATA to a folder with real models and inputs")
    return Path(named)
