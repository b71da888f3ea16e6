"""What this agent has learnt from its own calls: the router's Experience, for many threads.

Keeps writers apart with one lock, and draws chance; what is learnt from what is decided in router/experience. Reading
the views of a decision takes the lock for a few microseconds, and none where they are those of the last."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from threading import Lock

from router import experience
from router.choosing.closed import Closed
from router.experience import Admission, ModelFacts, TargetFacts
from router.experience.saved import restore, save
from router.rules.policy import Policy
from router.running.advice import NOTHING_TOLD, Told
from router.running.breaker import BreakerState
from router.running.events import Role
from router.types import BreakerPhase, Kind, Reading, TargetView

__all__ = ["Admission", "Experience", "ModelFacts", "TargetFacts"]


class _Learning:
    """A lock for those who learn: whoever held it leaves another `version`, as what was seen may look otherwise."""

    __slots__ = ("_lock", "version")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.version = 0

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        # Once it is learnt, and not before: who finds the old version then knows what is new, if anything.
        self.version += 1
        self._lock.release()


class Experience:
    """See router.experience.Experience, whose methods these are."""

    def __init__(self, policy: Policy, *, chance: random.Random) -> None:
        self._lock = Lock()
        self.learning = _Learning(self._lock)
        """Its version rises with whatever may change what a decision sees, but for time and what is read."""
        self._learnt = learnt = experience.Experience(policy, chance=chance.random)
        self._seen = learnt.seen
        self.draw = chance.random
        self.note_run = learnt.note_run
        self._note_given_up = learnt.note_given_up
        self.note_arrival = learnt.note_arrival
        self.escalation_share = learnt.escalation_share
        self.radio = learnt.radio
        self.hold_until = learnt.hold_until
        self.could_hedge = learnt.could_hedge

    def saved(self, targets: Mapping[str, Kind], now: float, now_utc: float) -> str:
        """Return what was learnt as a document: see router/experience/saved.py."""
        with self.learning:
            self._learnt.learn_runs()
            self._learnt.learn_arrivals()
            return save(self._learnt.known, targets, now, now_utc)

    def restore(
        self, text: bytes, targets: Mapping[str, Kind], models: Collection[str], now: float, now_utc: float
    ) -> int:
        """Add what a document tells to what was learnt. Raises SavedError."""
        with self.learning:
            return restore(self._learnt.known, text, targets, models, now, now_utc)

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        with self.learning:
            self._learnt.adopt(policy)

    def views(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return every target as it looks to a request for the model: the same tuple until something has changed."""
        seen = self._seen(facts, upload_bytes, readings, now)
        if seen is not None:
            return seen
        with self.learning:
            return self._learnt.views(facts, upload_bytes, readings, now)

    def traffic(self, targets: Iterable[str], now: float) -> dict[str, float | None]:
        """Return what the calls tell that a rule may speak of."""
        with self._lock:
            return self._learnt.traffic(targets, now)

    def imagine(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return every target as it would look with such readings; nothing is learnt by it."""
        with self.learning:
            return self._learnt.imagine(facts, upload_bytes, readings, now)

    @property
    def device_w(self) -> float | None:
        """What runs on the device were seen to draw, in watts."""
        return self._learnt.device_w

    def arrived(self, now: float) -> None:
        """A request arrived."""
        if self.note_arrival(now):
            self.learn_arrivals()

    def learn_arrivals(self) -> None:
        """Learn from the requests that were noted."""
        with self.learning:
            self._learnt.learn_arrivals()

    def radio_used(self, readings: Mapping[str, Reading], now: float) -> None:
        """Something other than an admitted call went over the network."""
        with self.learning:
            self._learnt.radio_used(readings, now)

    def phase(self, target: str, now: float) -> BreakerPhase:
        """Return the phase of a target's breaker."""
        with self._lock:
            return self._learnt.phase(target, now)

    def again_s(self, closed: Closed, model: str, now: float) -> float | None:
        """Return in how many seconds a closed target is asked again, where that is known."""
        with self._lock:
            return self._learnt.again_s(closed, model, now)

    def covers(self, role: Role, target: str, model: str, now: float) -> bool:
        """Tell whether one more hedge, or retry, is covered; a hedge that is takes its token."""
        with self._lock:
            return self._learnt.covers(role, target, model, now)

    def keeps_back(self, target: str, now: float) -> bool:
        """Tell whether a remote call is kept back from a target that fails many."""
        with self._lock:
            return self._learnt.keeps_back(target, now)

    def peace_s(self, target: str, model: str, now: float) -> float:
        """Return for how much longer a target asked not to be called."""
        with self._lock:
            return self._learnt.peace_s(target, model, now)

    def admit(
        self,
        target: str,
        kind: Kind,
        model: str,
        upload_bytes: int,
        readings: Mapping[str, Reading],
        now: float,
        *,
        role: Role = Role.LEG,
    ) -> Admission | None:
        """Announce a remote call; None where it may not start."""
        with self.learning:
            return self._learnt.admit(target, kind, model, upload_bytes, readings, now, role=role)

    def remote_succeeded(
        self,
        call: Admission,
        model: str,
        sent_bytes: int,
        taken_s: float,
        now: float,
        *,
        told: Told = NOTHING_TOLD,
        received_bytes: int = 0,
    ) -> None:
        """A remote call answered well."""
        with self.learning:
            self._learnt.remote_succeeded(
                call, model, sent_bytes, taken_s, now, told=told, received_bytes=received_bytes
            )

    def remote_failed(
        self,
        call: Admission,
        model: str,
        *,
        blamed: bool,
        now: float,
        gave_up_s: float | None = None,
        absent: bool = False,
        refused: bool = False,
        told: Told = NOTHING_TOLD,
    ) -> None:
        """A remote call failed."""
        with self.learning:
            self._learnt.remote_failed(
                call, model, blamed=blamed, now=now, gave_up_s=gave_up_s, absent=absent, refused=refused, told=told
            )

    def remote_ended(
        self,
        call: Admission,
        model: str,
        code: str,
        *,
        blames_endpoint: bool,
        had_s: float,
        taken_s: float,
        now: float,
        told: Told = NOTHING_TOLD,
    ) -> None:
        """A remote call brought no answer, but `code`."""
        with self.learning:
            self._learnt.remote_ended(
                call, model, code, blames_endpoint=blames_endpoint, had_s=had_s, taken_s=taken_s, now=now, told=told
            )

    def remote_abandoned(self, call: Admission) -> None:
        """A remote call ended without telling anything about its target."""
        with self.learning:
            self._learnt.remote_abandoned(call)

    def device_rests(self, model: str, state: BreakerState, why: str) -> None:
        """The device's model went out of use, or came back: see keeper.py, which admits its runs."""
        with self.learning:
            self._learnt.device_rests(model, state, why)

    def device_ran(self, model: str, taken_s: float, now: float, *, failed: bool = False) -> None:
        """A run on the device ended after `taken_s`."""
        if self.note_run(model, taken_s, now, failed):
            self.learn_runs()

    def learn_runs(self) -> None:
        """Learn from the runs that were noted."""
        with self.learning:
            self._learnt.learn_runs()

    def device_given_up(self, model: str, least_s: float, now: float) -> None:
        """A run on the device was stopped after `least_s`, or never begun."""
        if self._note_given_up(model, least_s, now):
            self.learn_runs()

    def judged(self, model: str, uncertain: bool, now: float) -> None:
        """A device answer was, or was not, certain enough."""
        with self._lock:
            if self._learnt.judged(model, uncertain, now):
                self.learning.version += 1
