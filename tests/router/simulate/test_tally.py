from __future__ import annotations

import pytest

from router.rules.compile import compile_policy
from router.running.events import Role
from router.simulate.intervals import quantile_s
from router.simulate.tally import MOST_BLOCKS, Ended, Tally, bucket_of, seconds_of
from router.types import Resource

WORTH = compile_policy(b'schema = 1\nname = "w"\nversion = 1\nworth = { second = 2.0, dollar = 3.0 }').worth


def _ended(seconds: float = 0.1, **changes: object) -> Ended:
    plain: dict[str, object] = {
        "target": "device",
        "seconds": seconds,
        "wrong": 0.0,
        "lost": 0.0,
        "missed": False,
        "failed": False,
        "escalated": False,
        "joules": 0.0,
        "usd": 0.0,
        "up_bytes": 0,
        "down_bytes": 0,
    }
    return Ended(**{**plain, **changes})  # type: ignore[arg-type]  # the fields of Ended


def test_a_request_costs_what_the_policy_says_things_are_worth() -> None:
    tally = Tally(WORTH)
    assert tally.add(_ended(0.5)) == pytest.approx(1.0)
    assert tally.add(_ended(0.5, usd=0.1, wrong=0.25)) == pytest.approx(1.0 + 0.3 + 0.25)
    assert tally.add(_ended(0.0, up_bytes=600_000, down_bytes=400_000)) == pytest.approx(WORTH.megabyte)
    assert tally.total().cost == pytest.approx(2.55 + WORTH.megabyte)


def test_a_long_run_keeps_few_blocks_and_every_request() -> None:
    tally = Tally(WORTH, block_requests=2)
    for number in range(5000):
        tally.add(_ended(0.1, target="device" if number % 4 else "cloud", joules=0.5))
    assert len(tally.blocks) <= MOST_BLOCKS
    total = tally.total()
    assert total.requests == sum(total.times.values()) == 5000
    assert total.by_target == {"device": 3750, "cloud": 1250}
    assert total.joules == pytest.approx(2500)
    assert len({block.requests for block in tally.blocks[:-1]}) == 1, "blocks of one length"


def test_what_is_spent_after_the_last_request_counts() -> None:
    tally = Tally(WORTH)
    tally.add(_ended(joules=1.0))
    tally.spend(0.25)
    assert tally.total().joules == pytest.approx(1.25)


def test_a_time_is_told_to_a_hundredth() -> None:
    for seconds in (1e-5, 0.0123, 1.0, 77.7):
        assert seconds_of(bucket_of(seconds)) == pytest.approx(seconds, rel=0.0101)
    assert seconds_of(bucket_of(0.0)) == pytest.approx(1e-6, rel=0.0101)


def test_what_was_started_beside_a_request_and_which_rules_applied_are_counted_once_a_request() -> None:
    tally = Tally(WORTH, block_requests=1)
    tally.add(_ended(besides=(Role.RETRY, Role.RETRY, Role.HEDGE), rules=("low", "hot")))
    tally.add(_ended(rules=("low",)))
    tally.woke(0.5, 400)
    total = tally.total()
    assert total.by_role == {Role.RETRY: 1, Role.HEDGE: 1}
    assert total.by_rule == {"low": 2, "hot": 1}
    assert (total.wakes, total.joules, total.up_bytes) == (1, 0.5, 400)


def test_each_device_has_a_meter_of_its_own() -> None:
    tally = Tally(WORTH)
    one, other = tally.meter(), tally.meter()
    one.add(10.0, 2.0, 0.1, 1_000_000)
    one.add(3601.0, 3.0, 0.2, 2_000_000)
    assert tally.meters == [one, other]
    assert (one.most(Resource.ENERGY, 3600), one.most(Resource.ENERGY, 86_400)) == (3.0, 5.0)
    assert one.most(Resource.MONEY, 86_400) == pytest.approx(0.3)
    assert one.most(Resource.BYTES, 3600) == 2.0
    assert other.most(Resource.ENERGY, 3600) == 0.0


def test_what_had_no_answer_was_not_a_quick_one() -> None:
    """A phone whose battery was empty half of the day answered half of its requests in no time, by the table."""
    tally = Tally(WORTH)
    for _ in range(10):
        tally.add(_ended(0.2))
    for _ in range(30):
        tally.add(_ended(0.0, target=None, failed=True))
    for share in (0.05, 0.5, 0.95):
        assert quantile_s(tally.blocks, [], share).value == pytest.approx(0.2, rel=0.011)
    assert tally.total().requests == 40
