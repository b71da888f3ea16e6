"""A model file that asks for what no model may: refused by name, on both sides, before onnxruntime sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import inspect
from edge_agent import Agent, NoFeasibleTarget
from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from tests.builders.agents import FULL, PIXELS, Home
from tests.builders.clouds import running_cloud
from tests.builders.onnx_models import external_weights, identity, slow, softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.scenes import answering

_WEIGHTS = np.array([1, 2], np.float32).tobytes()


def _beside(folder: Path) -> str:
    (folder / "w").write_bytes(_WEIGHTS)
    return "w"


def _above(folder: Path) -> str:
    (folder.parent / "w").write_bytes(_WEIGHTS)
    return "../w"


def _absolute(folder: Path) -> str:
    _beside(folder)
    return str(folder / "w")


def _symlink(folder: Path) -> str:
    _above(folder)
    (folder / "link").symlink_to(folder.parent / "w")
    return "link"


def _hard_link(folder: Path) -> str:
    _above(folder)
    (folder / "link").hardlink_to(folder.parent / "w")
    return "link"


PLACES: dict[str, Callable[[Path], str]] = {
    "beside": _beside, "above": _above, "absolute": _absolute, "symlink": _symlink, "hard_link": _hard_link
}  # fmt: skip


def _model(*nodes: NodeProto, functions: Any = ()) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes), "g", [value("x", TensorProto.FLOAT, ["n"])], [value("y", TensorProto.FLOAT, ["n"])]
    )
    domains = {"", *(node.domain for node in nodes), *(function.domain for function in functions)}
    imports = [helper.make_opsetid(domain, 1 if domain else 21) for domain in sorted(domains)]
    model = helper.make_model(graph, ir_version=10, opset_imports=imports, functions=list(functions))
    return bytes(model.SerializeToString())


def _node(operator: str, domain: str = "", **attributes: Any) -> NodeProto:
    return helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)


def _function(name: str, *called: str) -> Any:
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    body = [_node(other, "own") for other in called] or [_node("Relu")]
    return helper.make_function("own", name, ["x"], ["y"], body, imports)


def _bomb() -> list[Any]:
    return [_function(f"F{i}", *[f"F{i + 1}"] * 9) for i in range(9)] + [_function("F9")]


FOREIGN: dict[str, tuple[bytes, str]] = {
    "custom": (_model(_node("Custom", "somebody.elses")), "operator 'Custom' of domain 'somebody.elses' is not one of"),
    "Azure": (_model(_node("AzureTextToText", "com.microsoft.extensions")), "'AzureTextToText' .*calls remote endpoi"),
    "EPContext": (_model(_node("EPContext", "com.microsoft", ep_cache_context="../x")), "'EPContext' .*one accelerat"),
    "Python": (_model(_node("PyOp", "ai.onnx.contrib")), "'PyOp' of domain 'ai.onnx.contrib' calls Python"),
    "recursion": (_model(_node("F", "own"), functions=[_function("F", "F")]), "function 'F' calls itself"),
    "mutual": (_model(_node("F", "own"), functions=[_function("F", "G"), _function("G", "F")]), "calls itself"),
    "bomb": (_model(_node("F0", "own"), functions=_bomb()), "more than 131072 nodes where its functions are called"),
}


def _refused_by_the_agent(home: Home, model: bytes, why: str) -> None:
    folder = home.release(model=model)
    with Agent(home.config(folder), sources=[]) as agent, pytest.raises(NoFeasibleTarget, match=why) as caught:
        agent.infer("tiny", {"pixels": PIXELS})
    assert "small.onnx: " in str(caught.value)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_D13_weights_outside_the_file_are_refused_by_the_agent(home: Home, place: Callable[[Path], str]) -> None:
    location = place(home.release())
    _refused_by_the_agent(home, external_weights(location), "tensor 'w' lies outside the file; save the model with")


@pytest.mark.parametrize(("model", "why"), FOREIGN.values(), ids=FOREIGN)
def test_D14_an_operator_that_may_not_be_and_functions_without_end_are_refused_by_the_agent(
    home: Home, model: bytes, why: str
) -> None:
    _refused_by_the_agent(home, model, why)


@pytest.mark.wide
def test_D14_the_cloud_answers_for_a_device_whose_model_is_refused(home: Home) -> None:
    folder = home.release(model=FOREIGN["EPContext"][0])
    with (
        FakeCloud({"tiny": CloudModel(answering(0.1, 0.2, 0.7), digest=digest_of(FULL))}) as cloud,
        Agent(home.config(folder, cloud=cloud.address), sources=[]) as agent,
    ):
        assert agent.infer("tiny", {"pixels": PIXELS}, privacy="public").target == "cloud"


_SEEN = """
import sys
from pathlib import Path
import onnxruntime
from edge_agent import Agent, AgentConfig, ModelConfig

