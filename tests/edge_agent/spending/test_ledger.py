"""The ledger: charged by whoever spends, written down, and believed only where it makes sense."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from edge_agent.spending import Ledger
from edge_agent.spending.ledger import FILE_NAME
from edge_agent.testing import FakeClock
from router.rules.policy import Policy
from router.types import BudgetView, Kind, Reading, Resource
from tests.router.situations import policy_of

POLICY = policy_of(
    "[targets.cloud]\nusd_per_request = 0.5\n[budgets]\n"
    "energy = { amount_j = 100 }\nmoney = { amount_usd = 2 }\nbytes = { amount_mb = 2 }\n"
)
UTC_S = 1_800_000_000.0


class Wall:
    """A wall clock that goes with the agent's own, and can be set."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.set_by_s = 0.0

    def __call__(self) -> float:
        return UTC_S + self.clock() + self.set_by_s


def _ledger(folder: Path | None = None, policy: Policy = POLICY, wall: Wall | None = None) -> Ledger:
    wall = wall or Wall(FakeClock())
    return Ledger(policy, clock=wall.clock, utc=wall, folder=folder)


def _left(ledger: Ledger, now: float = 0.0) -> dict[Resource, float]:
    return {view.resource: view.left for view in ledger.exact_views({}, now)}


def test_what_was_spent_is_there_after_a_restart(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path)
    ledger.start()
    ledger.begin("cloud", Kind.CLOUD, None, 500_000)
    ledger.device_ran(10.0, 1.5)
    ledger.stop()
    ledger.stop()
    assert _left(_ledger(tmp_path)) == {Resource.ENERGY: 85.0, Resource.MONEY: 1.5, Resource.BYTES: 1.5}


def test_a_restart_with_a_clock_that_was_set_back_gives_nothing_again(tmp_path: Path) -> None:
    wall = Wall(FakeClock())
    ledger = _ledger(tmp_path, wall=wall)
    ledger.begin("cloud", Kind.CLOUD, None, 2_000_000)
    ledger.save()
    wall.set_by_s = -40 * 86_400.0
    assert _left(_ledger(tmp_path, wall=wall))[Resource.BYTES] == 0.0


def test_the_next_day_everything_may_be_spent_again(tmp_path: Path) -> None:
    wall = Wall(FakeClock())
    ledger = _ledger(tmp_path, wall=wall)
    ledger.begin("cloud", Kind.CLOUD, None, 2_000_000)
    ledger.save()
    wall.set_by_s = 86_400.0
    assert _left(_ledger(tmp_path, wall=wall))[Resource.BYTES] == 2.0


def test_where_no_folder_is_kept_nothing_is_written(tmp_path: Path) -> None:
    ledger = _ledger()
    ledger.start()
    ledger.begin("cloud", Kind.CLOUD, None, 10)
    ledger.stop()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x80\x04\x95", id="a pickle"),
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b"x" * 200_000, id="long"),
        pytest.param(b'{"budgets": 2, "states": []}', id="another version"),
        pytest.param(b'{"budgets": 1, "states": [], "more": 1}', id="more than there is"),
        pytest.param(
            b'{"budgets": 1, "states": [{"resource": "gold", "period": 1, "spent": 1, "price": 1}]}', id="gold"
        ),
        pytest.param(
            b'{"budgets": 1, "states": [{"resource": "bytes", "period": 1, "spent": -9, "price": 1}]}',
            id="less than none",
        ),
        pytest.param(
            b'{"budgets": 1, "states": [{"resource": "bytes", "period": 1, "spent": NaN, "price": 1}]}', id="NaN"
        ),
    ],
)
def test_what_is_no_record_of_budgets_is_not_used_and_told(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        ledger = _ledger(tmp_path)
    assert _left(ledger)[Resource.BYTES] == 2.0
    assert "begun anew" in ledger.problem
    assert "begun anew" in caplog.text


def test_one_resource_written_twice_is_not_believed(tmp_path: Path) -> None:
    state = {"resource": "bytes", "period": 1, "spent": 1.0, "price": 1.0}
    (tmp_path / FILE_NAME).write_text(json.dumps({"budgets": 1, "states": [state, state]}))
    assert "no budget can be" in _ledger(tmp_path).problem


def test_a_folder_that_cannot_be_written_costs_a_warning_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    ledger = _ledger(tmp_path / "file")
    ledger.begin("cloud", Kind.CLOUD, None, 10)
    with caplog.at_level(logging.WARNING):
        ledger.save()
    assert "cannot be written" in caplog.text


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path)
    ledger.save()
    assert not list(tmp_path.iterdir())


