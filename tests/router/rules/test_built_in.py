"""What holds where an app gives no policy: the device first, and the cloud in doubt."""

from __future__ import annotations

import pytest

from router.choosing.engine import decide
from router.estimates import prior_quantiles
from router.rules.compile import built_in_policy
from router.types import BreakerPhase, Kind, Request, Situation, TargetView, TimeEstimate


def _choice(*, can_score: bool = True, device_wrong: float | None = None, cloud_name: str = "cloud") -> str:
    near, far = TimeEstimate(prior_quantiles(0.001, 0.002), 9), TimeEstimate(prior_quantiles(0.002, 0.004), 9)
    views = (
        TargetView("device", Kind.DEVICE, True, "", 0, 0, near, 0.0, device_wrong, BreakerPhase.CLOSED, True),
        TargetView(cloud_name, Kind.CLOUD, True, "", 99, 1 << 20, far, 0.0, None, BreakerPhase.CLOSED, True),
    )
    request = Request("r", "m", "personal", 11.0, can_score)
    return decide(built_in_policy(), Situation(request, {}, views, None, 10.0)).choice


@pytest.mark.parametrize("name", ["cloud", "far-away"])
def test_even_a_cloud_that_answers_at_once_is_asked_in_doubt_only(name: str) -> None:
    assert _choice(cloud_name=name) == f"device, then {name} if uncertain"


def test_a_device_model_that_is_as_good_as_the_cloud_s_is_never_doubted() -> None:
    assert _choice(device_wrong=0.05) == "device"


def test_a_device_model_that_cannot_say_how_sure_it_is_leaves_the_choice_to_the_evaluation() -> None:
    assert _choice(can_score=False, device_wrong=0.06) == "device"
    assert _choice(can_score=False, device_wrong=0.30) == "cloud"