def never(*given, **more):
    raise SystemExit("onnxruntime was given the file")

onnxruntime.InferenceSession = never
with Agent(AgentConfig(models={"tiny": ModelConfig(release=Path(sys.argv[1]))})) as agent:
    assert "lies outside" in agent.core.release("tiny").why_no_runtime
"""


@pytest.mark.wide
def test_D13_what_is_refused_never_reaches_onnxruntime(home: Home) -> None:
    """Its own check came with 1.24.1, and is not what is leant on."""
    folder = home.release(model=external_weights("../w"))
    done = subprocess.run([sys.executable, "-c", _SEEN, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.wide
def test_D13_D14_the_cloud_refuses_each_by_name_and_serves_what_is_left(tmp_path: Path) -> None:
    root = tmp_path / "models"
    models: dict[str, bytes | dict[int, bytes]] = {"good": identity()}
    models |= {name: model for name, (model, _) in FOREIGN.items()}
    write_repository(root, models | dict.fromkeys(PLACES, b""))
    for name, place in PLACES.items():
        folder = root / name / "1"
        (folder / "model.onnx").write_bytes(external_weights(place(folder)))
    with running_cloud(root) as cloud:
        document = json.loads(cloud.http("/readyz").body)
        reasons = {problem["model"]: problem["reason"] for problem in document["not_ready"]}
        assert document["models"] == {name: name == "good" for name in [*models, *PLACES]}
    for name, (_, why) in FOREIGN.items():
        assert reasons[name].startswith("the model file is refused: "), name
        with pytest.raises(PublishError, match=why) as refused:
            inspect(FOREIGN[name][0])
        assert refused.value.problem.removeprefix("the model cannot be used: ") in reasons[name]
    assert all("tensor 'w' lies outside the file" in reasons[name] for name in PLACES)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_D13_nothing_is_published_that_has_weights_outside(tmp_path: Path, place: Callable[[Path], str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(PublishError, match="tensor 'w' lies outside the file; save the model with its weights inside"):
        inspect(external_weights(place(folder)))


# In a process of its own: onnxruntime is native code, and what it does to its process is not ours to say. Memory is
# bounded, since a mutated size may ask for any of it.
_FUZZ = """
import random, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import UnservableModel
from edge_agent.runtimes import CannotLoad, RunFailed
from edge_agent.runtimes.onnx import OnnxRuntime
from edge_agent.device.warmup import blank_inputs
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import ModelFileError
from nearfar_wire.onnx_file import scan
from tests.faults.test_hostile_models import fuzz_seeds
from tests.wire.mutation import mutated

chance, until = random.Random(int(sys.argv[1])), time.monotonic() + float(sys.argv[2])
seeds, counts = fuzz_seeds(), dict.fromkeys(("scanned", "refused", "loaded", "ran"), 0)
while time.monotonic() < until:
    content = chance.choice(seeds)
    if chance.random() < 0.5:
        content = mutated(chance, content)
    else:  # more of these get as far as a session: lengths stay true
        content = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        content = bytes(content)
    counts["scanned"] += 1
    try:
        scan(content)
    except ModelFileError:
        counts["refused"] += 1
        continue
    print(content.hex(), file=sys.stderr, flush=True)
    try:
        OnnxBackend(content)
    except UnservableModel:
        pass
    try:
        runtime = OnnxRuntime("m.onnx", content, digest_of(content))
    except CannotLoad:
        continue
    counts["loaded"] += 1
    if any(size > 64 for spec in runtime.inputs for size in spec.shape):
        continue
    halt = runtime.new_halt()
    try:
        runtime.run(blank_inputs(runtime.inputs), halt)
    except RunFailed:
        continue
    counts["ran"] += 1
print(*counts.values())
"""


def fuzz_seeds() -> list[bytes]:
    """Models to mutate, among them some that are refused as they are."""
    own = _model(_node("F", "own"), functions=[_function("F", "G"), _function("G")])
    return [softmax_mlp(), identity(), slow(), own, external_weights("../w"), FOREIGN["EPContext"][0]]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_D13_D14_mutated_models_are_refused_by_typed_errors_or_run_and_the_parent_lives(seed: int) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _FUZZ, str(seed), "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    scanned, refused, loaded, ran = map(int, done.stdout.splitlines()[-1].split())  # onnxruntime prints, too
    assert scanned > refused > 0
    assert loaded >= ran > 0
    print(f"{scanned} scanned, {refused} refused, {loaded} loaded, {ran} ran")
