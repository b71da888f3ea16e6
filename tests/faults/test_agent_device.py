"""The device's model misbehaves while it runs: it crashes, starves, or never ends. The app goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edge_agent import (
    Agent,
    AgentError,
    AllTargetsFailed,
    AsyncAgent,
    Cancellation,
    DeadlineExceeded,
    DeviceConfig,
    NoFeasibleTarget,
    RequestCancelled,
    Result,
)
from edge_agent.releases import Release, load_release
from edge_agent.runtimes import LocalRuntime
from edge_agent.runtimes.process import ProcessRuntime
from edge_agent.runtimes.renewable import Renewable
from edge_agent.testing import CloudModel, FakeClock, FakeCloud, fake_agent, fake_release
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import DeviceSide
from nearfar_wire.status import Code
from tests.builders.agents import PIXELS, SMALL, Home, golden_npz, policy_text
from tests.builders.crashing import ABORTS, ANSWERS, LAUNCH
from tests.builders.onnx_models import endless, zeros
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

PROCESS = DeviceConfig(process=True)
FOR_EVER = {"n": np.array([1 << 40])}
AT_ONCE = {"n": np.array([3])}


def _runtime(agent: Agent | AsyncAgent, model: str) -> Renewable:
    runtime = agent.core.release(model).runtime
    assert isinstance(runtime, Renewable)
    return runtime


def _process(agent: Agent | AsyncAgent, model: str) -> int | None:
    """Return the process that runs a model; None while there is none."""
    runtime = _runtime(agent, model).runtime
    return runtime.pid if isinstance(runtime, ProcessRuntime) and not runtime._why_ended else None


def _troubles(agent: Agent | AsyncAgent) -> dict[tuple[str, str], int]:
    return {key[1:]: count for key, count in agent.core.metrics.counts().device_troubles.items()}


@contextlib.contextmanager
def _cloud() -> Iterator[str]:
    """A cloud that knows every model of these tests; its answer is 7."""
    models = {"slow": CloudModel({"y": np.float32(7)}), "zeros": CloudModel({"y": np.array([7], np.float32)})}
    with FakeCloud(models) as cloud:
        yield cloud.address


# -- E9: native code crashes -------------------------------------------------------------------------------------------


def _killed_while_it_runs(agent: Agent, *, privacy: str) -> Result:
    """Ask, and send the model's process the signal of a wild pointer as soon as it runs."""
    child = _process(agent, "slow")
    assert child is not None
    runtime = _runtime(agent, "slow").runtime
    assert isinstance(runtime, ProcessRuntime)

    def kill() -> None:
        eventually(lambda: any(reply.sent for reply in list(runtime._waiting.values())))
        os.kill(child, signal.SIGSEGV)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        return agent.infer("slow", FOR_EVER, deadline_ms=20_000, privacy=privacy)
    finally:
        killer.join()


def test_E9_a_crash_takes_neither_the_app_nor_the_request_along_nor_another_model(home: Home) -> None:
    with (
        _cloud() as address,
        Agent(
            home.config(
                home.release(),
                home.slow_release(),
                cloud=address,
                device=PROCESS,
                policy=policy_text("prefer_on_device"),
            ),
            sources=[],
        ) as agent,
    ):
        before, neighbour = _process(agent, "slow"), _process(agent, "tiny")
        result = _killed_while_it_runs(agent, privacy="public")
        assert (result.target, result.outputs["y"]) == ("cloud", 7)
        (failure,) = result.receipt.failures
        assert (failure.target, failure.detail) == ("device", "slow.onnx: its process ended (SIGSEGV)")
        eventually(lambda: _process(agent, "slow"))
        assert agent.infer("slow", AT_ONCE, privacy="public").target == "device"
        assert _process(agent, "slow") != before
        assert _process(agent, "tiny") == neighbour
        assert agent.infer("tiny", {"pixels": PIXELS}, privacy="secret").target == "device"
        assert _troubles(agent) == {("crash", "open_anew"): 1}


def test_E9_where_the_label_allows_the_device_alone_a_crash_is_one_typed_error(home: Home) -> None:
    with (
        _cloud() as address,
        Agent(home.config(home.slow_release(), cloud=address, device=PROCESS), sources=[]) as agent,
    ):
        with pytest.raises(AllTargetsFailed, match=r"device: INTERNAL \(slow.onnx: its process ended \(SIGSEGV\)\)"):
            _killed_while_it_runs(agent, privacy="secret")
        eventually(lambda: _process(agent, "slow"))
        assert agent.infer("slow", AT_ONCE, privacy="secret").target == "device"


