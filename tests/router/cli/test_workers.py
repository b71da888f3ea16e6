"""Runs that are made side by side: in processes where it pays, and with the same results."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from router.cli.workers import Workers, cores
from router.simulate.comparison import compare
from router.simulate.spread import in_turn
from tests.builders.waiting import eventually
from tests.router.simulate.runs import a_policy, a_setting


def _answers(number: int) -> tuple[int, int]:
    return number, os.getpid()


def _fails(number: int) -> int:
    raise ValueError(number)


def _waits_for_a_signal() -> int:
    while True:
        signal.pause()


def test_what_is_not_worth_a_process_is_done_here() -> None:
    tasks = [partial(_answers, number) for number in range(5)]
    assert list(Workers(4)(tasks)) == [(number, os.getpid()) for number in range(5)]


def test_one_worker_is_this_process() -> None:
    tasks = [partial(_answers, number) for number in range(3)]
    assert list(Workers(1, worth_s=0.0)(tasks)) == list(in_turn(tasks))


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(Workers(2, worth_s=0.0)([])) == []


def test_it_knows_of_at_least_one_core() -> None:
    assert cores() >= 1


def _no_semaphores(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_where_no_process_can_be_begun_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without semaphores, or without room for them, ended the command with words about a disk."""
    monkeypatch.setattr("router.cli.workers.ProcessPoolExecutor", _no_semaphores)
    tasks = [partial(_answers, number) for number in range(5)]
    assert list(Workers(2, worth_s=0.0)(tasks)) == [(number, os.getpid()) for number in range(5)]


@pytest.mark.wide
def test_results_come_in_the_order_of_the_tasks_from_other_processes() -> None:
    found = list(Workers(2, worth_s=0.0)([partial(_answers, number) for number in range(6)]))
    assert [number for number, _ in found] == list(range(6))
    assert {pid for _, pid in found[1:]}.isdisjoint({os.getpid()})


@pytest.mark.wide
def test_a_comparison_is_the_same_with_any_number_of_workers() -> None:
    setting, policies = a_setting(60), [a_policy(), a_policy('mode = "prefer_on_device"\n')]
    assert compare(setting, policies, 1, spread=Workers(2, worth_s=0.0)) == compare(setting, policies, 1)


@pytest.mark.wide
def test_a_task_that_fails_is_told_and_ends_the_others() -> None:
    """Whoever interrupts a comparison of minutes would otherwise wait for the runs that are under way."""
    tasks = [partial(_answers, 0), partial(_fails, 7), _waits_for_a_signal]
    with pytest.raises(ValueError, match="7"):
        list(Workers(2, worth_s=0.0)(tasks))
    # Not joined: the pool's own thread does that, and whoever asks meanwhile is told that they live.
    eventually(lambda: multiprocessing.active_children() == [], within_s=20)


ROOT = Path(__file__).parents[3]
WAITING = """
from functools import partial
from router.cli.workers import Workers
from tests.router.cli.test_workers import _answers, _says_who_it_is
list(Workers(2, worth_s=0.0)([partial(_answers, 0), _says_who_it_is, _says_who_it_is]))
"""


def _says_who_it_is() -> int:
    # In one write: where Python does not buffer, print makes two, and another's number comes between.
    os.write(sys.stdout.fileno(), f"{os.getpid()}\n".encode())
    return _waits_for_a_signal()


@pytest.mark.wide
def test_workers_end_with_whoever_wanted_their_results() -> None:
    """Killed, a comparison left its workers behind, which waited for tasks for ever."""
    with subprocess.Popen([sys.executable, "-c", WAITING], cwd=ROOT, stdout=subprocess.PIPE, text=True) as whole:
        assert whole.stdout is not None
        workers = [psutil.Process(int(whole.stdout.readline())) for _ in range(2)]
        whole.kill()
        gone, left = psutil.wait_procs(workers, timeout=20)
    assert len(gone) == 2
    assert not left
