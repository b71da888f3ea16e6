"""The demo's release, made once: it takes three seconds."""

from __future__ import annotations

import pytest

from edge_agent.demo.release import DemoRelease, make_release


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoRelease:
    return make_release(tmp_path_factory.mktemp("demo"))
