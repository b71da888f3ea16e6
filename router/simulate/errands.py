"""Calls of a simulated agent that no request waits for: audits, and wakes of the radio for the requests to come."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from router.choosing.options import WAKE_BYTES
from router.experience import Experience
from router.rules.policy import Policy
from router.simulate.agenda import Agenda
from router.simulate.job import Job
from router.simulate.meter import Meter
from router.simulate.tally import Tally
from router.simulate.workload import Arrival
from router.simulate.world import World
from router.spending.purse import Purse
from router.spending.radio import WakeLog
from router.types import Radio, Reading

__all__ = ["AUDITS", "AUDIT_S", "WAKE_S", "Errands"]

AUDITS: Final = 1 << 10
"""A request's call for an audit has chance of its own, behind any that it may have made for itself."""
AUDIT_S: Final = 10.0
"""How long an audit is waited for, as edge_agent/call/audit.py has it."""
WAKE_S: Final = 1.0
"""How long a wake is: `probe_timeout_s` of edge_agent/config.py, where nobody sets it."""

Ended = Callable[[Job, float], None]


class _Errand:
    """One of them, under way: given up at `until`. `ended` is told of its end, however that came."""

    __slots__ = ("_agenda", "_ended", "_job", "_until")

    def __init__(self, job: Job, agenda: Agenda, until: float, ended: Ended) -> None:
        self._job = job
        self._agenda = agenda
        self._until = until
        self._ended = ended
        job.tag = self
        agenda.put_job(job)
        agenda.put(until, self)

    def due(self, now: float) -> None:
        """See agenda.Due."""
        job = self._job
        if job.done or now < min(job.next_at, self._until):
            return
        other = job.cancel(now) if now >= self._until else job.proceed(now)
        if other is not None:
            self._agenda.put_job(other)
        if job.done:
            job.tag = None
            self._ended(job, now)
        else:
            self._agenda.put_job(job)


class Errands:
    """One agent's."""

    def __init__(
        self, world: World, experience: Experience, purse: Purse, *, agenda: Agenda, tally: Tally, meter: Meter
    ) -> None:
        self._world = world
        self._experience = experience
        self._purse = purse
        self._agenda = agenda
        self._tally = tally
        self._meter = meter
        self._log = WakeLog()
        self._waking = False

    def called(self) -> None:
        """A call goes out: the radio is of use."""
        self._log = self._log.called()

    def silent_wakes(self, policy: Policy, radio: Radio | None, now: float) -> int:
        """Return how many wakes in a row no call followed."""
        if radio is None or self._log.pending_at is None:
            return 0
        return self._log.silent_at(now, policy.energy.power_of(radio.kind).tail_s)

    def audit(
        self, arrival: Arrival, number: int, target: str, radio: Radio, readings: Mapping[str, Reading], now: float
    ) -> None:
        """Ask as well, and wait for nothing: what an audit tells is the journal's, what it costs is the device's."""
        server, purse = self._world.servers[target].model, self._purse
        if not purse.admits(target, server.kind, radio.kind):
            return
        self.called()
        purse.call_began(target, server.kind, arrival.upload_bytes)
        self._experience.radio_used(readings, now)
        # As the agent charges it, which does not wait: what it takes to send, and the radio's tail.
        idle_s = math.inf if radio.used_at is None else max(0.0, now - radio.used_at)
        purse.call_ended(radio.kind, 0.0, arrival.upload_bytes, 0, idle_s)
        until = now + AUDIT_S
        call = self._world.call(
            target, arrival.model, now, number, AUDITS, upload_bytes=arrival.upload_bytes, until=until
        )

        def audited(job: Job, now: float) -> None:
            usd = server.usd_per_request if call.reached else 0.0
            if call.unsent:
                purse.call_corrected(target, server.kind, -arrival.upload_bytes, sent=False)
            self._tally.spend(job.energy_j, call.sent_bytes, usd)
            self._meter.add(now, job.energy_j, usd, call.sent_bytes)

        _Errand(call, self._agenda, until, audited)

    def wake(self, target: str, radio: Radio | None, readings: Mapping[str, Reading], now: float) -> None:
        """Wake the radio, unless that is under way already."""
        if self._waking:
            return
        job = self._world.probe(target, now)
        self._waking = True
        link = None if radio is None else radio.kind
        idle_s = math.inf if radio is None or radio.used_at is None else max(0.0, now - radio.used_at)

        def woken(job: Job, now: float) -> None:
            self._waking = False
            self._experience.radio_used(readings, now)
            self._log = self._log.woke(now)
            self._purse.call_ended(link, now - job.started_at, WAKE_BYTES, WAKE_BYTES, idle_s)
            self._tally.woke(job.energy_j, 2 * WAKE_BYTES)
            self._meter.add(now, job.energy_j, 0.0, 2 * WAKE_BYTES)

        _Errand(job, self._agenda, now + WAKE_S, woken)
