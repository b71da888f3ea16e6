"""What becomes of a simulated call that never reaches its server: what it costs in truth, and in the agent's books."""

from __future__ import annotations

from typing import Any

import pytest

from router.choosing.memo import Memo
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.answers import Parametric
from router.simulate.arriving import Recorded
from router.simulate.baselines import always
from router.simulate.call import Call
from router.simulate.curve import Curve
from router.simulate.driver import simulate
from router.simulate.evaluation import evaluate
from router.simulate.faults import Fault
from router.simulate.tally import Block, Tally
from router.simulate.workload import Stream
from router.simulate.world import Setting, World
from router.types import Resource
from tests.router.simulate.worlds import link, model, radio, run_all, server, setting

PRICE = 0.001
OFFLINE = ((0.0, None),)
AWAKE = ((0.0, link(radio=radio(wake_s=Curve([(0.0, 0.0)])))),)
DOWN = {"cloud": (Fault(0.0, 1e9, error_share=1.0),)}
HEAD = f'schema = 1\nname = "p"\nversion = 1\n[targets.cloud]\nusd_per_request = {PRICE}\n'
BUDGETS = "[budgets]\nmoney = { amount_usd = 1 }\nbytes = { amount_mb = 100 }\nenergy = { amount_j = 100000 }\n"
PREFER_CLOUD = f'mode = "prefer_in_cloud"\n{HEAD}{BUDGETS}'.encode()


def _ended(call: Call) -> tuple[str, int, bool, bool]:
    return call.failure, call.sent_bytes, call.reached, call.unsent


def test_a_call_without_a_network_reaches_nobody_and_its_caller_knows() -> None:
    call = World(setting(connections=OFFLINE), 1).call("cloud", "m", 100.0)
    run_all(call)
    assert _ended(call) == ("UNAVAILABLE", 0, False, True)


def test_a_server_that_is_down_refuses_the_connection_before_anything_is_sent() -> None:
    """It took whole uploads, and was paid for each, to say that it was not there."""
    call = World(setting(faults=DOWN), 1).call("cloud", "m", 100.0)
    ended = run_all(call)
    # The radio has to wake for it: 0.8 s, and a round trip.
    assert ended[call] - 100.0 == pytest.approx(0.8 + 0.1)
    assert _ended(call) == ("UNAVAILABLE", 0, False, True)
    assert call.energy_j == pytest.approx(0.8 * 1.2 + 0.1 * 1.3)


def test_whoever_gives_up_before_it_is_refused_does_not_know() -> None:
    call = World(setting(faults=DOWN), 1).call("cloud", "m", 100.0)
    call.cancel(100.85)
    assert _ended(call) == ("CANCELLED", 0, False, False)


def test_a_server_that_was_down_has_to_be_connected_to_again() -> None:
    faults = {"cloud": (Fault(102.0, 103.0, error_share=1.0),)}
    world = World(setting(server(connect_round_trips=3.0), faults=faults), 1)
    calls = []
    for at in (100.0, 101.5, 102.5, 104.0):
        calls.append(world.call("cloud", "m", at))
        run_all(calls[-1])
    assert [call.connect_s > 0 for call in calls] == [True, False, False, True]


def test_a_server_that_goes_down_while_it_is_sent_to_is_not_reached() -> None:
    world = World(setting(faults={"cloud": (Fault(100.85, 1e9, error_share=1.0),)}), 1)
    call = world.call("cloud", "m", 100.0)
    ended = run_all(call)
    assert ended[call] - 100.0 == pytest.approx(0.8 + 0.010 + 0.1)
    assert _ended(call) == ("UNAVAILABLE", 10_000, False, False)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(0.0, 1e9, error_share=1.0, code="INTERNAL"),
        Fault(0.0, 1e9, error_share=1.0, pushback_s=2.0),
        Fault(0.0, 1e9, error_share=0.9999999),
    ],
)
def test_a_server_that_answers_with_an_error_was_reached(fault: Fault) -> None:
    call = World(setting(faults={"cloud": (fault,)}), 1).call("cloud", "m", 100.0)
    run_all(call)
    assert call.failure
    assert (call.sent_bytes, call.reached, call.unsent) == (10_000, True, False)


@pytest.mark.parametrize(
    ("at", "changed", "sent_bytes", "reached"),
    [
        (100.70, {}, 10_000, True),
        (100.82, {}, 10_000, True),
        (100.90, {}, 10_000, True),
        (100.90, {"faults": {"cloud": (Fault(0.0, 1e9, black_hole=True),)}}, 10_000, False),
        (100.85, {"connections": ((0.0, link()), (100.84, None))}, 10_000, False),
        (100.82, {"connections": ((0.0, link()), (100.84, None))}, 10_000, False),
    ],
    ids=["handed over", "under way", "at the server", "black hole", "network lost", "network lost a moment later"],
)
def test_what_was_handed_over_arrives_unless_it_is_lost_on_the_way(
    at: float, changed: dict[str, Any], sent_bytes: int, reached: bool
) -> None:
    call = World(setting(**changed), 1).call("cloud", "m", 100.0)
    while call.next_at <= at:
        call.proceed(call.next_at)
        if call.done:
            break
    call.cancel(at)
    assert (call.sent_bytes, call.reached, call.unsent) == (sent_bytes, reached, False)


