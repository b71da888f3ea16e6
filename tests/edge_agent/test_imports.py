"""What loads with the agent, and what only when it is needed; and whose `router` it got."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.agents import Home

HEAVY = ("onnxruntime", "ai_edge_litert", "grpc", "psutil", "prometheus_client", "PIL", "asyncio")

_LOADED = """
import json, sys
{act}
print(json.dumps([name for name in {heavy} if name in sys.modules]))
"""

_INFER = """
from pathlib import Path
import numpy as np
from edge_agent import Agent, AgentConfig, ModelConfig, RemoteConfig

release = ModelConfig(release=Path({folder!r}))
targets = {targets}
with Agent(AgentConfig(models={{"tiny": release}}, targets=targets), sources=[]) as agent:
    assert agent.infer("tiny", {{"pixels": np.zeros((1, 4), np.uint8)}}, privacy="secret").target == "device"
"""


def _run(code: str, *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program, in `folder` if one is given: there Python looks for modules first."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, cwd=folder)


def _loaded_by(act: str) -> set[str]:
    done = _run(_LOADED.format(act=act, heavy=HEAVY))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.wide
def test_importing_the_agent_loads_no_runtime_no_transport_and_no_sensor() -> None:
    assert _loaded_by("import edge_agent") <= {"asyncio"}


@pytest.mark.wide
def test_importing_the_agent_loads_nothing_of_what_decides() -> None:
    """The errors and results named it, and it had grown: importing the agent took as long as importing onnxruntime."""
    deciding = (
        "router.choosing.engine",
        "router.rules.policy",
        "router.choosing.weigh",
        "router.telling.explain",
        "numpy",
        "pydantic",
    )
    done = _run(_LOADED.format(act="import edge_agent", heavy=deciding))
    assert json.loads(done.stdout) == []


@pytest.mark.wide
def test_an_agent_without_remote_targets_never_loads_grpc(home: Home) -> None:
    loaded = _loaded_by(_INFER.format(folder=str(home.release()), targets="{}"))
    assert "onnxruntime" in loaded
    assert not {"grpc", "ai_edge_litert"} & loaded


@pytest.mark.wide
def test_an_agent_without_records_or_a_shadow_loads_nothing_of_either(home: Home) -> None:
    """They loaded with every agent, which is some 20 ms of its start for what most do not ask for."""
    spared = ("edge_agent.shadow", "router.telling.record", "router.telling.counterfactual")
    act = _INFER.format(folder=str(home.release()), targets="{}")
    done = _run(_LOADED.format(act=act, heavy=spared))
    assert json.loads(done.stdout) == []


@pytest.mark.wide
def test_grpc_loads_with_the_first_remote_target(home: Home) -> None:
    targets = '{"cloud": RemoteConfig(address="127.0.0.1:1")}'
    assert "grpc" in _loaded_by(_INFER.format(folder=str(home.release()), targets=targets))


@pytest.mark.wide
@pytest.mark.parametrize("package", [False, True])
def test_an_apps_own_router_in_front_of_ours_is_named_in_the_error(tmp_path: Path, package: bool) -> None:
    shadow = tmp_path / "router" / "__init__.py" if package else tmp_path / "router.py"
    shadow.parent.mkdir(exist_ok=True)
    shadow.write_text("routes = []\n", encoding="utf-8")
    done = _run("import edge_agent", folder=tmp_path)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: nearfar's package `router` is shadowed by ")
    assert str(shadow) in last
