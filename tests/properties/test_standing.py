"""What a desk decided a moment ago is taken again only where deciding anew would say the same, whatever happened."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.everything import FEATURES
from edge_agent.asking.desk import Desk, Surroundings
from edge_agent.asking.request_ids import RequestIds
from edge_agent.call.device import Device
from edge_agent.call.setting import Setting
from edge_agent.egress import Door
from edge_agent.experience import Experience, ModelFacts, TargetFacts
from edge_agent.quality import Quality
from edge_agent.signals import Demand, Sampler
from edge_agent.spending import Ledger
from edge_agent.telemetry.metrics import Metrics
from edge_agent.testing import FakeClock, FakeRuntime
from edge_agent.testing.releases import fake_release
from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.running.advice import Told
from router.running.breaker import CLOSED, BreakerState
from router.types import EvaluatedThreshold, Kind, Reading, Situation
from tests.builders.certificates_of_loss import REMOTE, certificate
from tests.properties.effort import tries
from tests.router.situations import policy_of

_HEAD: Final = """\
[labels]
open = ["device", "fog", "cloud"]
[worth]
joule = 0.001
dollar = 100.0
[targets.device]
p_wrong = 0.05
[targets.cloud]
usd_per_request = 0.0002
[targets.cabin]
kind = "fog"
usd_per_request = 0.0001
"""
_OWN: Final = {
    "a rule about time": '[[rules]]\nname = "r"\nwhen = { time_left_ms = { less_than = 500 } }\nforbid = ["cloud"]\n',
    "little to spend": "[budgets]\nenergy = { amount_j = 500, charging_w = 5.0 }\nmoney = { amount_usd = 0.001 }\n",
}
_KINDS: Final = {"cloud": Kind.CLOUD, "cabin": Kind.FOG}
_FACTS: Final = ModelFacts(
    "tiny",
    (
        TargetFacts("device", Kind.DEVICE, True, "", 0, 0.1),
        TargetFacts("cloud", Kind.CLOUD, True, "", 1 << 20, 0.05),
        TargetFacts("cabin", Kind.FOG, True, "", 1 << 20, 0.07),
    ),
    (EvaluatedThreshold(0.5, 0.2, 0.03), EvaluatedThreshold(0.8, 0.4, 0.04)),
)


_ALONE: Final = replace(_FACTS, targets=_FACTS.targets[:1])


class _Ids:
    """Requests that all have one name: two of them may be the same."""

    def take(self) -> str:
        return "r"


class _Snapshots:
    """Stands in for a sampler."""

    def __init__(self) -> None:
        self.latest: Mapping[str, Reading] = {}

    def snapshot(self) -> Mapping[str, Reading]:
        return self.latest


class _Never(random.Random):
    """Draws no audit and no exploration, and little jitter."""

    def random(self) -> float:
        return 0.5


class _Counted(Memo):
    """A memo that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        self.asked += 1
        return super().decide(policy, situation)


