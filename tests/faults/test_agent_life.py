"""Beginning, end, threads, forks and long runs: nothing deadlocks, leaks, or is answered twice."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from edge_agent import AgentClosed, AgentError, AsyncAgent, DeviceConfig, SignalsConfig
from nearfar_wire.status import Code
from router.telling.record import from_json
from tests.builders.agents import Home
from tests.builders.scenes import Scene, X, agents_threads
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)


def _open_files() -> int:
    process = psutil.Process()
    if sys.platform == "win32":
        return process.num_handles()
    return process.num_fds()


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("mode", ["prefer_on_device", "prefer_in_cloud"])
def test_H6_many_threads_share_an_agent_that_is_closed_under_them(scene: Scene, mode: str, isolate: bool) -> None:
    """A worker pool that was shut down, and a channel that was closed, ended requests with errors of their own."""
    threads_before, told = agents_threads(), list[BaseException]()
    device = DeviceConfig(isolate=isolate, workers=2)
    with scene.agent(mode, signals=UNPROBED, device=device, checked=False) as watched:
        answered = threading.Semaphore(0)

        def infer() -> None:
            try:
                while True:
                    watched.infer("tiny", X, deadline_ms=10_000)
                    answered.release()
            except BaseException as error:
                told.append(error)

        threads = [threading.Thread(target=infer) for _ in range(24)]
        for thread in threads:
            thread.start()
        for _ in range(200):
            assert answered.acquire(timeout=10)
        closers = [threading.Thread(target=watched.agent.close) for _ in range(2)]
        for closer in closers:
            closer.start()
        for thread in [*threads, *closers]:
            thread.join(20)
            assert not thread.is_alive(), "a deadlock"
        # Each thread went on until it was told, and was told nothing else.
        assert {type(error) for error in told} == {AgentClosed}, told
        with pytest.raises(AgentClosed) as caught:
            watched.agent.infer("tiny", X)
        assert (caught.value.code, caught.value.retryable) == (Code.UNAVAILABLE, False)
        totals = watched.agent.core.metrics.totals()
        assert isinstance(totals["outcomes"], dict)
        assert totals["requests"] == sum(totals["outcomes"].values())
    eventually(lambda: agents_threads() <= threads_before)


def test_H6_threads_and_tasks_at_once_and_closing_twice(scene: Scene) -> None:
    async def many(agent: AsyncAgent) -> int:
        results = await asyncio.gather(*(agent.infer("tiny", X, privacy="public") for _ in range(100)))
        await asyncio.gather(agent.close(), agent.close())
        with pytest.raises(AgentClosed):
            await agent.infer("tiny", X)
        return len({result.receipt.request_id for result in results})

    threads_before = agents_threads()
    agent = scene.async_agent("prefer_in_cloud", signals=UNPROBED)
    ids = asyncio.run(many(agent))
    totals = agent.core.metrics.totals()
    assert ids == totals["requests"] == 100
    eventually(lambda: agents_threads() <= threads_before)


def test_H6_what_waits_for_a_worker_ends_when_the_agent_is_closed(scene: Scene) -> None:
    """It waited for its deadline instead."""
    told = list[BaseException]()
    with scene.agent("only_on_device", device=DeviceConfig(isolate=True, workers=1)) as watched:

        def infer() -> None:
            try:
                watched.infer("tiny", X, deadline_ms=60_000)
            except AgentError as error:
                told.append(error)

        scene.device.hold()
        threads = [threading.Thread(target=infer) for _ in range(3)]
        for thread in threads:
            thread.start()
        eventually(lambda: watched.agent.core.pool.waiting == 2)
        began = time.monotonic()
        watched.agent.close()
        eventually(lambda: len(told) == 2)
        assert time.monotonic() - began < 5
        scene.device.let_go()
        for thread in threads:
            thread.join(10)
        assert [type(error) for error in told] == [AgentClosed, AgentClosed]


def test_an_agent_that_could_not_start_leaves_no_thread(home: Home) -> None:
    threads = agents_threads()
    with pytest.raises(AgentError):
        AsyncAgent(home.config(home.root / "nowhere"))
    assert agents_threads() <= threads


def test_agents_come_and_go_without_a_trace(scene: Scene) -> None:
    def one() -> None:
        with scene.agent() as watched:
            assert watched.infer("tiny", X).target == "cloud"

    for _ in range(3):
        one()
    gc.collect()
    files, threads = _open_files(), agents_threads()
    for _ in range(10):
        one()
    gc.collect()
    eventually(lambda: agents_threads() <= threads)
    eventually(lambda: _open_files() <= files)


_NOT_CLOSED = """
import sys
import time
from pathlib import Path
import numpy as np
from edge_agent import Agent

