"""The same policy with estimates that nobody could improve on: what it has yet to learn, apart from what no policy can
know. Pure.

It decides with the engine, by the policy's own worth, rules and labels; only what is believed of the targets is
replaced by what the world would do, were they asked now. It knows either

    the law    pace, round trip, load, faults, heat and radio as they are at this moment, and how they scatter: what a
               policy could have learnt at the very best;
    the draws  what becomes of this request, to the last byte of its transfer, and how probably each target is right on
               its very input, before anything has run. Of the requests to come it knows no more than a policy does.

What lies between a policy and the law could be learnt, at most. From there to the draws it is the request's own luck
and input; from there to the bound what is to come, and what the bound leaves aside: no policy can know either."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Literal

from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.simulate.capacity import Capacity
from router.simulate.chance import Keyed
from router.simulate.server import behind_others_s
from router.simulate.workload import Arrival
from router.simulate.world import Setting, World
from router.types import DEVICE, QUANTILES, Situation, TargetView, TimeAfter, TimeEstimate

__all__ = ["Knowing", "Knows"]

Knows = Literal["law", "draws"]

_DRAWS: Final = 20
"""How often chance is asked for the law of a time: each of five quantiles then stands between two of the draws."""
# Far from any key of a request: what is drawn there befalls nobody.
_ELSEWHERE: Final = 1 << 44
_SILENCES_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 9.0, 10.0, 10.5, 11.0, 12.0, 15.0, 20.0, 30.0, 60.0)
_NEVER_S: Final = 3600.0


class Knowing:
    """A chooser that knows."""

    def __init__(self, setting: Setting, world: World, seed: int, knows: Knows) -> None:
        self._setting = setting
        self._world = world
        self._foresees = knows == "draws"
        self._arrivals: Iterator[Arrival] = World(setting, seed).arrivals()
        self._number = 0
        self._services = {server.name: Keyed(seed, f"service/{server.name}") for server in setting.servers}
        links = {link.name for _, link in setting.connections if link is not None}
        self._wakes = {name: Keyed(seed, f"radio/{name}") for name in links}

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        """See agent.Chooser."""
        arrival = next(self._arrivals)
        self._number += 1
        now = situation.now
        views = tuple(self._known(view, arrival, now) for view in situation.targets)
        known = replace(situation, targets=views)
        if self._foresees:
            # Who is right is known without asking the device first: there is no doubt to resolve.
            known = replace(known, request=replace(known.request, can_score=False))
        return decide(policy, known)

    def _known(self, view: TargetView, arrival: Arrival, now: float) -> TargetView:
        if not view.serves:
            return view
        p_wrong = 1 - arrival.truth.p_right[view.name] if self._foresees else view.p_wrong
        if view.name == DEVICE:
            return replace(view, time=self._law(lambda key: self._run_s(arrival, now, key)), p_wrong=p_wrong)
        p_fail = self._p_fail(view.name, now)
        awake = self._law(lambda key: self._call_s(view.name, arrival, now, key, 0.0))
        time = self._law(lambda key: self._call_s(view.name, arrival, now, key, None))
        after = tuple(TimeAfter(idle_s, _later(awake, self._wakes_s(now, idle_s))) for idle_s in _SILENCES_S)
        return replace(view, time=time, p_fail=p_fail, p_wrong=p_wrong, times_after=after)

    def _law(self, seconds: Callable[[int], float]) -> TimeEstimate:
        key = self._world.salt + self._number
        if self._foresees:
            exact = min(_NEVER_S, seconds(key))
            return TimeEstimate((exact, exact, exact, exact, exact), _DRAWS)
        drawn = sorted(min(_NEVER_S, seconds(key + (1 + draw) * _ELSEWHERE)) for draw in range(_DRAWS))
        quantiles = [drawn[min(_DRAWS - 1, int(share * _DRAWS))] for share in QUANTILES]
        return TimeEstimate((quantiles[0], quantiles[1], quantiles[2], quantiles[3], quantiles[4]), _DRAWS)

    # -- what the world would do -------------------------------------------------------------------------------------

    def _run_s(self, arrival: Arrival, now: float, key: int) -> float:
        device, run_s = self._world.device, self._setting.models[arrival.model].device_s
        assert run_s is not None
        return device.takes_s(run_s, key, now) * (1 + device.waiting())

    def _p_fail(self, target: str, now: float) -> float:
        if self._world.link(now) is None:
            return 1.0
        trouble = self._world.servers[target].faults.at(now)
        if trouble.black_hole:
            return 0.0  # it takes for ever, and does not fail
        if self._foresees:
            return float(
                self._world.servers[target].faults.strikes(trouble, self._world.salt + self._number) is not None
            )
        return 1 - math.prod(1 - fault.error_share for fault in trouble.failing)

    def _wakes_s(self, now: float, idle_s: float) -> float:
        link = self._world.link(now)
        return 0.0 if link is None else link.model.radio.wake_s.at(idle_s)

    def _call_s(self, target: str, arrival: Arrival, now: float, key: int, idle_s: float | None) -> float:
        """Return what a call takes that begins now: with the radio as it is, or as it is after so long a silence."""
        link, server = self._world.link(now), self._world.servers[target]
        if link is None:
            return 0.001
        trouble = server.faults.at(now)
        if trouble.black_hole:
            return _NEVER_S
        wake_s = self._wakes_s(now, link.radio.idle_s(now) if idle_s is None else idle_s)
        if wake_s and link.model.radio.wake_spread:
            wake_s *= math.exp(link.model.radio.wake_spread * self._wakes[link.model.name].normal(key))
        round_trip_s = link.round_trip_s(now, key) + server.model.rtt_s + trouble.delay_s
        if trouble.down:
            return wake_s + round_trip_s
        sent_at = self._carried(link.model.up, now + wake_s, arrival.upload_bytes, now)
        if sent_at == math.inf:
            return _NEVER_S
        chance, model = self._services[target], server.model
        service_s = self._setting.models[arrival.model].service_s[target] / model.speed * trouble.slow
        if model.spread:
            service_s *= math.exp(model.spread * chance.normal(key))
        busy = model.busy.at(now)
        behind_s = behind_others_s(model.workers, busy, service_s, chance, key) if busy > 0 else 0.0
        back_at = sent_at + round_trip_s + server.wait_s() + behind_s + service_s
        return self._carried(link.model.down, back_at, arrival.download_bytes, now) - now

    def _carried(self, way: Capacity, start: float, size_bytes: int, now: float) -> float:
        """Return when a transfer is through: at the pace that the link has now, or as it will really be."""
        if self._foresees:
            return way.carry(start, size_bytes, 0.0)[0]
        pace = way.mbps(now) * 125_000
        return start + size_bytes / pace if pace > 0 else math.inf


def _later(time: TimeEstimate, by_s: float) -> TimeEstimate:
    a, b, c, d, e = (quantile + by_s for quantile in time.quantiles_s)
    return TimeEstimate((a, b, c, d, e), time.samples)
