"""What a run looked like over time: signals, who answered, what the radio did, which rules held, and some decisions.
Pure, and of bounded memory: a run of any length is seen in so many slices, and so many decisions are kept.

    recorder = Recorder(setting)
    run(setting, policy, seed, recorder=recorder)
    recorder.recording()

A recorder changes nothing of what it watches: it stands around the chooser, the world and the tally, hands on every
call and notes it. A run without one pays nothing for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from router.choosing.engine import Decision
from router.rules.policy import Policy, Worth
from router.simulate.agenda import Agenda
from router.simulate.agent import Chooser
from router.simulate.call import Call
from router.simulate.slices import Range, Slices
from router.simulate.tally import Ended, Tally
from router.simulate.world import Setting, World
from router.types import DEVICE, Kind, Reading, Situation
from router.values import value

__all__ = ["OTHERWISE", "Few", "Group", "Recorder", "Recording"]

SLICES: Final = 1440
"""A minute of a day each, and a tenth of a second of the shortest scenario that makes sense."""
_MOST_GROUPS: Final = 64
"""Kinds of decisions that are told apart: far more than a policy of a device, a fog and a cloud has."""
_MOST_CHOICES: Final = 6
"""Plans whose times are kept apart: more than that nobody can tell apart by colour."""
OTHERWISE: Final = "otherwise"
_FEW: Final = 12
_WATCHED: Final = ("battery_pct", "temperature_c")


class Few:
    """Some of many, evenly spread over all that came: where there are too many, every other one is let go, and from
    then on only every second comes in."""

    __slots__ = ("_every", "_most", "count", "kept")

    def __init__(self, most: int = _FEW) -> None:
        self._most = most
        self._every = 1
        self.count = 0
        """How many came."""
        self.kept: list[Decision] = []

    def take(self, decision: Decision) -> None:
        """One more came."""
        if self.count % self._every == 0:
            if len(self.kept) >= self._most:
                self.kept = self.kept[::2]
                self._every *= 2
            if self.count % self._every == 0:
                self.kept.append(decision)
        self.count += 1


@value
class Group:
    """Decisions alike: the same plan was chosen, with the same targets behind its first, while the same rules held.
    `decisions` are a few of `count`."""

    choice: str
    rules: tuple[str, ...]
    count: int
    decisions: tuple[Decision, ...]


@value
class Recording:
    """Lists have one entry for each slice of `slice_s`; requests count where they came.

    `radio` has the seconds that a radio was waking, in use, or up in its tail. `unknown` says of how many requests a
    signal that rules speak of was not known; `by_rule` has a few decisions while each rule held, and how many there
    were in all; `held` is when that was."""

    policy: str
    slice_s: float
    requests: Sequence[int]
    chosen: Mapping[str, Sequence[int]]
    """By the plan that was chosen; what is beyond the first few is OTHERWISE."""
    answered: Mapping[str, Sequence[int]]
    """By target."""
    late: Sequence[int]
    failed: Sequence[int]
    seconds: Range
    """What answers took; a request without one has no time to it."""
    signals: Mapping[str, Range]
    """battery_pct and temperature_c, as the sensors told them."""
    believed_s: Range
    """The round trip to the first remote target that decisions went by."""
    radio: Mapping[str, Sequence[float]]
    held: Mapping[str, Sequence[int]]
    by_rule: Mapping[str, Few]
    unknown: Mapping[str, int]
    groups: Sequence[Group]
    """The most frequent first. Decisions of no group, where there were too many kinds, are in `requests` alone."""


class Recorder:
    """Watches one run. See the module."""

    def __init__(self, setting: Setting, *, slices: int = SLICES) -> None:
        self._slices = Slices(setting.duration_s, slices)
        self._targets = (DEVICE, *(server.name for server in setting.servers))
        self._policy = ""
        zeros = self._zeros
        self._requests, self._late, self._failed = zeros(), zeros(), zeros()
        self._chosen: dict[str, list[int]] = {}
        self._answered = {target: zeros() for target in self._targets}
        self._seconds, self._believed_s = Range(slices), Range(slices)
        self._signals = {name: Range(slices) for name in _WATCHED}
        self._radio = {state: [0.0] * slices for state in ("waking", "in use", "tail")}
        self._held: dict[str, list[int]] = {}
        self._by_rule: dict[str, Few] = {}
        self._unknown: Counter[str] = Counter()
        self._groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Few] = {}
        self._read: Mapping[str, Reading] | None = None
        self._world: _Watched | None = None

    def _zeros(self) -> list[int]:
        return [0] * self._slices.count

    # -- what the driver puts in place of its own ---------------------------------------------------------------------

    def world(self, setting: Setting, seed: int) -> World:
        """Return the world to run in."""
        self._world = _Watched(setting, seed, self._slices, self._radio)
        return self._world

    def chooser(self, chooser: Chooser) -> Chooser:
        """Return what decides as `chooser` does."""
        return _Deciding(chooser, self)

    def tally(self, worth: Worth, agenda: Agenda) -> Tally:
        """Return what counts the requests that end."""
        return _Counting(worth, agenda, self)

    # -- what they tell -----------------------------------------------------------------------------------------------

    def decided(self, policy: Policy, decision: Decision) -> None:
        """A decision was made."""
        situation = decision.situation
        slice_ = self._slices.of(situation.now)
        self._requests[slice_] += 1
        choice = decision.choice
        chosen = self._chosen.get(choice)
        if chosen is None:
            choice = choice if len(self._chosen) < _MOST_CHOICES else OTHERWISE
            chosen = self._chosen.setdefault(choice, self._zeros())
        chosen[slice_] += 1
        if situation.readings is not self._read:
            self._read = situation.readings
            for name, seen in self._signals.items():
                reading = situation.readings.get(name)
                if reading is not None and isinstance(reading.value, float):
                    seen.see(slice_, reading.value)
        remote = next((view for view in situation.targets if view.kind is not Kind.DEVICE), None)
        if remote is not None and remote.round_trip_s is not None:
            self._believed_s.see(slice_, remote.round_trip_s)
        self._ruled(policy, decision, slice_)
        plan = decision.plan
        key = decision.choice, decision.rules, () if plan is None else tuple(leg.target for leg in plan.legs)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= _MOST_GROUPS:
                return
            group = self._groups[key] = Few()
        group.take(decision)

    def _ruled(self, policy: Policy, decision: Decision, slice_: int) -> None:
        self._policy = policy.name
        for name in decision.rules:
            if name not in self._held:
                self._held[name], self._by_rule[name] = self._zeros(), Few()
            self._held[name][slice_] += 1
            self._by_rule[name].take(decision)
        for used in decision.readings:
            if not used.known:
                self._unknown[used.name] += 1

    def ended(self, ended: Ended, now: float) -> None:
        """A request has ended."""
        slice_ = self._slices.of(now - ended.seconds)
        if ended.target is not None:
            self._answered[ended.target][slice_] += 1
            self._seconds.see(slice_, ended.seconds)
        self._late[slice_] += ended.missed
        self._failed[slice_] += ended.failed

    def recording(self) -> Recording:
        """Return what was seen, once the run is over."""
        if self._world is not None:
            self._world.close()
        groups = [Group(choice, rules, few.count, tuple(few.kept)) for (choice, rules, _), few in self._groups.items()]
        return Recording(
            self._policy,
            self._slices.length_s,
            self._requests,
            self._chosen,
            self._answered,
            self._late,
            self._failed,
            self._seconds,
            self._signals,
            self._believed_s,
            self._radio,
            self._held,
            self._by_rule,
            dict(self._unknown),
            sorted(groups, key=lambda group: -group.count),
        )


class _Deciding:
    """Decides as another does, and tells."""

    def __init__(self, chooser: Chooser, recorder: Recorder) -> None:
        self._chooser = chooser
        self._recorder = recorder

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        """See agent.Chooser."""
        decision = self._chooser.decide(policy, situation)
        self._recorder.decided(policy, decision)
        return decision


class _Counting(Tally):
    """Counts, and tells."""

    def __init__(self, worth: Worth, agenda: Agenda, recorder: Recorder) -> None:
        super().__init__(worth)
        self._agenda = agenda
        self._recorder = recorder

    def add(self, ended: Ended) -> float:
        """See Tally."""
        self._recorder.ended(ended, self._agenda.now)
        return super().add(ended)


class _Watched(World):
    """Follows the radios by the calls that begin: what one finds tells until when those before it lasted."""

    def __init__(self, setting: Setting, seed: int, slices: Slices, radio: Mapping[str, list[float]]) -> None:
        self._slices = slices
        self._radio = radio
        self._used_from: dict[str, float] = {}
        super().__init__(setting, seed)

    def call(
        self,
        target: str,
        model: str,
        now: float,
        number: int = 0,
        again: int = 0,
        *,
        upload_bytes: int | None = None,
        until: float = math.inf,
    ) -> Call:
        """See World."""
        return self._followed(
            super().call(target, model, now, number, again, upload_bytes=upload_bytes, until=until), now
        )

    def probe(self, target: str, now: float) -> Call:
        """See World."""
        return self._followed(super().probe(target, now), now)

    def close(self) -> None:
        """The run is over: the radios that were used sleep in the end."""
        for name, link in self._links.items():
            later = 2 * self.setting.duration_s + 1e6
            self._rested(name, later, link.radio.idle_s(later))

    def _followed(self, call: Call, now: float) -> Call:
        link = self.link(now)
        if link is None:
            return call
        name = link.model.name
        if call.idle_s > 0:
            self._rested(name, now, call.idle_s)
            self._used_from[name] = now + call.wake_s
            self._slices.spread(self._radio["waking"], now, now + call.wake_s)
        return call

    def _rested(self, name: str, now: float, idle_s: float) -> None:
        """The radio has not been used for so long."""
        used_from = self._used_from.pop(name, None)
        if used_from is None or idle_s == math.inf:
            return
        ended = now - idle_s
        tail_s = self._links[name].model.radio.tail_s
        self._slices.spread(self._radio["in use"], used_from, ended)
        self._slices.spread(self._radio["tail"], max(used_from, ended), ended + min(idle_s, tail_s))
