"""Settings and policies for tests that run whole scenarios: a device, a fog and a cloud, and one model."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.answers import AnswerModel
from router.simulate.arriving import Recorded
from router.simulate.chance import Chance
from router.simulate.workload import Stream
from router.simulate.world import Setting
from router.types import Kind
from tests.router.simulate import worlds

__all__ = ["KINDS", "a_policy", "a_setting"]

KINDS = {"device": Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD}


def _times(requests: int, mean_gap_s: float) -> Recorded:
    chance = Chance(7, "gaps")
    return Recorded(list(accumulate(chance.exponential() * mean_gap_s for _ in range(requests))))


def a_setting(
    requests: int = 300,
    gap_s: float = 0.2,
    label: str = "public",
    deadline_s: float = 1.0,
    answers: AnswerModel | None = None,
    **more: Any,
) -> Setting:
    servers = (
        worlds.server("fog", kind=Kind.FOG, rtt_s=0.005, spread=0.2),
        worlds.server("cloud", rtt_s=0.03, spread=0.2, usd_per_request=0.001),
    )
    model = worlds.model(["fog", "cloud"], **({} if answers is None else {"answers": answers}))
    stream = Stream("app", model, deadline_s, ((1.0, label),), _times(requests, gap_s))
    return worlds.setting(*servers, duration_s=1e9, streams=(stream,), models={"m": model}, **more)


def a_policy(body: str = "") -> Policy:
    text = f'schema = 1\nname = "tried"\nversion = 1\ntargets = {{ fog = {{}}, cloud = {{}} }}\n{body}'
    return compile_policy(text.encode(), targets=KINDS)
