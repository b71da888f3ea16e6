"""A cloud in trouble and many who ask it: what agents do about it must not make it worse. In virtual time."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

import pytest

from router.choosing.memo import Memo
from router.rules.compile import compile_policy
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.arriving import Recorded
from router.simulate.call import Call
from router.simulate.evaluation import evaluate
from router.simulate.faults import Fault
from router.simulate.tally import Block, Tally
from router.simulate.workload import Stream
from router.simulate.world import Setting, World, servers_of
from router.types import Kind
from tests.router.simulate import worlds

HEAD = 'schema = 1\nname = "storm"\nversion = 1\ntargets = { cloud = {}, fog = {} }\n'
KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "fog": Kind.FOG}
# No breaker hides here what the other means do.
NO_BREAKER = "[breaker]\nconsecutive = 1000\nmin_calls = 100000\n"


class _Counting(World):
    """Counts what reaches the network, second by second."""

    seconds: Counter[int]

    def call(
        self,
        target: str,
        model: str,
        now: float,
        number: int = 0,
        again: int = 0,
        *,
        upload_bytes: int | None = None,
        until: float = math.inf,
    ) -> Call:
        self.seconds[int(now)] += 1
        return super().call(target, model, now, number, again, upload_bytes=upload_bytes, until=until)


@dataclass
class _Came:
    seconds: Counter[int]
    total: Block

    @property
    def calls(self) -> int:
        return self.seconds.total()

    @property
    def answered(self) -> int:
        return sum(self.total.by_target.values())


def _poisson(rps: float, until_s: float, seed: int) -> list[float]:
    chance, now, times = random.Random(seed), 0.0, []
    while (now := now + chance.expovariate(rps)) < until_s:
        times.append(now)
    return times


def _setting(rps: float, until_s: float, seed: int, fault: Fault, names: tuple[str, ...] = ("cloud",)) -> Setting:
    servers = tuple(
        worlds.server(name, kind=KINDS[name], workers=64, queue_limit=2000, spread=0.2, pushes_back=False)
        for name in names
    )
    model = worlds.model(names)
    stream = Stream("app", model, 1.0, ((1.0, "public"),), Recorded(_poisson(rps, until_s, seed)))
    return worlds.setting(
        *servers,
        duration_s=1e9,
        connections=((0.0, worlds.link(radio=worlds.radio(kind="wifi", metered=False))),),
        models={"m": model},
        streams=(stream,),
        faults={names[0]: (fault,)},
    )


def _run(policy_text: str, settings: list[Setting]) -> _Came:
    """Let every setting's device live through it, on servers that they share."""
    policy = compile_policy((HEAD + policy_text).encode(), targets=KINDS)
    agenda, tally, seconds = Agenda(), Tally(policy.worth), Counter[int]()
    servers, evaluation = servers_of(settings[0], 1), evaluate(settings[0], 1)
    for number, setting in enumerate(settings):
        world = _Counting(setting, number, servers)
        world.seconds = seconds
        agent = Agent(
            world,
            policy,
            Memo(),
            evaluation=evaluation,
            seed=number,
            agenda=agenda,
            tally=tally,
        )
        agent.start()
    while agenda.step():
        pass
    return _Came(seconds, tally.total())


def test_B3_with_30_percent_errors_the_device_makes_up_for_each_and_nobody_asks_twice() -> None:
    fault = Fault(0.0, 1e9, error_share=0.3)
    came = _run('mode = "prefer_in_cloud"\n', [_setting(20, 60, 1, fault)])
    assert came.calls <= came.total.requests
    assert came.answered >= 0.99 * came.total.requests


@pytest.mark.wide
@pytest.mark.parametrize("error_share", [0.3, 0.6, 1.0])
def test_B3_B6_where_nobody_else_is_there_retries_run_dry_before_they_add_a_fifth(error_share: float) -> None:
    fault = Fault(0.0, 1e9, error_share=error_share)
    text = 'mode = "only_in_cloud"\n[retry]\nattempts = 4\n' + NO_BREAKER
    came = _run(text, [_setting(20, 60, 2, fault)])
    assert came.calls <= 1.2 * came.total.requests


@pytest.mark.wide
def test_where_failures_are_rare_retries_make_up_for_nearly_all_of_them() -> None:
    fault = Fault(0.0, 1e9, error_share=0.05)
    came = _run('mode = "only_in_cloud"\n', [_setting(20, 60, 3, fault)])
    assert came.answered >= 0.99 * came.total.requests
    assert came.calls <= 1.2 * came.total.requests


@pytest.mark.wide
def test_B3_a_cloud_that_fails_most_calls_is_spared_most_of_them() -> None:
    fault = Fault(0.0, 1e9, error_share=0.7)
    came = _run('mode = "prefer_in_cloud"\n' + NO_BREAKER, [_setting(20, 240, 4, fault)])
    later = sum(number for second, number in came.seconds.items() if second >= 120)
    assert later <= 0.5 * 20 * 120
    assert later >= 0.1 * 20 * 120, "some calls find out when it is over"
    assert came.answered == came.total.requests


def test_B4_when_a_server_turns_ten_times_slower_no_more_than_the_share_is_hedged() -> None:
    fault = Fault(30.0, 1e9, slow=10.0)
    text = 'mode = "only_in_cloud"\n[hedge]\nshare = 0.05\n[retry]\nattempts = 1\n'
    came = _run(text, [_setting(10, 120, 5, fault, ("cloud", "fog"))])
    hedges = came.calls - came.total.requests
    assert 0 < hedges <= 0.05 * came.total.requests
    assert came.answered == came.total.requests


@pytest.mark.wide
@pytest.mark.slow
def test_B5_when_the_cloud_is_back_a_thousand_clients_come_back_little_by_little() -> None:
    fault = Fault(15.0, 60.0, error_share=1.0)
    # Whoever asks twice in five seconds knows within some thirteen.
    settings = [_setting(0.4, 130, 100 + number, fault) for number in range(1000)]
    came = _run('mode = "prefer_in_cloud"\nretry.attempts = 4\n', settings)
    steady = sum(came.seconds[second] for second in range(5, 15)) / 10
    assert sum(came.seconds[second] for second in range(40, 45)) < 0.2 * 5 * steady, "who asks a cloud that is down?"
    back = [came.seconds[second] for second in range(60, 130)]
    assert max(back) <= 2 * steady
    assert back[0] < 0.5 * steady, "it ramps"
    # Half of them asked at 48 s or so, when it was still down, and wait for a minute since.
    assert sum(back[-10:]) / 10 > 0.8 * steady, "they come back"