agent = Agent.from_config(Path(sys.argv[1]))
result = agent.infer("tiny", {"pixels": np.zeros((1, 4), np.uint8)}, privacy="public")
print(result.target, result.receipt.failures, time.time())
"""


_DROPPED = """
import gc
import sys
import warnings
from pathlib import Path
import numpy as np
from edge_agent import Agent

warnings.simplefilter("ignore")
agent = Agent.from_config(Path(sys.argv[1]))
agent.infer("tiny", {"pixels": np.zeros((1, 4), np.uint8)}, privacy="public")
del agent
gc.collect()
"""


@pytest.mark.parametrize("isolate", ["false", "true"])
def test_H9_a_program_that_ends_without_closing_its_agent_ends_cleanly(home: Home, scene: Scene, isolate: str) -> None:
    host, port = scene.link.address
    config = home.root / "agent.toml"
    folder = home.release(full=scene.cloud.models["tiny"].digest)
    config.write_text(
        f'schema = 1\npolicy = "policy.toml"\n[models.tiny]\nrelease = "{folder.as_posix()}"\n'
        f'[targets.cloud]\naddress = "{host}:{port}"\n[device]\nisolate = {isolate}\n[signals]\nround_trip_s = 0.01\n',
        encoding="utf-8",
    )
    for mode in ("prefer_in_cloud", "prefer_on_device"):
        home.policy(f'schema = 1\nname = "p"\nversion = 1\nmode = "{mode}"\n')
        command = [sys.executable, "-c", _NOT_CLOSED, str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        ended = time.time()
        assert (done.returncode, done.stderr) == (0, "")
        target, failures, last_words = done.stdout.split()
        assert (target, failures) == ("cloud" if mode == "prefer_in_cloud" else "device", "()")
        assert ended - float(last_words) < 3  # one, on a machine with nothing else to do


@pytest.mark.parametrize(
    "program", [pytest.param(_NOT_CLOSED, id="held to the end"), pytest.param(_DROPPED, id="dropped before")]
)
def test_H9_what_an_agent_writes_down_is_there_after_a_program_that_did_not_close_it(home: Home, program: str) -> None:
    """Records are written twice a second, and what was learnt and spent every minute: a program of less wrote nothing,
    and began each time with the whole of its budget."""
    config = home.root / "agent.toml"
    config.write_text(
        f'schema = 1\npolicy = "policy.toml"\nrecords = "records.jsonl"\nstate = "state"\n'
        f'[models.tiny]\nrelease = "{home.release().as_posix()}"\n',
        encoding="utf-8",
    )
    home.policy('schema = 1\nname = "p"\nversion = 1\n[budgets.energy]\namount_j = 1000\n')
    done = subprocess.run([sys.executable, "-c", program, str(config)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    [line] = (home.root / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert from_json(line).decision.situation.request.model == "tiny"
    assert {file.name for file in (home.root / "state").iterdir()} >= {"learnt.json", "budgets.json"}


def _in_child(report: Callable[[], str], pipe: int) -> None:
    os.write(pipe, report().encode())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_E10_after_a_fork_the_child_is_told_and_nothing_hangs(scene: Scene) -> None:
    def child() -> str:
        told = []
        for act in (lambda: watched.agent.infer("tiny", X), watched.agent.close, watched.agent.close):
            try:
                act()
            except AgentClosed as error:
                told.append(str(error))
        return " | ".join(told)

    with scene.agent(device=DeviceConfig(isolate=True)) as watched:
        assert watched.infer("tiny", X).target == "cloud"
        reading, writing = os.pipe()
        process = multiprocessing.get_context("fork").Process(target=_in_child, args=(child, writing))
        process.start()
        process.join(20)
        assert process.exitcode == 0
        os.close(writing)
        with open(reading, encoding="utf-8") as told:
            assert told.read() == "the process forked after the agent was made; make a new agent in the child"
        assert watched.infer("tiny", X).target == "cloud"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_H10_a_hundred_thousand_requests_grow_nothing(scene: Scene) -> None:
    process = psutil.Process()
    with scene.agent("prefer_on_device", journal_size=64, checked=False) as watched:

        def run(count: int) -> tuple[int, int, int]:
            for number in range(count):
                watched.agent.infer("tiny", X, privacy="public" if number % 20 else "secret")
            gc.collect()
            return process.memory_info().rss, _open_files(), len(agents_threads())

        watched.agent.refresh()  # the connection is there before anything is counted, however busy the machine
        rss, files, threads = run(10_000)
        rss_after, files_after, threads_after = run(100_000)
        assert rss_after < rss * 1.05
        assert (files_after, threads_after) == (files, threads)
        assert len(watched.agent.last(1000)) == 64
