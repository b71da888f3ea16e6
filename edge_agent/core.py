"""The composition root: builds an agent's parts from its configuration, starts them, and stops them.

Both fronts, `Agent` and `AsyncAgent`, are thin over one Core. Nothing is global: two agents in one process share
nothing but the libraries."""

from __future__ import annotations

import atexit
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from edge_agent.asking.asked import check_passed_along
from edge_agent.asking.dispatch import Dispatcher
from edge_agent.assembly import (
    close_runtimes,
    load_releases,
    look_on,
    open_books,
    open_door,
    refuse_places,
    sensors,
    warn_of_labels,
)
from edge_agent.call import Call
from edge_agent.call.executor import drive, drive_async
from edge_agent.cancellation import Cancellation
from edge_agent.clock import machine_clock
from edge_agent.config import AgentConfig, checked
from edge_agent.device.keeper import Keeper
from edge_agent.device.pool import DevicePool
from edge_agent.device.warmup import warm_up
from edge_agent.device.watchdog import Watchdog
from edge_agent.errors import AgentClosed, AllTargetsFailed, ConfigError, RequestError, SignalError, UnknownModel
from edge_agent.experience import Experience
from edge_agent.feedback import true_answer
from edge_agent.left_open import weakly, write_down
from edge_agent.policies import PolicyFile, PolicyStatus, Watcher
from edge_agent.policy_guard import Guard
from edge_agent.releases import Release
from edge_agent.remembered import FILE_NAME, Remembered
from edge_agent.result import Result
from edge_agent.signals import Demand, Sampler, SignalStatus, Source
from edge_agent.signals.app import Reported, SignalSource, checked_claims
from edge_agent.signals.queue import DeviceQueue
from edge_agent.signals.traffic import Traffic
from edge_agent.spending import Ledger, Waker
from edge_agent.telemetry.counts import Gauges
from edge_agent.telemetry.journal import Entry, Journal
from edge_agent.telemetry.loop_watch import LoopWatch
from edge_agent.telemetry.metrics import Metrics
from edge_agent.telemetry.record_log import RecordLog
from nearfar_wire.errors import kind_of, quoted
from router.choosing.engine import Decision
from router.naming import did_you_mean
from router.rules.policy import Policy
from router.running.attempt import Outcome
from router.types import BreakerPhase, BudgetView, Promise, Reading, Value

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from edge_agent.shadow import Shadow, ShadowSummary


__all__ = ["Core"]

Clock = Callable[[], float]