class _Life:
    """A desk, and what happens around it."""

    def __init__(self, policy: Policy, chance: random.Random, *, alone: bool = False) -> None:
        """`alone`: there is nowhere to go."""
        self._alone = alone
        self._chance = chance
        self._clock = clock = FakeClock()
        self._never = _Never()
        release = fake_release(runtime=FakeRuntime({}))
        self._experience = Experience(policy, chance=self._never)
        self._ledger = Ledger(policy, clock=clock, utc=lambda: 1_800_000_000.0 + clock())
        self._quality = Quality(release.manifest, certificate(), "", chance=self._never)
        self._snapshots = _Snapshots()
        self._setting = Setting(
            release,
            policy,
            Device(release, self._experience, clock),
            self._experience,
            clock,
            Metrics(),
            quality=None if policy.promise is None else self._quality,
            ledger=self._ledger,
        )
        self.memo = _Counted()
        self.stood = 0
        self._desk = self._at(self.memo)

    def _at(self, memo: Memo) -> Desk:
        sampler, ids = cast("Sampler", self._snapshots), cast("RequestIds", _Ids())
        door = None if self._alone else cast("Door", object())
        demands = {name: Demand() for name in _KINDS}
        around = Surroundings(sampler, self._ledger, memo, ids, door, demands, self._never.random)
        return Desk(self._setting, "open", _ALONE if self._alone else _FACTS, around)

    def decide(self) -> None:
        """Have the desk decide. Where it looks nothing up, one that has never decided before has to say the same: where
        it does, who looks a moment later may find that what was passed over is forgotten by that."""
        now, chance, desk, afresh = self._clock(), self._chance, self._desk, self._at(Memo())
        arrays = {"x": np.zeros((1 if chance.random() < 0.9 else 3, 4), np.float32)}
        left_s = 10.0 if chance.random() < 0.8 else chance.choice((20.0, 1.0, 0.25, 0.01))
        if not self._alone:
            self._experience.arrived(now)
        asked, afresh.previous = self.memo.asked, desk.previous
        decision = desk.decide(arrays, now + left_s, now)
        if self.memo.asked == asked:
            self.stood += 1
            assert decision == afresh.decide(arrays, now + left_s, now)
        desk.note(decision)

    # -- what happens in between --------------------------------------------------------------------------------------

    def nothing(self) -> None:
        self._clock.advance(0.001)

    def wait(self) -> None:
        self._clock.advance(self._chance.choice((1e-6, 0.01, 0.3, 1.0, 1.2, 3.0, 12.0, 70.0, 400.0)))

    def read(self) -> None:
        chance, at = self._chance, self._clock()
        values: dict[str, float | bool | str] = {
            "battery_pct": chance.choice((5.0, 50.0)),
            "charging": chance.random() < 0.5,
            "link": chance.choice(("cellular", "wifi", "ethernet")),
            "rtt_ms.cloud": chance.choice((10.0, 90.0)),
            "discharge_w": chance.choice((1.0, 3.0)),
        }
        told = chance.sample(sorted(values), chance.randint(0, len(values)))
        self._snapshots.latest = {name: Reading(name, values[name], "test", at) for name in told}

    def run(self) -> None:
        taken_s = self._chance.choice((0.005, 0.005, 0.2))
        self._experience.device_ran("tiny", taken_s, self._clock(), failed=self._chance.random() < 0.1)
        self._ledger.device_ran(self._chance.choice((taken_s, 100.0)), None)

    def spend(self) -> None:
        if self._chance.random() < 0.5:
            self._ledger.device_ran(100.0, None)
        else:
            self._ledger.corrected("cloud", Kind.CLOUD, 1000)

    def judge(self) -> None:
        for _ in range(self._chance.choice((1, 10))):
            self._experience.judged("tiny", self._chance.random() < 0.5, self._clock())

    def rest(self) -> None:
        state = self._chance.choice((CLOSED, BreakerState(open_until=self._clock() + 3.0, epoch=1)))
        self._experience.device_rests("tiny", state, "out of use")

    def call(self) -> None:
        chance, experience, readings = self._chance, self._experience, self._snapshots.latest
        target, now = chance.choice(sorted(_KINDS)), self._clock()
        admission = experience.admit(target, _KINDS[target], "tiny", 100, readings, now)
        if admission is None or not self._ledger.begin(target, _KINDS[target], "cellular", 100):
            return
        taken_s = chance.choice((0.02, 0.5))
        self._clock.advance(taken_s)
        now = self._clock()
        if chance.random() < 0.3:
            experience.remote_failed(admission, "tiny", blamed=True, now=now, absent=chance.random() < 0.3)
        else:
            told = Told(chance.choice((None, 0.5)), chance.choice((0.0, 2.0)))
            experience.remote_succeeded(admission, "tiny", 100, taken_s, now, told=told, received_bytes=50)
        self._ledger.call_ended("cellular", taken_s, 100, 50, 60.0)

    def wake(self) -> None:
        if self._chance.random() < 0.5:
            self._experience.radio_used(self._snapshots.latest, self._clock())
        self._ledger.woke("cellular", 0.5, 400, 60.0)

    def strange(self) -> None:
        self._quality.covers("cloud", self._chance.choice((REMOTE, None)))

    def drift(self) -> None:
        unsure = {"probabilities": np.full((1, 3), 1 / 3, np.float32)}
        for _ in range(32):
            self._quality.score(unsure)


_HAPPENS: Final[tuple[Callable[[_Life], None], ...]] = (
    *(
        _Life.nothing,
        _Life.nothing,
        _Life.nothing,
        _Life.wait,
        _Life.read,
        _Life.run,
        _Life.spend,
        _Life.judge,
        _Life.rest,
    ),
    *(_Life.call, _Life.wake, _Life.strange, _Life.drift),
)


def _policy(features: Sequence[str]) -> Policy:
    parts = {**FEATURES, **_OWN}
    if "little to spend" in features:
        parts["three budgets"] = ""
    return policy_of(_HEAD + "".join(parts[name] for name in features), targets=_KINDS)


@pytest.mark.wide
@tries(150)
@given(
    st.sets(st.sampled_from([*FEATURES, *_OWN])).map(lambda names: [n for n in (*FEATURES, *_OWN) if n in names]),
    st.lists(st.sampled_from(_HAPPENS), min_size=5, max_size=60),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_what_stands_is_never_another_than_what_is_decided_anew(
    features: list[str], happens: list[Callable[[_Life], None]], seed: int, alone: bool
) -> None:
    life = _Life(_policy(features), random.Random(seed), alone=alone)
    life.decide()
    for happen in happens:
        happen(life)
        life.decide()
        life.decide()


def test_while_nothing_happens_nothing_is_looked_up_again() -> None:
    life = _Life(_policy([*FEATURES]), random.Random(1))
    life.read()
    for _ in range(30):
        life.decide()
    assert life.stood > 10
