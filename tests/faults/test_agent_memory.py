"""B11: what an answer that is far too long may cost the app in memory: the peak of a process that is all agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import pytest

pytest.importorskip("resource", reason="the peak of a process' memory is told by POSIX systems only")

from edge_agent.testing import Script, huge
from edge_agent.testing.lies import Lie
from nearfar_wire import inference_pb2 as pb
from tests.builders.scenes import Scene

pytestmark = pytest.mark.wide

_LIMIT: Final = 4 << 20
_REPLY: Final = 64 << 20
# What is first imported or used on the way.
_NOISE: Final = 8 << 20
_AGENT: Final = """
import json, sys
from pathlib import Path
import psutil
from edge_agent import RemoteConfig, SignalsConfig
from edge_agent.testing import FakeRuntime, fake_agent, fake_release
from tests.builders.memory import peak_bytes
from tests.builders.scenes import X, answering
address, limit, policy = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
parts = {
    "targets": {"cloud": RemoteConfig(address=address, max_message_bytes=limit)},
    "policy": policy,
    "signals": SignalsConfig(round_trip_s=15),
}
release = fake_release("tiny", FakeRuntime(answering(0.9, 0.06, 0.04)))
with fake_agent(release, **parts) as agent:
    first = agent.infer("tiny", X, privacy="public", deadline_ms=20_000)
    print(first.target, flush=True)
    sys.stdin.readline()
    before = psutil.Process().memory_info().rss
    second = agent.infer("tiny", X, privacy="public", deadline_ms=20_000)
    codes = [failure.code for failure in second.receipt.failures]
    print(json.dumps({"target": second.target, "codes": codes, "grown": peak_bytes() - before}), flush=True)
"""


def _repeated(_: pb.ModelInferResponse) -> bytes:
    """A model's outputs, said again and again: each is small, and all together are not."""
    one = pb.ModelInferResponse(raw_output_contents=[bytes(1000)]).SerializeToString()
    return one * (_REPLY // len(one))


@pytest.mark.parametrize("lie", [huge(_REPLY), _repeated], ids=["one long field", "many short ones"])
def test_B11_a_reply_far_too_long_costs_the_app_at_most_twice_the_limit(scene: Scene, lie: Lie) -> None:
    told = _told(scene, lambda: setattr(scene.cloud, "script", Script(lie=lie)))
    assert (told["target"], told["codes"]) == ("device", ["TOO_LARGE"])
    assert told["grown"] <= 2 * _LIMIT + _NOISE


def _told(scene: Scene, spoil: Callable[[], object]) -> dict[str, object]:
    """Have an agent in a process of its own ask a good cloud first, and then one that is spoilt."""
    policy = scene.folder / "policy.toml"
    policy.write_text('schema = 1\nname = "p"\nversion = 1\nmode = "prefer_in_cloud"\n', encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", _AGENT, scene.cloud.address, str(_LIMIT), str(policy)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        try:
            assert agent.stdout.readline().strip() == "cloud"
            spoil()
            said, _ = agent.communicate("go on\n", timeout=60)
        finally:
            agent.kill()
    told: dict[str, object] = json.loads(said)
    return told