class Core:
    """See the module."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        registry: CollectorRegistry | None = None,
        sources: Sequence[Source] | None = None,
        releases: Mapping[str, Release] | None = None,
        signal_sources: Sequence[SignalSource] = (),
        clock: Clock | None = None,
        utc: Clock = time.time,
        chance: random.Random | None = None,
    ) -> None:
        """`sources` replace the machine's own sensors, `releases` what `config.models` would have loaded. Of the
        `signal_sources`, which are the app's, counts what nothing has measured. `clock` None: this machine's.

        Raises ConfigError, ReleaseError."""
        config = checked(config)
        refuse_places(config)
        clock = clock or machine_clock()
        self.config = config
        metrics = self.metrics = Metrics()
        self._clock = clock
        self._pid = os.getpid()
        self._closed = False
        self._isolate = config.device.isolate
        self._close_lock = threading.Lock()
        self._pool: DevicePool | None = None
        self._unregister: Callable[[], None] | None = None
        self._experience: Experience | None = None
        self._remembered: Remembered | None = None
        self._ledger: Ledger | None = None
        self.policies = PolicyFile(
            config.policy,
            config.kinds,
            on_change=weakly(self._adopt, None),
            on_outcome=metrics.policy_reload,
            guard=Guard(lambda: metrics.tally(config.targets), clock),
        )
        self.shadow: Shadow | None = None
        """The policy that only looks on; None where none is configured."""
        self._watchdog = Watchdog(clock)
        self._loop_watch = LoopWatch()
        self._keepers: dict[str, Keeper] = {}
        self._records: RecordLog | None = None
        self.releases = dict(releases) if releases is not None else load_releases(config)
        try:
            self._start(config, registry, sources, signal_sources, clock, utc, chance)
        except BaseException:
            self._watchdog.stop()
            close_runtimes(self.releases)
            if self._records is not None:
                self._records.close()
            raise

    def _start(
        self,
        config: AgentConfig,
        registry: CollectorRegistry | None,
        sources: Sequence[Source] | None,
        signal_sources: Sequence[SignalSource],
        clock: Clock,
        utc: Clock,
        chance: random.Random | None,
    ) -> None:
        if config.records is not None:
            self._records = RecordLog(
                config.records,
                config.records_max_mb << 20,
                self.metrics.records,
                labels=config.records_labels,
                utc=utc,
            )
        warn_of_labels(config, self.policies.current)
        self.shadow = look_on(config, self.policies, self.metrics, self._records, utc)
        # What a shadow has looked at goes on from there into the file of records.
        first = self.shadow or self._records
        hand_on = None if first is None else first.add
        self.journal = Journal(config.journal_size, hand_on, keeps_records=self._records is not None)
        # Jitter, and which requests are audited: nothing here is a secret.
        chance = chance or random.Random()  # noqa: S311
        self._experience = Experience(self.policies.current, chance=chance)
        if config.state is not None:
            self._remembered = Remembered(
                config.state / FILE_NAME, self._experience, config.kinds, config.models, clock=clock, utc=utc
            )
            self._remembered.load()
        self._ledger = Ledger(self.policies.current, clock=clock, utc=utc, folder=config.state)
        self._qualities = open_books(config, self.releases, chance)
        for release in self.releases.values():
            if release.fell_back:
                self.metrics.ep_fallback(release.name)
            self._keep(release, self._experience, clock, chance)
        self._demands = {name: Demand() for name in config.targets}
        self.door, round_trips = open_door(
            config, self._demands, weakly(self._may_measure, False), weakly(self._measured, None)
        )
        self._round_trips = round_trips
        self._reported = Reported(config.targets, clock)
        policies = self.policies
        self.sampler = Sampler(
            [*round_trips, *(sources or ())],
            together=[*self._traffic(clock), *(sensors(config.signals) if sources is None else ())],
            claims=checked_claims(signal_sources, config.targets),
            pushed=[self._reported],
            clock=clock,
            stale_after_s=lambda name: policies.current.stale_after(name),
        )
        self.dispatcher = Dispatcher(
            releases=self.releases,
            policies=self.policies,
            experience=self._experience,
            sampler=self.sampler,
            door=self.door,
            demands=self._demands,
            journal=self.journal,
            metrics=self.metrics,
            clock=clock,
            default_deadline_s=config.default_deadline_ms / 1000,
            max_deadline_s=config.max_deadline_ms / 1000,
            qualities=self._qualities,
            keepers=self._keepers,
            watchdog=self._watchdog,
            ledger=self._ledger,
            waker=Waker(experience=self._experience, ledger=self._ledger, metrics=self.metrics, clock=clock),
            chance=chance,
        )
        self._bind_metrics(registry)
        watched = config.policy is not None or self.shadow is not None
        self._watcher = Watcher(weakly(self._refresh_policies, None), config.policy_check_s) if watched else None
        self.sampler.start()
        if self._watcher is not None:
            self._watcher.start()
        if self._remembered is not None:
            self._remembered.start()
        self._ledger.start()
        if self.shadow is not None:
            self.shadow.start()
        # Not the core: a program may drop an agent that it did not close, and what that held is not held until it ends.
        self._written_down = partial(write_down, self._pid, self._remembered, self._ledger, self.shadow, self._records)
        atexit.register(self._written_down)

    def _refresh_policies(self) -> None:
        self.policies.refresh()
        if self.shadow is not None:
            self.shadow.file.refresh()

    def _keep(self, release: Release, experience: Experience, clock: Clock, chance: random.Random) -> None:
        """Have the device's model looked after, and run it a few times."""
        if release.runtime is None:
            return
        keeper = self._keepers[release.name] = Keeper(
            release.name,
            release.runtime,
            clock=clock,
            chance=chance,
            metrics=self.metrics,
            on_rest=experience.device_rests,
        )
        keeper.watch()
        for taken_s in warm_up(release, clock, keeper, self._watchdog):
            experience.device_ran(release.name, taken_s, clock())

    def _traffic(self, clock: Clock) -> list[Source]:
        experience, targets = self._experience, list(self.config.targets)
        if experience is None or not targets:
            return []
        # With nowhere to go there is nothing that a rule could do about the queue here.
        return [Traffic(targets, lambda: experience.traffic(targets, clock())), DeviceQueue(weakly(self._waiting, 0))]

    def _waiting(self) -> int:
        return 0 if self._pool is None else self._pool.waiting

    def _may_measure(self) -> bool:
        """Tell whether the round trip may be measured for itself. Over a link that sleeps or costs it is known from
        calls alone: measuring would keep the radio awake, and somebody pays for it."""
        readings, policy, now = self.sampler.snapshot(), self.policies.current, self._clock()
        for name, keeps_off in (("link", "cellular"), ("metered", True)):
            reading = readings.get(name)
            if reading is not None and reading.value == keeps_off and now - reading.at <= policy.stale_after(name):
                return False
        return True

    def _measured(self) -> None:
        assert self._experience is not None
        self._experience.radio_used(self.sampler.snapshot(), self._clock())

    def promise(self, model: str) -> Promise | None:
        """Return what the policy's promise is worth for a model now; None where it asks for none."""
        terms = self.policies.current.promise
        return None if terms is None else self._qualities[model].promise(terms)

    def _promise_states(self) -> dict[str, str]:
        terms = self.policies.current.promise
        return {} if terms is None else {name: quality.state(terms) for name, quality in self._qualities.items()}

    def _bind_metrics(self, registry: CollectorRegistry | None) -> None:
        if registry is None:
            return
        gauges = Gauges(
            breakers=lambda: {name: self.phase(name) for name in self.config.targets},
            policy=lambda: (self.policies.status.name, self.policies.status.version, self.policies.status.digest),
            signals=lambda: {status.name: status.fresh for status in self.signal_statuses()},
            ages_s=lambda: {row.name: row.age_s for row in self.signal_statuses() if row.age_s is not None},
            refusals=self.sampler.troubles,
            out_of_use=lambda: {name: keeper.out_s() > 0 for name, keeper in self._keepers.items()},
            promises=self._promise_states,
            budgets=self.budgets,
            shadow=self._shadow_info,
        )
        from edge_agent.telemetry.exposition import register  # prometheus_client loads only for apps that scrape

        try:
            self._unregister = register(registry, self.metrics.counts, gauges)
        except ValueError as error:
            problem = "it shows another agent already; give each agent a CollectorRegistry of its own"
            raise ConfigError("registry", problem) from error

    def _shadow_info(self) -> tuple[str, int, str] | None:
        status = None if self.shadow is None else self.shadow.file.status
        return None if status is None else (status.name, status.version, status.digest)

    def _adopt(self, policy: Policy) -> None:
        if self._experience is not None:
            self._experience.adopt(policy)
        if self._ledger is not None:
            self._ledger.adopt(policy)

    # -- one request --------------------------------------------------------------------------------------------------

    def answer(
        self,
        model: str,
        inputs: Mapping[str, Any],
        deadline_ms: float | None,
        label: str | None,
        cancellation: Cancellation | None,
        traceparent: str | None,
    ) -> Result:  # Any: arrays, or what numpy makes arrays of
        """Answer in the caller's thread. See Agent.infer."""
        if self._closed or os.getpid() != self._pid:
            self.check_open()
        pool = self.pool if self._isolate else None
        if cancellation is not None or traceparent is not None:
            check_passed_along(cancellation, traceparent)
        call = self.dispatcher.open(model, inputs, deadline_ms, label)
        call.traceparent = traceparent
        try:
            outcome = drive(call, clock=self._clock, pool=pool, cancellation=cancellation)
        except BaseException:
            self.dispatcher.abandon(call)
            raise
        return self._concluded(call, outcome)

    async def answer_async(
        self,
        model: str,
        inputs: Mapping[str, Any],
        deadline_ms: float | None,
        label: str | None,
        traceparent: str | None,
    ) -> Result:  # Any: as above
        """Answer on the running event loop. See AsyncAgent.infer."""
        self.check_open()
        pool = self.pool
        if traceparent is not None:
            check_passed_along(None, traceparent)
        call = self.dispatcher.open(model, inputs, deadline_ms, label)
        call.traceparent = traceparent
        try:
            outcome = await drive_async(call, clock=self._clock, pool=pool, watch=self._loop_watch)
        except BaseException:
            self.dispatcher.abandon(call)
            raise
        return self._concluded(call, outcome)

    def _concluded(self, call: Call, outcome: Outcome) -> Result:
        try:
            return self.dispatcher.close(call, outcome)
        except AllTargetsFailed:
            self.check_open()  # closed under the request: that is why
            raise

    # -- its life -----------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """Monotonic seconds."""
        return self._clock

    @property
    def pool(self) -> DevicePool:
        """Worker threads for device runs, made when first needed. Raises AgentClosed."""
        pool = self._pool
        if pool is None:
            with self._close_lock:
                self.check_open()
                if self._pool is None:
                    self._pool = DevicePool(self.config.device.workers, self._clock)
                pool = self._pool
        return pool

    @property
    def is_open(self) -> bool:
        """Whether it runs in this process, and nobody has closed it."""
        return not self._closed and os.getpid() == self._pid

    def check_open(self) -> None:
        """Raises AgentClosed: the agent was closed, or this is a fork of the process that made it."""
        if self._closed:
            raise AgentClosed("the agent is closed; make a new one")
        if os.getpid() != self._pid:
            raise AgentClosed("the process forked after the agent was made; make a new agent in the child")

    def close(self) -> None:
        """Stop threads and channels; safe twice and from any thread, bounded in time."""
        if os.getpid() != self._pid:
            # A fork has none of our threads, and locks, gRPC's and our own, in the state they happened to be in.
            self._closed = True
            return
        with self._close_lock:
            if self._closed:
                return
            self._closed = True
            pool = self._pool
        atexit.unregister(self._written_down)
        if self._watcher is not None:
            self._watcher.stop()
        if self.door is not None:
            self.door.close()
        self.sampler.stop()
        if pool is not None:
            pool.shutdown()
        self._watchdog.stop()
        for keeper in self._keepers.values():
            keeper.close()
        self._written_down()
        if self._unregister is not None:
            self._unregister()

    # -- what it can say about itself ---------------------------------------------------------------------------------

    def policy_status(self) -> PolicyStatus:
        """Return which policy is in force, and what is wrong with its file, if anything."""
        return self.policies.status

    def signal_statuses(self) -> list[SignalStatus]:
        """Return every signal with value, source, age and cost."""
        return self.sampler.statuses()

    def budgets(self) -> tuple[BudgetView, ...]:
        """Return how the policy's budgets stand: what is left, and at which price."""
        assert self._ledger is not None
        return self._ledger.exact_views(self.sampler.snapshot(), self._clock())

    @property
    def budgets_problem(self) -> str:
        """What was wrong with what was written down of budgets when the agent started; empty where nothing was."""
        return "" if self._ledger is None else self._ledger.problem

    def phase(self, target: str) -> BreakerPhase:
        """Return the phase of a remote target's breaker."""
        assert self._experience is not None
        return self._experience.phase(target, self._clock())

    def out_of_use(self, model: str) -> tuple[float, str] | None:
        """Return for how many seconds a model is out of use on the device, and why; None where it is not."""
        keeper = self._keepers.get(model)
        left_s = 0.0 if keeper is None else keeper.out_s()
        return None if keeper is None or not left_s else (left_s, keeper.why)

    def report(self, values: Mapping[str, object], more: Mapping[str, object], holds_s: float | None) -> None:
        """Take what the app says of some signals, for the next request already. See Agent.report."""
        self.check_open()
        if not isinstance(values, Mapping):
            problem = f"a mapping of signals to what is known of them is wanted, not {kind_of(values)}"
            raise SignalError("values", problem)
        self._reported.say({**values, **more}, holds_s)
        self.sampler.sample_now(self._reported)

    def refresh(self) -> None:
        """Read every signal and the policy file now, round trips included; for tests, demonstrations and `doctor`."""
        self._refresh_policies()
        self.sampler.sample_now()
        if self._round_trips:
            self.sampler.sample_now(*self._round_trips)

    def explain(self, request_id: str) -> str:
        """Return a recent request's story in words. Raises KeyError: it is no longer in the journal."""
        from router.telling.explain import in_words

        entry = self.journal.find(request_id)
        if entry is None:
            raise KeyError(f"no request {request_id!r} among the last {len(self.journal)}")
        return in_words(entry.decision, entry.outcome, self._shadowed(entry).shadow)

    def last(self, count: int = 10) -> list[Entry]:
        """Return the newest decision records."""
        return [self._shadowed(entry) for entry in self.journal.last(count)]

    def _shadowed(self, entry: Entry) -> Entry:
        if self.shadow is None:
            return entry
        return replace(entry, shadow=self.shadow.choice_of(entry.decision.situation.request.id))

    def shadow_summary(self) -> ShadowSummary | None:
        """Return what the policy that looks on would have done otherwise; None where none is configured."""
        return None if self.shadow is None else self.shadow.summary()

    def feedback(self, result: Result, label: object) -> bool:
        """Note what was right for a request. See Agent.feedback."""
        self.check_open()
        if not isinstance(result, Result):
            raise RequestError(f"what an answer is told of is the Result that had it, not {kind_of(result)}")
        request = result.decision.situation.request
        release = self.release(request.model)
        quality = self._qualities[request.model]
        right = true_answer(release, quality.answer, result, label)
        return quality.feedback(request.id, right)

    def look(self, model: str, label: str | None, values: Mapping[str, Value | None]) -> Decision:
        """Decide for an imaginary request with some signals set by hand. Runs and sends nothing.

        Raises UnknownModel, UnknownLabel."""
        now = self._clock()
        readings: dict[str, Any] = {name: Reading(name, value, "injected", now) for name, value in values.items()}
        return self.dispatcher.look(model, label, readings)

    def release(self, model: str) -> Release:
        """Return a release in use. Raises UnknownModel."""
        try:
            return self.releases[model]
        except KeyError:
            raise UnknownModel(f"no model {quoted(model)} is configured{did_you_mean(model, self.releases)}") from None
