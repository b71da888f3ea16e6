"""A request's calls over the network: which are under way, what is learnt of each, and what each sent and received.

Every call that was admitted is given back exactly once: a target whose breaker waits for a probe would otherwise stay
closed for ever."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_agent.call.setting import Setting
from edge_agent.experience import Admission
from edge_agent.result import Sent
from nearfar_wire.errors import WireError
from nearfar_wire.status import CODES, Code
from router.running.advice import NOT_AGAIN_S, NOTHING_TOLD, Told
from router.running.attempt import Failed, Failure, Run
from router.types import Kind, Situation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress.remote import InFlight, Remote

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype
    Answer = tuple[Arrays, str | None]

__all__ = ["RemoteCalls"]


@dataclass(slots=True)
class _Flight:
    """A remote call that runs: since when, and by when it should have answered, which is before the device is started
    beside it."""

    call: InFlight
    admission: Admission
    started: float
    due: float
    endpoint: str
    kind: Kind
    idle_s: float
    """For how long the radio had not been used."""


class RemoteCalls:
    """See the module. One request's; used by one driver at a time."""

    __slots__ = (
        "_arrived", "_clock", "_experience", "_flights", "_ledger", "_metrics", "_release", "_sent", "_situation",
        "joules",
    )  # fmt: skip

    def __init__(self, setting: Setting, situation: Situation, sent: list[Sent]) -> None:
        """What each call sent is appended to `sent` once it has ended; what it cost is charged to the ledger."""
        self.joules = 0.0
        """What the calls that ended took of the battery."""
        self._release = setting.release
        self._experience = setting.experience
        self._clock = setting.clock
        self._metrics = setting.metrics
        self._ledger = setting.ledger
        self._situation = situation
        self._sent = sent
        self._flights: dict[str, _Flight] = {}
        self._arrived: dict[str, float] = {}

    def start(
        self,
        run: Run,
        due: float,
        remote: Remote,
        inputs: Callable[[], Arrays],
        traceparent: str | None,
        on_done: Callable[[], None],
    ) -> Failed | None:
        """Ask `remote`, which is to blame if it has not answered by `due`; `on_done` is called from another thread when
        its answer can be collected.

        Returns the failure where there is nothing to wait for."""
        from edge_agent.egress.failure import RemoteFailure  # grpc loads with the first request that needs it

        target, situation, now = run.target, self._situation, self._clock()
        if self._experience.keeps_back(target, now):
            self._metrics.throttled(target)
            return Failed(Failure(target, Code.UNAVAILABLE.value, "kept back: it failed too many calls lately"))
        view = next(view for view in situation.targets if view.name == target)
        radio = self._experience.radio(situation.readings, now)
        admission = self._experience.admit(
            target, remote.kind, self._release.name, view.upload_bytes, situation.readings, now, role=run.role
        )
        if admission is None:
            return Failed(Failure(target, Code.UNAVAILABLE.value, "it was closed meanwhile, by itself or its breaker"))
        if self._ledger is not None and not self._ledger.begin(target, remote.kind, radio.kind, view.upload_bytes):
            self._experience.remote_abandoned(admission)
            return Failed(Failure(target, Code.UNAVAILABLE.value, "the budget for it was used up meanwhile"))
        side = self._release.manifest.remote
        assert side is not None

        def arrived() -> None:
            # What the driver does meanwhile, such as a run on the device, is not the target's time.
            self._arrived[target] = self._clock()
            on_done()

        try:
            call = remote.call(
                side.model,
                side.version,
                situation.request.id,
                inputs(),
                timeout_s=max(0.001, run.until - now),
                on_done=arrived,
                traceparent=traceparent,
            )
        except WireError as error:
            self._call_off(remote, admission, view.upload_bytes)
            return Failed(Failure(target, Code.INVALID_INPUT.value, str(error)))
        except RemoteFailure as failure:
            self._call_off(remote, admission, view.upload_bytes)
            return Failed(failure.of(target))
        except BaseException:
            # A key pressed, no memory left: the admission goes back all the same.
            self._call_off(remote, admission, view.upload_bytes)
            raise
        if self._ledger is not None:
            self._ledger.corrected(target, remote.kind, call.sent_bytes - view.upload_bytes)
        # Another call under way keeps the radio awake, and pays for that.
        idle_s = 0.0 if self._flights else math.inf if radio.used_at is None else max(0.0, now - radio.used_at)
        self._flights[target] = _Flight(call, admission, now, due, remote.endpoint, remote.kind, idle_s)
        return None

    def _call_off(self, remote: Remote, admission: Admission, upload_bytes: int) -> None:
        """Give back the admission and the charge of a call that was never begun."""
        self._experience.remote_abandoned(admission)
        if self._ledger is not None:
            self._ledger.corrected(remote.name, remote.kind, -upload_bytes, sent=False)

    def collect(self, target: str) -> Answer | Failed | None:
        """Take what came of a call that is done: the outputs and the digest of the model that made them, or a failure;
        None where it was cancelled before."""
        from edge_agent.egress.answer import read_answer
        from edge_agent.egress.failure import RemoteFailure

        # Stays among the flights until its outcome is known: what is raised here by surprise leaves it to abandon().
        flight = self._flights.get(target)
        if flight is None:
            return None
        call, now = flight.call, self._arrived.get(target, self._clock())
        received_bytes = 0
        release = self._release
        try:
            response, told = call.result(), call.told()
            received_bytes = response.ByteSize()
            answer = read_answer(response, self._situation.request.id, release.manifest, release.outputs)
        except RemoteFailure as failure:
            self._account(target, received_bytes)
            self._learn_failure(flight, failure.code, now, failure.told)
            again_s = self._again_s(target, failure.code, failure.told)
            return Failed(failure.of(target), again_s, 0.0 if again_s is None else self._experience.draw())
        self._account(target, received_bytes)
        taken_s = now - flight.started
        self._experience.remote_succeeded(
            flight.admission, release.name, call.sent_bytes, taken_s, now, told=told, received_bytes=received_bytes
        )
        return answer

    def _again_s(self, target: str, code: Code, told: Told) -> float | None:
        """Return how soon a target may be asked again that failed so; None: not for this request."""
        if code is not Code.UNAVAILABLE or told.pushback_s == NOT_AGAIN_S:
            return None
        return self._experience.peace_s(target, self._release.name, self._clock())

    def cancel(self, target: str) -> None:
        """Stop a call, and account for it; harmless when there is none."""
        flight = self._flights.get(target)
        if flight is None:
            return
        flight.call.cancel()
        self._account(target, 0)
        now = self._clock()
        self._learn_failure(flight, Code.DEADLINE_EXCEEDED if now >= flight.due else Code.CANCELLED, now)

    def abandon(self) -> None:
        """Stop every call."""
        for target in list(self._flights):
            self.cancel(target)

    def _account(self, target: str, received_bytes: int) -> None:
        flight = self._flights.pop(target)
        sent_bytes = 0 if flight.call.unsent else flight.call.sent_bytes
        if sent_bytes:
            self._sent.append(Sent(target, flight.endpoint, sent_bytes, received_bytes))
        if self._ledger is not None:
            if not sent_bytes:
                self._ledger.corrected(target, flight.kind, -flight.call.sent_bytes, sent=False)
            radio = self._situation.radio
            link, taken_s = None if radio is None else radio.kind, self._clock() - flight.started
            self.joules += self._ledger.call_ended(link, taken_s, sent_bytes, received_bytes, flight.idle_s)

    def _learn_failure(self, flight: _Flight, code: Code, now: float, told: Told = NOTHING_TOLD) -> None:
        self._experience.remote_ended(
            flight.admission,
            self._release.name,
            code.value,
            blames_endpoint=CODES[code].blames_endpoint,
            had_s=flight.due - flight.started,
            taken_s=now - flight.started,
            now=now,
            told=told,
        )