def test_E9_while_the_process_starts_again_nobody_waits_for_it(home: Home) -> None:
    with (
        _cloud() as address,
        Agent(
            home.config(home.slow_release(), cloud=address, device=PROCESS, policy=policy_text("prefer_on_device")),
            sources=[],
        ) as agent,
    ):
        _runtime(agent, "slow").retire()
        result = agent.infer("slow", AT_ONCE, privacy="public")
        assert [(f.code, f.detail) for f in result.receipt.failures] == [
            (Code.UNAVAILABLE, "the model is being opened anew")
        ]
        assert result.target == "cloud"


def test_E9_a_process_that_dies_between_two_requests_is_there_again_for_the_next(home: Home) -> None:
    with Agent(home.config(home.slow_release(), device=PROCESS), sources=[]) as agent:
        before = _process(agent, "slow")
        assert before is not None
        psutil.Process(before).kill()
        eventually(lambda: _process(agent, "slow") not in (None, before))
        assert agent.infer("slow", AT_ONCE).target == "device"


_WILD = f"""schema = 1
name = "wild"
version = 1

[[inputs]]
name = "x"
datatype = "INT64"
shape = [1]

[[outputs]]
name = "y"
datatype = "INT64"
shape = [1]

[device]
file = "wild.onnx"
digest = "{digest_of(b"wild")}"
"""


@contextlib.contextmanager
def _wild(**more: Any) -> Iterator[Agent]:  # Any: the configuration's fields
    """An agent whose model aborts when told to, on an accelerator that nobody has."""
    side = DeviceSide(file="wild.onnx", digest=digest_of(b"wild"))

    def opened(on_cpu: bool) -> LocalRuntime:
        providers = ["CPUExecutionProvider"] if on_cpu else ["WildExecutionProvider"]
        return ProcessRuntime(side, b"wild", DeviceConfig(providers=providers), launch=LAUNCH)

    release = fake_release("wild", Renewable(opened(False), opened, accelerated=True), manifest=_WILD)
    with fake_agent(release, **more) as agent:
        yield agent


def _crash(agent: Agent) -> None:
    before = _process(agent, "wild")
    with pytest.raises(AllTargetsFailed):
        agent.infer("wild", {"x": np.array([ABORTS])})
    eventually(lambda: _process(agent, "wild") not in (None, before))


def test_E9_a_crash_loop_ends_on_the_processor_and_if_it_goes_on_there_the_model_is_out_of_use() -> None:
    clock = FakeClock()
    with _wild(clock=clock) as agent:
        for _ in range(3):
            _crash(agent)
            assert _runtime(agent, "wild").provider == "WildExecutionProvider"
        _crash(agent)
        assert _runtime(agent, "wild").provider == "CPUExecutionProvider"
        assert agent.infer("wild", {"x": np.array([ANSWERS])}).target == "device"
        for _ in range(3):
            _crash(agent)
        with pytest.raises(AllTargetsFailed):
            agent.infer("wild", {"x": np.array([ABORTS])})
        with pytest.raises(NoFeasibleTarget, match=r"device: breaker \(its model crashed and is out of use") as caught:
            agent.infer("wild", {"x": np.array([ANSWERS])})
        assert caught.value.retryable
        out = agent.core.out_of_use("wild")
        assert out is not None
        # Half a minute, give or take the jitter: it is started again by the first request after that.
        clock.advance(40)
        with pytest.raises(AllTargetsFailed):
            agent.infer("wild", {"x": np.array([ANSWERS])})
        eventually(lambda: _process(agent, "wild"))
        assert agent.infer("wild", {"x": np.array([ANSWERS])}).target == "device"
        assert agent.core.out_of_use("wild") is None
        assert _runtime(agent, "wild").provider == "CPUExecutionProvider"
        assert _troubles(agent) == {("crash", "open_anew"): 6, ("crash", "open_on_cpu"): 1, ("crash", "put_out"): 1}