def test_a_charger_counts_while_its_reading_is_fresh() -> None:
    ledger = _ledger()
    ledger.device_ran(50.0, 1.0)

    def left(now: float, charging: bool, read_at: float) -> float:
        readings = {"charging": Reading("charging", charging, "test", read_at)}
        views = {view.resource: view.left for view in ledger.views(readings, now)}
        return views[Resource.ENERGY]

    assert left(0.0, True, 0.0) == 50.0
    assert left(4.0, True, 4.0) == 70.0
    assert left(5.0, False, 5.0) == 75.0
    assert left(60.0, False, 60.0) == 75.0
    assert left(61.0, True, -1000.0) == 75.0
    assert left(90.0, True, -1000.0) == 75.0


def test_a_policy_without_budgets_has_none_to_show() -> None:
    ledger = _ledger(policy=policy_of())
    assert ledger.views({}, 0.0) == ()
    assert ledger.begin("cloud", Kind.CLOUD, None, 10)
    assert ledger.device_ran(2.0, 1.0) == 2.0


def test_a_new_policy_s_budgets_are_in_force_at_once() -> None:
    ledger = _ledger(policy=policy_of())
    ledger.adopt(POLICY)
    assert len(ledger.views({}, 0.0)) == 3
    ledger.adopt(policy_of())
    assert ledger.views({}, 0.0) == ()


def test_many_threads_lose_nothing() -> None:
    ledger = _ledger()

    def spend() -> None:
        for _ in range(200):
            ledger.begin("free", Kind.FOG, None, 1000)
            ledger.device_ran(0.01, 1.0)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = _left(ledger)
    assert left[Resource.BYTES] == pytest.approx(2 - 0.8)
    assert left[Resource.ENERGY] == pytest.approx(100 - 8)


def test_of_calls_that_begin_together_none_begins_once_nothing_is_left() -> None:
    ledger = _ledger()
    began: list[int] = []

    def call() -> None:
        for _ in range(50):
            if ledger.begin("cloud", Kind.CLOUD, None, 1000):
                began.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(began) == 4
    assert BudgetView(Resource.MONEY, 0.0, 0.0005) in ledger.views({}, 0.0)


def test_wakes_that_no_call_follows_are_counted_until_one_does() -> None:
    wall = Wall(FakeClock())
    ledger = _ledger(wall=wall)
    for _ in range(2):
        ledger.woke("cellular", 0.5, 400, 60.0)
        wall.clock.advance(30.0)
    assert ledger.silent_wakes("cellular", wall.clock()) == 2
    ledger.begin("cloud", Kind.CLOUD, None, 10)
    assert ledger.silent_wakes("cellular", wall.clock()) == 0


def test_a_call_is_charged_what_it_really_sent_and_nothing_where_it_never_left() -> None:
    ledger = _ledger()
    ledger.begin("cloud", Kind.CLOUD, None, 500_000)
    ledger.corrected("cloud", Kind.CLOUD, 100_000)
    assert _left(ledger)[Resource.BYTES] == pytest.approx(1.4)
    ledger.begin("cloud", Kind.CLOUD, None, 500_000)
    ledger.corrected("cloud", Kind.CLOUD, -500_000, sent=False)
    assert _left(ledger) == pytest.approx({Resource.ENERGY: 100.0, Resource.MONEY: 1.5, Resource.BYTES: 1.4})
