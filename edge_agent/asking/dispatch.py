"""From what an app asks to a decided call, at the desk of its model and label; and what is accounted for in the end.

Refuses with one typed error before anything runs. The fast part of every request: no IO, no lock beyond the estimates',
no import."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from edge_agent.asking.asked import arrays_of, check_label, seconds
from edge_agent.asking.desk import Desk, Surroundings
from edge_agent.asking.request_ids import RequestIds
from edge_agent.call import Call
from edge_agent.call.device import Device
from edge_agent.call.setting import Setting
from edge_agent.device.blank import blank_inputs
from edge_agent.device.keeper import Keeper
from edge_agent.device.watchdog import Watchdog
from edge_agent.errors import AgentError, NoFeasibleTarget, UnknownModel
from edge_agent.experience import Experience, ModelFacts, TargetFacts
from edge_agent.policies import PolicyFile
from edge_agent.quality import Quality
from edge_agent.releases import Release
from edge_agent.result import Result
from edge_agent.signals import Demand, Sampler
from edge_agent.spending import Ledger, Waker
from edge_agent.telemetry.journal import Journal
from edge_agent.telemetry.metrics import Metrics
from nearfar_wire.errors import kind_of, quoted
from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.naming import did_you_mean
from router.running.attempt import Ending, Outcome
from router.types import DEVICE, EvaluatedThreshold, Kind

if TYPE_CHECKING:
    from edge_agent.egress import Door

__all__ = ["Dispatcher"]

_MAX_DESKS: Final = 1024
_TICKS: Final = float(1 << 20)
"""A second's, of some microsecond each: a power of two, so that instants of a hundred years are exact."""