def test_a_call_that_was_cancelled_while_it_connected_reached_nobody() -> None:
    call = World(setting(server(connect_round_trips=2.0)), 1).call("cloud", "m", 100.0)
    call.cancel(100.9)
    assert (call.sent_bytes, call.reached, call.unsent) == (0, False, False)


# -- what requests are billed ------------------------------------------------------------------------------------------


def _setting(**changed: Any) -> Setting:
    times = [float(10 * number) for number in range(1, 41)]
    with_link = {"connections": AWAKE} | changed
    return setting(server(usd_per_request=PRICE), times=times, duration_s=1000.0, **with_link)


def _lived(policy: Policy, world: Setting) -> tuple[Agent, Block]:
    agenda, tally = Agenda(), Tally(policy.worth)
    evaluation = evaluate(world, 1, policy.promise)
    agent = Agent(World(world, 1), policy, Memo(), evaluation=evaluation, seed=1, agenda=agenda, tally=tally)
    agent.start()
    agenda.run()
    return agent, tally.total()


@pytest.mark.parametrize("changed", [{"connections": OFFLINE}, {"faults": DOWN}], ids=["no network", "server down"])
def test_an_outage_costs_neither_dollars_nor_bytes_in_truth_and_in_the_books(changed: dict[str, Any]) -> None:
    """Each call that was refused was billed as if it had been answered."""
    agent, total = _lived(compile_policy(PREFER_CLOUD), _setting(**changed))
    assert total.by_target["device"] == 40
    assert (total.usd, total.up_bytes) == (0.0, 0)
    left = {view.resource: view.left for view in agent.purse.views(now=1000.0, utc_s=1000.0)}
    assert (left[Resource.MONEY], left[Resource.BYTES]) == (pytest.approx(1.0), pytest.approx(100.0))
    assert left[Resource.ENERGY] < 100_000  # what was spent trying, and what the device's own runs took


def test_who_always_asks_a_server_out_of_reach_pays_nothing_for_it() -> None:
    policy = compile_policy(HEAD.encode())
    found = simulate(_setting(connections=OFFLINE), policy, 1, baseline=always("cloud"))
    assert (found.usd.value, found.size_bytes.value, found.joules.value) == (0.0, 0.0, 0.0)
    assert found.failed.value == 1.0


def test_the_books_count_what_is_lost_on_the_way_because_nobody_knows() -> None:
    world = _setting(faults={"cloud": (Fault(0.0, 1e9, black_hole=True),)})
    agent, total = _lived(compile_policy(PREFER_CLOUD), world)
    assert (total.usd, total.up_bytes > 0) == (0.0, True)
    left = {view.resource: view.left for view in agent.purse.views(now=1000.0, utc_s=1000.0)}
    assert left[Resource.MONEY] == pytest.approx(1 - PRICE * total.up_bytes / 10_000)


# -- audits ------------------------------------------------------------------------------------------------------------


def _promising(amount_usd: float, **changed: Any) -> tuple[Agent, Block]:
    """Return what a day of audits comes to: half of what is kept on the device is asked of the cloud as well."""
    answers = Parametric(0.75, 0.85, 2.0, {"cloud": (0.95, 0.6)})
    of = model(answers=answers)
    times = [float(3 * number) for number in range(1, 301)]
    streams = (Stream("app", of, 0.5, ((1.0, "public"),), Recorded(times)),)
    cloud = server(usd_per_request=PRICE)
    world = setting(cloud, duration_s=1000.0, connections=AWAKE, models={"m": of}, streams=streams, **changed)
    text = f"{HEAD}[promise]\nmax_loss = 0.02\naudit = 0.5\n[budgets]\nmoney = {{ amount_usd = {amount_usd} }}\n"
    return _lived(compile_policy(text.encode()), world)


@pytest.mark.wide
def test_audits_are_charged_to_the_budget_and_end_with_it() -> None:
    """The books had none of them, so that a run spent more than its budget allowed."""
    _, free = _promising(1000.0)
    _, held = _promising(20 * PRICE)
    assert free.usd > 40 * PRICE
    assert held.usd <= 20 * PRICE + 1e-9


def test_an_audit_that_finds_no_server_is_given_back() -> None:
    agent, total = _promising(1.0, faults=DOWN)
    assert total.usd == 0.0
    (money,) = agent.purse.views(now=1000.0, utc_s=1000.0)
    assert money.left == pytest.approx(1.0)
