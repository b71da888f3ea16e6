"""What closes a target, in which order it is told, and that nothing closed is opened again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.closed import Closed, Constraint
from router.choosing.constraints import close
from router.types import BreakerPhase, BudgetView, Mode, Resource, Situation, TargetView
from tests.router.situations import policy_of, situation, target

POLICY = policy_of("budgets.bytes.amount_mb = 1")
USED_UP = (BudgetView(Resource.BYTES, 0.0, 1.0),)


def _close(
    of: Situation, mode: Mode = Mode.AUTO, forbidden: dict[str, str] | None = None
) -> tuple[list[str], list[Closed]]:
    feasible, closed = close(POLICY, of, mode, forbidden or {})
    return [view.name for view in feasible], list(closed)


@pytest.mark.parametrize(
    ("cloud", "mode", "forbidden", "label", "constraint", "detail"),
    [
        pytest.param({}, "auto", {}, "secret", "label", 'label "secret" does not permit it', id="label"),
        pytest.param(
            {}, "auto", {}, None, "label", "a missing or unknown label, the strictest, does not permit it", id="none"
        ),
        pytest.param(
            {},
            "auto",
            {},
            "sekret",
            "label",
            "a missing or unknown label, the strictest, does not permit it",
            id="typo",
        ),
        pytest.param(
            {}, "only_on_device", {}, "public", "mode", "mode only_on_device closes remote targets", id="mode"
        ),
        pytest.param({}, "auto", {"cloud": "low"}, "public", "rule", 'rule "low" forbids it', id="rule"),
        pytest.param(
            {"serves": False, "why_not": "no such model"},
            "auto",
            {},
            "public",
            "not_served",
            "no such model",
            id="serves",
        ),
        pytest.param(
            {"upload_bytes": 11, "upload_limit_bytes": 10},
            "auto",
            {},
            "public",
            "too_large",
            "11 bytes to send, 10 is the limit",
            id="size",
        ),
        pytest.param(
            {"breaker": BreakerPhase.OPEN, "breaker_admits": False},
            "auto",
            {},
            "public",
            "breaker",
            "it failed too often lately",
            id="open",
        ),
        pytest.param(
            {"breaker": BreakerPhase.OPEN, "breaker_admits": False, "why_not": "its model crashed"},
            "auto",
            {},
            "public",
            "breaker",
            "its model crashed",
            id="open, and it is known why",
        ),
        pytest.param(
            {"breaker": BreakerPhase.HALF_OPEN, "breaker_admits": False},
            "auto",
            {},
            "public",
            "breaker",
            "another call is probing it",
            id="half open",
        ),
        pytest.param(
            {"pushback_s": 2.0},
            "auto",
            {},
            "public",
            "pushback",
            "it refused a call, and asked for 2000 ms of peace",
            id="pushback",
        ),
        pytest.param(
            {"stay_local_s": 2.0},
            "auto",
            {},
            "public",
            "stay_local",
            "it asked, for 2000 ms, to be left to those who need it",
            id="stay local",
        ),
        pytest.param(
            {"median_ms": 4000},
            "auto",
            {},
            "public",
            "time",
            "needs 2000 ms at best, 1000 ms are left",
            id="time",
        ),
    ],
)
def test_a_target_is_closed_and_the_reason_told(
    cloud: dict[str, object], mode: str, forbidden: dict[str, str], label: str | None, constraint: str, detail: str
) -> None:
    of = situation(target("device"), target("cloud", **cloud), label=label)  # type: ignore[arg-type]  # a table's row
    feasible, closed = _close(of, Mode(mode), forbidden)
    assert feasible == ["device"]
    assert closed == [Closed("cloud", Constraint(constraint), detail)]


def test_of_several_reasons_the_first_in_order_is_told_the_label_before_all() -> None:
    reasons: list[Constraint] = []
    broken: dict[str, object] = {
        "serves": False,
        "upload_bytes": 9,
        "upload_limit_bytes": 1,
        "breaker_admits": False,
        "pushback_s": 2.0,
        "median_ms": 9e6,
        "stay_local_s": 2.0,
    }
    repairs: list[dict[str, object]] = [
        {"serves": True},
        {"upload_limit_bytes": 9},
        {"breaker_admits": True},
        {"pushback_s": 0.0},
        {"upload_bytes": 0},
        {"median_ms": 60.0},
    ]
    for label, mode, forbidden in (
        ("secret", Mode.ONLY_ON_DEVICE, {"cloud": "r"}),
        ("public", Mode.ONLY_ON_DEVICE, {"cloud": "r"}),
        ("public", Mode.AUTO, {"cloud": "r"}),
        ("public", Mode.AUTO, {}),
    ):
        of = situation(target("device"), target("cloud", **broken), label=label)  # type: ignore[arg-type]  # as above
        _, closed = _close(replace(of, budgets=USED_UP), mode, forbidden)
        reasons.append(closed[0].constraint)
    for repair in repairs:
        broken |= repair
        of = situation(target("device"), target("cloud", **broken))  # type: ignore[arg-type]  # as above
        _, closed = _close(replace(of, budgets=USED_UP))
        reasons.append(closed[0].constraint)
    assert reasons == list(Constraint)


def test_mode_only_in_cloud_closes_the_device() -> None:
    feasible, closed = _close(situation(), Mode.ONLY_IN_CLOUD)
    assert feasible == ["cloud"]
    assert [c.constraint for c in closed] == [Constraint.MODE]


def test_a_rule_forbids_by_name_or_by_kind() -> None:
    clouds = situation(target("device"), target("cloud"), target("eu", target("cloud").kind))
    assert _close(clouds, forbidden={"eu": "r"})[0] == ["device", "cloud"]
    assert _close(clouds, forbidden={"cloud": "r"})[0] == ["device"]
    assert _close(clouds, forbidden={"device": "r"})[0] == ["cloud", "eu"]


def _slow(name: str, best_ms: float) -> TargetView:
    return target(name, median_ms=2 * best_ms)


@pytest.mark.parametrize(
    ("device_ms", "cloud_ms", "left_ms", "open_ones"),
    [
        pytest.param(5, 60, 100, ["device", "cloud"], id="time for both"),
        pytest.param(5, 60, 20, ["device"], id="time for one"),
        pytest.param(90, 60, 20, ["cloud"], id="time for none: the quickest is tried"),
        pytest.param(60, 60, 20, ["device"], id="equally quick: the device"),
        pytest.param(60, 60, 0, [], id="no time at all"),
        pytest.param(60, 60, -5, [], id="the deadline has passed"),
        pytest.param(20, 60, 20, ["device"], id="just time enough"),
    ],
)
def test_time_closes_all_but_a_last_resort(
    device_ms: float, cloud_ms: float, left_ms: float, open_ones: list[str]
) -> None:
    of = situation(_slow("device", device_ms), _slow("cloud", cloud_ms), left_ms=left_ms)
    feasible, closed = _close(of)
    assert feasible == open_ones
    assert {c.constraint for c in closed} <= {Constraint.TIME}
    assert len(feasible) + len(closed) == 2


def test_a_last_resort_is_never_one_that_something_else_closes() -> None:
    of = situation(_slow("device", 90), _slow("cloud", 60), left_ms=20, label="secret")
    assert _close(of)[0] == ["device"]


@pytest.mark.parametrize(
    ("device", "mode", "left_ms", "open_ones"),
    [
        pytest.param({}, Mode.AUTO, 1000, ["device"], id="the device can answer"),
        pytest.param({}, Mode.PREFER_IN_CLOUD, 1000, ["device"], id="whatever is preferred"),
        pytest.param({}, Mode.ONLY_IN_CLOUD, 1000, ["cloud"], id="the device may not"),
        pytest.param({"serves": False}, Mode.AUTO, 1000, ["cloud"], id="the device has no model"),
        pytest.param({"median_ms": 400}, Mode.AUTO, 100, ["cloud"], id="the device is too slow"),
        pytest.param({"median_ms": 400}, Mode.AUTO, 10, ["cloud"], id="both are: the quickest"),
    ],
)
def test_a_target_that_asks_to_be_spared_is_closed_only_where_another_can_answer(
    device: dict[str, object], mode: Mode, left_ms: float, open_ones: list[str]
) -> None:
    of = situation(target("device", **device), target("cloud", stay_local_s=5.0), left_ms=left_ms)  # type: ignore[arg-type]  # a table's row
    assert _close(of, mode)[0] == open_ones


def test_of_two_clouds_the_one_that_did_not_ask_to_be_spared_is_left() -> None:
    eu = target("eu", target("cloud").kind)
    of = situation(target("device", serves=False), target("cloud", stay_local_s=5.0), eu)
    assert _close(of)[0] == ["eu"]


def test_a_target_that_refused_is_left_alone_though_nothing_else_is_left() -> None:
    of = situation(target("device", serves=False), target("cloud", pushback_s=2.0))
    assert _close(of)[0] == []


def test_a_budget_that_is_used_up_leaves_nobody_open_after_the_deadline() -> None:
    """What may be taken nevertheless was planned for a request whose time was over."""
    policy = policy_of("budgets.energy = { amount_j = 1, at_zero = 'least' }")
    over = replace(situation(left_ms=0.0), budgets=(BudgetView(Resource.ENERGY, -1.0, 1.0),))
    for mode in (Mode.ONLY_ON_DEVICE, Mode.AUTO):
        feasible, closed = close(policy, over, mode, {})
        assert feasible == ()
        assert {one.target for one in closed} == {view.name for view in over.targets}
