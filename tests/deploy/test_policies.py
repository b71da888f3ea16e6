"""The policies to start from do what their comments say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from router.choosing.engine import decide
from router.estimates import prior_quantiles
from router.lint import lint
from router.rules.compile import compile_policy
from router.types import BreakerPhase, Kind, Reading, Request, Situation, TargetView, TimeEstimate, Value

_POLICIES = Path(__file__).parents[2] / "deploy" / "policies"
_QUICK = prior_quantiles(0.001, 0.003)


def _choice(
    name: str, label: str, readings: Mapping[str, Value], *, remote_s: float = 0.02, left_s: float = 1.0
) -> str:
    policy = compile_policy((_POLICIES / f"{name}.toml").read_bytes(), source=name)
    remote = TimeEstimate(prior_quantiles(remote_s, remote_s * 2), 10)
    views = (
        _view("device", Kind.DEVICE, TimeEstimate(_QUICK, 10), 0),
        _view("cloud", Kind.CLOUD, remote, 500),
    )
    read = {signal: Reading(signal, value, "test", 10.0) for signal, value in readings.items()}
    request = Request("r", "m", label, 10.0 + left_s, True)
    return decide(policy, Situation(request, read, views, None, 10.0)).choice


def _view(name: str, kind: Kind, time: TimeEstimate, upload_bytes: int) -> TargetView:
    wrong = 0.1 if kind is Kind.DEVICE else 0.02
    return TargetView(name, kind, True, "", upload_bytes, 1 << 20, time, 0.0, wrong, BreakerPhase.CLOSED, True)


@pytest.mark.parametrize("path", sorted(_POLICIES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_policy_to_start_from_has_nothing_to_warn_of(path: Path) -> None:
    assert lint(compile_policy(path.read_bytes(), source=path.name)) == ()


@pytest.mark.parametrize(
    ("policy", "label", "readings", "choice"),
    [
        ("balanced", "personal", {}, "device, then cloud if uncertain"),
        ("balanced", "secret", {}, "device"),
        ("balanced", "personal", {"battery_pct": 10.0, "charging": False}, "device"),
        ("balanced", "personal", {"battery_pct": 10.0, "charging": True}, "device, then cloud if uncertain"),
        ("balanced", "personal", {"temperature_c": 95.0}, "cloud"),
        ("balanced", "personal", {"cpu_load": 0.99}, "cloud"),
        ("private", "personal", {"cpu_load": 0.99}, "device"),
        ("private", "internal", {}, "device"),
        ("accurate", "personal", {"rtt_ms": 20.0}, "cloud"),
        ("accurate", "secret", {"rtt_ms": 20.0}, "device"),
    ],
)
def test_a_policy_to_start_from_chooses_as_its_comments_say(
    policy: str, label: str, readings: dict[str, Value], choice: str
) -> None:
    assert _choice(policy, label, readings) == choice


def test_the_accurate_policy_does_not_wait_for_a_slow_network() -> None:
    assert _choice("accurate", "personal", {"rtt_ms": 400.0}, remote_s=0.4, left_s=0.3) == "device"


def test_the_accurate_policy_does_not_bet_a_short_deadline_on_an_unknown_network() -> None:
    assert _choice("accurate", "personal", {}, left_s=0.025) == "device"