def test_E9_the_asynchronous_agent_lives_on_too(home: Home) -> None:
    async def infer() -> None:
        async with AsyncAgent(home.config(home.slow_release(), device=PROCESS), sources=[]) as agent:
            runtime = _runtime(agent, "slow").runtime
            assert isinstance(runtime, ProcessRuntime)
            task = asyncio.create_task(agent.infer("slow", FOR_EVER, deadline_ms=20_000))
            await asyncio.to_thread(eventually, lambda: any(r.sent for r in list(runtime._waiting.values())))
            os.kill(runtime.pid, signal.SIGSEGV)
            with pytest.raises(AllTargetsFailed):
                await task
            await asyncio.to_thread(eventually, lambda: _process(agent, "slow"))
            assert (await agent.infer("slow", AT_ONCE)).target == "device"

    asyncio.run(infer())


@pytest.mark.parametrize("crashed", [False, True])
def test_E9_an_agent_that_is_closed_leaves_no_process(home: Home, crashed: bool) -> None:
    mine = psutil.Process()
    children = set(mine.children())
    agent = Agent(home.config(home.release(), home.slow_release(), device=PROCESS), sources=[])
    assert len(set(mine.children()) - children) == 2
    if crashed:
        pid = _process(agent, "slow")
        assert pid is not None
        psutil.Process(pid).kill()
    agent.close()
    eventually(lambda: set(mine.children()) <= children)


_NOT_CLOSED = """
import sys
from pathlib import Path
from edge_agent import Agent, AgentConfig, DeviceConfig, ModelConfig

device = DeviceConfig(process=True)
agent = Agent(AgentConfig(models={"slow": ModelConfig(release=Path(sys.argv[1]))}, device=device), sources=[])
print(agent.infer("slow", {"n": [3]}).target, agent.core.release("slow").runtime.runtime.pid)
"""