class Dispatcher:
    """What every request of an agent goes through, whichever front it came by."""

    def __init__(
        self,
        *,
        releases: Mapping[str, Release],
        policies: PolicyFile,
        experience: Experience,
        sampler: Sampler,
        door: Door | None,
        demands: Mapping[str, Demand],
        journal: Journal,
        metrics: Metrics,
        clock: Callable[[], float],
        default_deadline_s: float,
        max_deadline_s: float,
        qualities: Mapping[str, Quality],
        keepers: Mapping[str, Keeper],
        watchdog: Watchdog,
        ledger: Ledger,
        waker: Waker,
        chance: random.Random,
    ) -> None:
        self._waker = waker
        self._devices = {
            name: Device(release, experience, clock, keeper=keepers.get(name), watchdog=watchdog, ledger=ledger)
            for name, release in releases.items()
        }
        self._qualities = qualities
        self._releases = releases
        self._facts = {name: _facts(release, door) for name, release in releases.items()}
        self._around = Surroundings(sampler, ledger, Memo(), RequestIds(), door, demands, chance.random)
        self._desks: dict[tuple[str, str | None], Desk] = {}
        self._policies = policies
        self._experience = experience
        self._note_arrival = experience.note_arrival
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._default_left_s = _in_ticks(default_deadline_s)
        self._max_deadline_s = max_deadline_s

    def open(
        self, model: str, inputs: Mapping[str, Any], deadline_ms: float | None, label: str | None
    ) -> Call:  # Any: arrays, or what numpy makes arrays of
        """Return the decided call for a request.

        Raises RequestError, DeadlineExceeded, NoFeasibleTarget: refused, and nothing ran or left."""
        # To the microsecond, both of them: their sum is exact then, and requests that are given the same time have the
        # very same left, by which one decision can do for all of them.
        now = int(self._clock() * _TICKS) / _TICKS
        try:
            desk = self._desk(model, label)
            left_s = self._default_left_s
            if deadline_ms is not None:
                left_s = _in_ticks(seconds(model, deadline_ms, self._max_deadline_s))
            arrays = arrays_of(desk.release, inputs)
            if self._around.door is not None and self._note_arrival(now):
                self._experience.learn_arrivals()
            decision = desk.decide(arrays, now + left_s, now)
        except AgentError:
            known = isinstance(model, str) and model in self._releases
            self._metrics.refused(model if known else "unknown")
            raise
        desk.note(decision)
        plan = decision.plan
        if plan is None:
            self._journal.add(decision, None)
            self._metrics.ended(decision, desk.policy.rule_names, None, 0.0)
            raise NoFeasibleTarget(model, decision.closed, desk.again_s(decision))
        return desk.call(arrays, decision, plan)

    def _desk(self, model: str, label: str | None) -> Desk:
        """Return the desk of a model and a label under the policy in force. Raises UnknownModel, UnknownLabel."""
        policy = self._policies.current
        try:
            desk = self._desks.get((model, label))
        except TypeError:  # what cannot be a key names neither a model nor a label
            desk = None
        if desk is not None and desk.policy is policy:
            return desk
        release = self._release(model)
        if label is not None:
            check_label(policy, label)
        setting = Setting(
            release,
            policy,
            self._devices[model],
            self._experience,
            self._clock,
            self._metrics,
            None if policy.promise is None else self._qualities[model],
            self._around.ledger,
        )
        # Models and labels are the configuration's and the policy's; over many policies there are more of them.
        if len(self._desks) >= _MAX_DESKS:
            self._desks.clear()
        previous = None if desk is None else desk.previous
        made = self._desks[model, label] = Desk(setting, label, self._facts[model], self._around, previous)
        return made

    def close(self, call: Call, outcome: Outcome) -> Result:
        """Account for a call that ended. Raises the error that the app gets instead of an answer."""
        now = self._clock()
        concluded = call.conclude(outcome, now)
        self._account(call, outcome, now)
        if isinstance(concluded, AgentError):
            raise concluded
        if call.plan.wake is not None and not call.sent_bytes:
            self._wake(call, call.plan.wake)
        return concluded

    def _wake(self, call: Call, target: str) -> None:
        """Wake the radio for the requests to come: the policy lets this one go to the target, and it did not."""
        remote = call.permitted(target)
        situation = call.decision.situation
        if remote is not None:
            self._waker.wake(remote, situation.radio, situation.readings)

    def abandon(self, call: Call) -> None:
        """Account for a call whose driver was interrupted: a cancelled task, a closed agent, a key pressed."""
        self._account(call, Outcome(Ending.CANCELLED, None, ()), self._clock())

    def _account(self, call: Call, outcome: Outcome, now: float) -> None:
        decision, journal = call.decision, self._journal
        taken_s = now - decision.situation.now
        # Added up only where somebody asked for records.
        expense = call.expense() if journal.keeps_records else None
        journal.add(decision, outcome, taken_s, expense)
        self._metrics.ended(decision, call.setting.policy.rule_names, outcome, taken_s, call.sent_bytes)

    def look(self, model: str, label: str | None, overrides: Mapping[str, Any]) -> Decision:  # Any: Reading values
        """Decide for an imaginary request of one row, with some readings replaced. Runs and sends nothing.

        Raises UnknownModel, UnknownLabel."""
        now = self._clock()
        desk = self._desk(model, label)
        return desk.imagine(blank_inputs(desk.release.inputs), now + self._default_left_s, now, overrides)

    def _release(self, model: str) -> Release:
        release = self._releases.get(model) if isinstance(model, str) else None
        if release is None:
            named = quoted(model) if isinstance(model, str) else f"named by {kind_of(model)}"
            raise UnknownModel(f"no model {named} is configured{did_you_mean(str(model), self._releases)}")
        return release


def _in_ticks(seconds: float) -> float:
    return max(1, round(seconds * _TICKS)) / _TICKS


def _facts(release: Release, door: Door | None) -> ModelFacts:
    """Return what never changes about a release's targets."""
    evaluation, remote_side = release.manifest.evaluation, release.manifest.remote
    device_wrong = None if evaluation is None else evaluation.device_wrong
    remote_wrong = None if evaluation is None else evaluation.remote_wrong
    runs = release.runtime is not None
    targets = [TargetFacts(DEVICE, Kind.DEVICE, runs, release.why_no_runtime, 0, device_wrong)]
    served = remote_side is not None
    why_not = "" if served else "its release names no model there"
    for name, remote in door.remotes.items() if door is not None else ():
        targets.append(TargetFacts(name, remote.kind, served, why_not, remote.max_message_bytes, remote_wrong))
    evaluated = () if evaluation is None else evaluation.thresholds
    thresholds = tuple(EvaluatedThreshold(found.below, found.share, found.gain) for found in evaluated)
    return ModelFacts(release.name, tuple(targets), thresholds)
