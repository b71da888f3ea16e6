"""Small simulated worlds for hypothesis, in which much goes wrong."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import strategies as st

from router.simulate.arriving import Recorded
from router.simulate.curve import Curve, Steps
from router.simulate.device import Outside
from router.simulate.faults import Fault
from router.simulate.workload import Stream
from router.simulate.world import Setting
from router.types import Kind
from tests.router.simulate import worlds

__all__ = ["BODIES", "HEAD", "KINDS", "settings"]

KINDS = {"device": Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD}
HEAD = """
schema = 1
name = "drawn"
version = 1
targets = { fog = {}, cloud = {} }
breaker = { consecutive = 3, min_calls = 6, open_s = 5, max_open_s = 20 }
labels.public = ["device", "fog", "cloud"]
labels.near = ["device", "fog"]
labels.secret = ["device"]
"""
BODIES = [
    "",
    "[escalation]\nbelow = 0.7\n",
    'mode = "prefer_in_cloud"\n',
    'mode = "only_in_cloud"\n[retry]\nattempts = 4\n',
    'mode = "prefer_in_cloud"\n[hedge]\nshare = 0.05\n[backup]\nuncertified = "hold"\n',
    'mode = "only_in_cloud"\n',
    "[worth]\nsecond = 5.0\nwrong_answer = 3.0\n",
    "[radio]\nwake = true\n[exploration]\nshare = 0.3\n[hysteresis]\nmargin = 0.05\ndwell_s = 3\n",
    '[budgets]\nenergy = { amount_j = 30, per = "hour" }\nbytes = { amount_mb = 0.1, per = "day" }\n',
]

instants = st.floats(0, 30)
faults = st.lists(
    st.builds(
        lambda start, length, kind: Fault(start, start + length, **kind),
        instants,
        st.floats(0.1, 20),
        st.sampled_from(
            [
                {"black_hole": True},
                {"error_share": 0.7},
                {"error_share": 1.0},
                {"error_share": 1.0, "code": "OVERLOADED", "pushback_s": 2.0},
                {"error_share": 1.0, "code": "SECURITY_ERROR"},
                {"slow": 20.0},
                {"delay_s": 0.5},
            ]
        ),
    ),
    max_size=3,
).map(tuple)


loads = st.sampled_from([worlds.LEVEL, Steps([(0.0, 0.9), (4.0, 0.0), (9.0, 0.5)])])
round_trips = st.sampled_from([Steps([(0.0, 0.06)]), Steps([(0.0, 0.3), (1.0, 0.02)], period_s=2.5)])
radios = st.builds(
    lambda wake_s, spread: worlds.radio(wake_s=wake_s, wake_spread=spread),
    st.sampled_from(
        [Curve([(0.0, 0.0)]), Curve([(10.0, 0.0), (12.0, 0.8)]), Curve([(0.2, 0.0), (1.0, 0.2), (9.0, 0.1)])]
    ),
    st.sampled_from([0.0, 0.3]),
)


@st.composite
def settings(draw: st.DrawFn) -> Setting:
    servers = (
        worlds.server("fog", kind=Kind.FOG, rtt_s=0.005, spread=0.3, queue_limit=draw(st.integers(0, 3))),
        worlds.server("cloud", rtt_s=0.03, spread=0.3, workers=draw(st.integers(1, 2))),
    )
    model = worlds.model(["fog", "cloud"], device_s=draw(st.sampled_from([0.002, 0.02, 0.2, None])))
    gaps = draw(st.lists(st.sampled_from([0.0, 0.001, 0.03, 0.5, 6.0, 15.0]), min_size=1, max_size=40))
    labels = ((0.5, "public"), (0.7, "near"), (0.9, "secret"), (1.0, None))
    stream = Stream(
        "app", model, draw(st.sampled_from([0.005, 0.05, 0.3, 2.0])), labels, Recorded(list(accumulate(gaps)))
    )
    link = worlds.link(jitter=0.2, rtt_s=draw(round_trips), radio=draw(radios))
    out = draw(st.sampled_from([(), ((5.0, None),), ((5.0, None), (15.0, link))]))
    return worlds.setting(
        *servers,
        duration_s=1e9,
        device=worlds.device(spread=0.3, runs_at_once=draw(st.integers(1, 2))),
        outside=Outside(draw(loads), worlds.LEVEL, worlds.LEVEL, Steps([(0.0, 22.0)])),
        connections=((0.0, link), *out),
        models={"m": model},
        streams=(stream,),
        faults={"fog": draw(faults), "cloud": draw(faults)},
    )