def test_E9_a_program_that_ends_without_closing_its_agent_ends_cleanly_and_leaves_no_process(home: Home) -> None:
    command = [sys.executable, "-c", _NOT_CLOSED, str(home.slow_release())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    target, pid = done.stdout.split()
    assert target == "device"
    eventually(lambda: not psutil.pid_exists(int(pid)))


def test_E9_an_agent_that_could_not_start_leaves_no_process(home: Home) -> None:
    mine = psutil.Process()
    children = set(mine.children())
    with pytest.raises(AgentError):
        Agent(home.config(home.release(), home.root / "nowhere", device=PROCESS), sources=[])
    eventually(lambda: set(mine.children()) <= children)


def test_E9_a_release_whose_manifest_is_of_another_model_leaves_no_process(home: Home) -> None:
    mine = psutil.Process()
    children = set(mine.children())
    with Agent(home.config(home.slow_release(zeros()), device=PROCESS), sources=[]) as agent:
        assert "the manifest promises 'y'" in agent.core.release("slow").why_no_runtime
        eventually(lambda: set(mine.children()) <= children)


def test_E9_a_model_that_fails_its_golden_examples_leaves_no_process(home: Home) -> None:
    mine = psutil.Process()
    children = set(mine.children())
    folder = home.release(golden=golden_npz(SMALL, logits=-1.0))
    with Agent(home.config(folder, device=PROCESS), sources=[]) as agent:
        assert "it answers otherwise than its golden examples" in agent.core.release("tiny").why_no_runtime
        eventually(lambda: set(mine.children()) <= children)


# -- E7: there is no memory --------------------------------------------------------------------------------------------

_ZEROS = f"""schema = 1
name = "zeros"
version = 1

[[inputs]]
name = "n"
datatype = "INT64"
shape = [1]

[[outputs]]
name = "y"
datatype = "FP32"
shape = [-1]

[device]
file = "zeros.onnx"
digest = "{digest_of(zeros())}"

[remote]
model = "zeros"
"""
TOO_MANY = {"n": np.array([1 << 40])}


@pytest.fixture
def hungry(tmp_path: Path) -> Path:
    """A release whose model takes as much memory as it is told to."""
    folder = tmp_path / "zeros"
    folder.mkdir()
    (folder / "zeros.onnx").write_bytes(zeros())
    (folder / "manifest.toml").write_text(_ZEROS)
    return folder


def _loaded(folder: Path, device: DeviceConfig) -> Release:
    return load_release("zeros", folder, device)


@pytest.mark.parametrize("device", [DeviceConfig(), PROCESS], ids=["here", "in_a_process"])
def test_E7_a_session_without_memory_is_opened_anew_once_and_then_out_of_use_for_a_while(
    hungry: Path, device: DeviceConfig, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    with fake_agent(_loaded(hungry, device), clock=clock) as agent:
        runtime = _runtime(agent, "zeros")
        first = runtime.runtime
        with pytest.raises(AllTargetsFailed, match="onnxruntime did not get the memory that the run wants") as caught:
            agent.infer("zeros", TOO_MANY)
        assert str(1 << 40) not in str(caught.value)
        eventually(lambda: runtime.runtime not in (None, first))
        with pytest.raises(AllTargetsFailed):
            agent.infer("zeros", TOO_MANY)
        with pytest.raises(NoFeasibleTarget, match="its model ran out of memory and is out of use"):
            agent.infer("zeros", AT_ONCE)
        eventually(lambda: runtime.runtime is None)
        clock.advance(40)
        with pytest.raises(AllTargetsFailed):
            agent.infer("zeros", AT_ONCE)
        eventually(lambda: runtime.runtime is not None)
        assert list(agent.infer("zeros", AT_ONCE).outputs["y"]) == [0, 0, 0]
        assert _troubles(agent) == {("out_of_memory", "open_anew"): 1, ("out_of_memory", "put_out"): 1}
    assert caplog.text.count("ran out of memory; it is opened anew") == 1
    assert caplog.text.count("ran out of memory; it is out of use for") == 1


def test_E7_the_cloud_answers_where_the_label_allows_it(home: Home, hungry: Path) -> None:
    with (
        _cloud() as address,
        Agent(home.config(hungry, cloud=address, policy=policy_text("prefer_on_device")), sources=[]) as agent,
    ):
        runtime = _runtime(agent, "zeros")
        for _ in range(2):
            eventually(lambda: runtime.runtime is not None)
            result = agent.infer("zeros", TOO_MANY, privacy="public")
            assert (result.target, len(result.receipt.failures)) == ("cloud", 1)
        result = agent.infer("zeros", TOO_MANY, privacy="public")
        assert (result.target, result.receipt.failures) == ("cloud", ())


def test_E7_an_answer_in_between_makes_it_the_first_time_again(hungry: Path) -> None:
    with fake_agent(_loaded(hungry, DeviceConfig())) as agent:
        runtime = _runtime(agent, "zeros")
        for _ in range(3):
            with pytest.raises(AllTargetsFailed):
                agent.infer("zeros", TOO_MANY)
            eventually(lambda: runtime.runtime is not None and agent.core._keepers["zeros"]._opening == 0)
            assert agent.infer("zeros", AT_ONCE).target == "device"


def test_D20_a_file_that_was_changed_since_is_refused_when_the_model_is_opened_anew(
    hungry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_agent(_loaded(hungry, DeviceConfig())) as agent:
        (hungry / "zeros.onnx").write_bytes(endless())
        assert agent.infer("zeros", AT_ONCE).target == "device", "what runs is not affected"
        with pytest.raises(AllTargetsFailed):
            agent.infer("zeros", TOO_MANY)
        eventually(lambda: ("cannot_open", "put_out") in _troubles(agent))
        with pytest.raises(NoFeasibleTarget, match="its model could not be opened anew and is out of use"):
            agent.infer("zeros", AT_ONCE)
    eventually(lambda: "could not be opened anew (zeros.onnx: its digest is" in caplog.text)


# -- D16: a model that never ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "device",
    [DeviceConfig(), DeviceConfig(isolate=True), PROCESS, DeviceConfig(process=True, isolate=True)],
    ids=["in_the_callers_thread", "isolated", "in_a_process", "isolated_in_a_process"],
)
def test_D16_a_model_that_never_ends_is_stopped_and_the_second_time_put_out_of_use(
    home: Home, device: DeviceConfig, caplog: pytest.LogCaptureFixture
) -> None:
    """In the caller's own thread nobody stopped it: the app's thread was lost."""
    with Agent(home.config(home.slow_release(), device=device), sources=[]) as agent:
        for times in (1, 2):
            with pytest.raises(DeadlineExceeded):
                agent.infer("slow", FOR_EVER, deadline_ms=1000)
            eventually(lambda times=times: sum(_troubles(agent).values()) >= times)
        with pytest.raises(NoFeasibleTarget, match=r"device: breaker \(its model had to be stopped and is out of use"):
            agent.infer("slow", AT_ONCE)
        assert _troubles(agent) == {("runaway", "nothing"): 1, ("runaway", "put_out"): 1}
        eventually(lambda: "is out of use for" in caplog.text)
        assert caplog.text.count("is out of use for") == 1


def test_D16_a_run_that_was_stopped_stops_none_after_it(home: Home) -> None:
    with Agent(home.config(home.slow_release()), sources=[]) as agent:
        for _ in range(2):
            for _ in range(3):
                assert agent.infer("slow", AT_ONCE).target == "device"
            with pytest.raises(DeadlineExceeded):
                agent.infer("slow", FOR_EVER, deadline_ms=500)
        assert agent.infer("slow", AT_ONCE).target == "device"
        assert len(agent.core._keepers["slow"].halts) == 1


def test_D16_of_many_threads_only_those_are_stopped_whose_time_is_over(home: Home) -> None:
    told = list[object]()
    with Agent(home.config(home.slow_release()), sources=[]) as agent:

        def infer(deadline_ms: float, count: int) -> None:
            try:
                told.append(agent.infer("slow", {"n": np.array([count])}, deadline_ms=deadline_ms).target)
            except AgentError as error:
                told.append(type(error))

        for _ in range(5):
            threads = [threading.Thread(target=infer, args=(60_000, 20_000 * i)) for i in range(6)]
            threads.append(threading.Thread(target=infer, args=(1, 300_000_000)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        assert told.count("device") == 30
        assert set(told) <= {"device", DeadlineExceeded}


def test_D16_a_model_that_never_ends_is_put_out_of_use_from_asyncio(home: Home) -> None:
    async def infer() -> None:
        async with AsyncAgent(home.config(home.slow_release()), sources=[]) as agent:
            for times in (1, 2):
                with pytest.raises(DeadlineExceeded):
                    await agent.infer("slow", FOR_EVER, deadline_ms=1000)
                await asyncio.to_thread(eventually, lambda times=times: sum(_troubles(agent).values()) == times)
            with pytest.raises(NoFeasibleTarget):
                await agent.infer("slow", AT_ONCE)

    asyncio.run(infer())


def test_D16_the_error_says_that_the_run_was_stopped_and_that_it_is_held_against_the_model(home: Home) -> None:
    with Agent(home.config(home.slow_release()), sources=[]) as agent:
        with pytest.raises(DeadlineExceeded) as caught:
            agent.infer("slow", FOR_EVER, deadline_ms=1000)
        (failure,) = caught.value.failures
        assert (failure.target, failure.code) == ("device", Code.DEADLINE_EXCEEDED)
        assert failure.detail.startswith("stopped after ")
        assert failure.detail.endswith(", as past use; the model is held to run away")


def test_D16_a_model_that_never_ends_lets_the_app_start_and_is_put_out_of_use_by_its_first_request(
    home: Home,
) -> None:
    with Agent(home.config(home.release(model=endless())), sources=[]) as agent:
        assert _troubles(agent) == {("runaway", "nothing"): 1}
        with pytest.raises(DeadlineExceeded):
            agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=150)
        with pytest.raises(NoFeasibleTarget):
            agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=150)


def test_D16_requests_with_a_deadline_that_nothing_could_keep_put_no_good_model_out_of_use(home: Home) -> None:
    with Agent(home.config(home.slow_release()), sources=[]) as agent:
        long = {"n": np.array([20_000])}
        taken_s = agent.infer("slow", long, deadline_ms=60_000).receipt.duration_s
        for _ in range(5):
            with contextlib.suppress(DeadlineExceeded):
                agent.infer("slow", {"n": np.array([60_000])}, deadline_ms=max(1.0, taken_s * 100))
        assert agent.core.out_of_use("slow") is None


def test_D16_a_run_with_a_cancellation_is_stopped_at_its_deadline_as_well(home: Home) -> None:
    with Agent(home.config(home.slow_release()), sources=[]) as agent:
        with pytest.raises(DeadlineExceeded):
            agent.infer("slow", FOR_EVER, deadline_ms=1000, cancellation=Cancellation())
        cancellation = Cancellation()
        threading.Timer(0.1, cancellation.cancel).start()
        with pytest.raises(RequestCancelled):
            agent.infer("slow", FOR_EVER, deadline_ms=60_000, cancellation=cancellation)
        assert _troubles(agent) == {("runaway", "nothing"): 1}, "who cancels holds nothing against the model"
