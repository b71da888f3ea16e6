"""One request on its way: its decision, its permit, and what each target did with it.

A Call knows how to ask a target and how to account for what came of it; it does not know how anybody waits, which is
executor.py's. Everything it tells the attempt machine it tells as events."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from edge_agent.call.audit import Audit
from edge_agent.call.remote import RemoteCalls
from edge_agent.errors import AgentError, AllTargetsFailed, DeadlineExceeded, RequestCancelled
from edge_agent.expense import expense_of
from edge_agent.experience import Experience
from edge_agent.keeper import Keeper
from edge_agent.metrics import Metrics
from edge_agent.quality import Quality
from edge_agent.releases import Release
from edge_agent.result import Result, Sent
from edge_agent.runtimes import Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.standing import Trouble
from edge_agent.score import score_of
from edge_agent.spending import Ledger
from edge_agent.watchdog import OVERRUN_S, Watchdog
from nearfar_wire.errors import TensorError, WireError
from nearfar_wire.prepare import restore
from nearfar_wire.status import Code
from router.attempt import Command, Ending, Event, Failed, Failure, Outcome, Run, Succeeded, begin, step
from router.engine import Decision
from router.expense import Expense
from router.plan import Plan
from router.policy import Policy
from router.predict import MEDIAN
from router.types import DEVICE
from router.wording import in_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress import Permit
    from edge_agent.egress.remote import Remote

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Call"]

_NOTHING_SENT: Final[Mapping[str, int]] = MappingProxyType({})


class Call:
    """See the module. Used by one driver at a time."""

    __slots__ = (
        "_answers",
        "_audit",
        "_clock",
        "_experience",
        "_inputs",
        "_joules",
        "_keeper",
        "_ledger",
        "_metrics",
        "_permit",
        "_policy",
        "_release",
        "_remote_calls",
        "_sent",
        "_started",
        "_state",
        "_watchdog",
        "decision",
        "plan",
        "traceparent",
    )  # fmt: skip

    def __init__(
        self,
        release: Release,
        inputs: Arrays,
        decision: Decision,
        plan: Plan,
        policy: Policy,
        permit: Permit | None,
        experience: Experience,
        clock: Callable[[], float],
        metrics: Metrics,
        quality: Quality | None = None,
        *,
        keeper: Keeper | None = None,
        watchdog: Watchdog | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """`quality` is wanted where the policy asks for a promise. `keeper` hears what goes wrong on the device,
        `watchdog` stops what runs in the caller's thread for too long, `ledger` is charged."""
        self._ledger = ledger
        self._joules = 0.0
        self._keeper = keeper
        self._watchdog = watchdog
        self._audit: Audit | None = None
        if quality is not None and policy.promise is not None:
            self._audit = Audit(quality, metrics, release, policy.promise, decision.situation.request.id)
        self._release = release
        self._inputs = inputs
        self._policy = policy
        self._permit = permit
        self._experience = experience
        self._clock = clock
        self._metrics = metrics
        self._started = decision.situation.now
        self._answers: dict[str, tuple[Arrays, str | None]] = {}
        self._remote_calls: RemoteCalls | None = None
        self._sent: list[Sent] = []
        self.decision = decision
        self.plan = plan
        # The trace that the app says it is part of; it goes where the request goes.
        self.traceparent: str | None = None

    # -- the attempt machine ------------------------------------------------------------------------------------------

    def begin(self) -> tuple[Command, ...]:
        """Start the plan."""
        if self.plan.hedge is not None:
            self._experience.could_hedge()
        # The instant of the decision: what has passed since are microseconds.
        self._state, commands = begin(self.plan, self.decision.situation.request.deadline, self._started)
        return commands

    def step(self, event: Event) -> tuple[Command, ...]:
        """Take an event."""
        self._state, commands = step(self._state, event, self._clock())
        return commands

    def may_run(self, run: Run) -> bool:
        """Tell whether the budgets cover a run beside or after another one, and count it or that it was withheld."""
        covered = self._experience.covers(run.role, run.target, self._release.name, self._clock())
        self._metrics.extra_run(run.role.value, run.target, withheld=not covered)
        return covered

    # -- the device ---------------------------------------------------------------------------------------------------

    def new_halt(self) -> Halt | None:
        """Return a handle to stop a device run, or None where there is no runtime."""
        runtime = self._release.runtime
        return None if runtime is None else runtime.new_halt()

    def run_here(self, halt: Halt | None = None) -> Event:
        """Run the device's model in the caller's thread, which is kept for little longer than until the deadline."""
        keeper, watchdog = self._keeper, self._watchdog
        if keeper is None or watchdog is None:
            return self.run_device(halt)
        halts = keeper.halts
        if halt is None:
            try:
                halt = halts.pop()
            except IndexError:  # not asked before: another thread may take the last one meanwhile
                halt = keeper.runtime.new_halt()
        deadline = self.decision.situation.request.deadline
        watchdog.watch(halt, deadline + OVERRUN_S)
        try:
            event = self.run_device(halt, until=deadline) if keeper.out else self._run_device(halt, None, deadline)
        finally:
            ended_by_itself = watchdog.forget(halt)
        if ended_by_itself and type(event) is Succeeded:
            halts.append(halt)
        return event

    def run_device(self, halt: Halt | None = None, *, since: float | None = None, until: float = math.inf) -> Event:
        """Run the device's model in this thread. It was asked for at `since`, if not now; no use after `until`."""
        keeper = self._keeper
        if keeper is None or not keeper.out:
            return self._run_device(halt, since, until)
        if not keeper.admit():
            return Failed(Failure(DEVICE, Code.UNAVAILABLE.value, keeper.why))
        try:
            return self._run_device(halt, since, until)
        finally:
            keeper.let_go()

    def _run_device(self, halt: Halt | None, since: float | None, until: float) -> Event:
        release, keeper = self._release, self._keeper
        side = release.manifest.device
        if release.runtime is None or side is None:
            return Failed(Failure(DEVICE, Code.MODEL_NOT_READY.value, release.why_no_runtime))
        model = release.name
        epoch = 0 if keeper is None else keeper.standing.epoch
        began = self._clock()
        started = began if since is None else since
        preparer = release.device_preparer
        try:
            try:
                fed = self._inputs if preparer is None else preparer.prepare(self._inputs)
            except TensorError as error:
                # The input's fault: nothing is learnt of the device, which would answer the next.
                return Failed(Failure(DEVICE, Code.INVALID_INPUT.value, str(error)))
            outputs = release.runtime.run(fed, halt)
            if side.fetches or len(outputs) != len(release.outputs):
                outputs = restore(outputs, side.fetches, [spec.name for spec in release.outputs])
        except RunHalted:
            self._charge(self._clock() - began)
            return self._halted(began, started, until, epoch)
        except NotReady as error:
            return Failed(Failure(DEVICE, Code.UNAVAILABLE.value, str(error)))
        except (RunFailed, WireError) as error:
            now = self._clock()
            self._charge(now - began)
            self._experience.device_ran(model, now - started, now, failed=True)
            if keeper is not None and isinstance(error, OutOfMemory):
                keeper.troubled(Trouble.OUT_OF_MEMORY, epoch)
            return Failed(Failure(DEVICE, Code.INTERNAL.value, str(error)))
        now = self._clock()
        self._charge(now - began)
        self._experience.device_ran(model, now - started, now)
        if keeper is not None and now - began > keeper.notable_s:
            keeper.ended(epoch, now - began)
        self._answers[DEVICE] = (outputs, release.device_digest)
        escalation = self.plan.escalation
        if escalation is None or release.manifest.score is None:
            return Succeeded(DEVICE)
        if escalation.by == "gain":
            assert self._audit is not None
            return Succeeded(DEVICE, self._audit.judge(outputs))
        score = score_of(outputs, release.manifest.score)
        self._experience.judged(model, not (score is not None and score > escalation.below), now)
        return Succeeded(DEVICE, score)

    def _charge(self, seconds: float) -> None:
        """Charge a run on the device, whatever came of it."""
        if self._ledger is not None:
            self._joules += self._ledger.device_ran(seconds, self.decision.situation.device_w)

    def _halted(self, began: float, started: float, until: float, epoch: int) -> Event:
        self.device_given_up(started)
        now = self._clock()
        if now < until:
            return Failed(Failure(DEVICE, Code.CANCELLED.value))
        detail = f"stopped after {in_ms(now - began)}, as past use"
        if self._keeper is not None and self._keeper.stopped(epoch, now - began):
            detail = f"{detail}; the model is held to run away"
        return Failed(Failure(DEVICE, Code.DEADLINE_EXCEEDED.value, detail))

    def device_given_up(self, since: float) -> None:
        """Learn from a run that was stopped, or never begun: because its time was over, or another answer was there.

        So long it would have taken at the least; which is news only where less was believed."""
        now = self._clock()
        taken_s = now - since
        if taken_s > self.decision.situation.targets[0].time.quantiles_s[MEDIAN]:
            self._experience.device_ran(self._release.name, taken_s, now)

    # -- remote targets -----------------------------------------------------------------------------------------------

    def start_remote(self, run: Run, on_done: Callable[[], None]) -> Event | None:
        """Ask a remote target; `on_done` is called from another thread when its answer can be collected.

        Returns the event where there is nothing to wait for."""
        if self._permit is None:
            # The decision closed every remote target, so no plan can name one: a fault of ours, and nothing leaves.
            raise PermissionError(f"no permit for {run.target!r}")
        remote, calls = self._permit.remote(run.target), self._remote_calls
        situation, backup = self.decision.situation, self.plan.backup
        if calls is None:
            calls = RemoteCalls(
                self._release, situation, self._experience, self._clock, self._metrics, self._sent, self._ledger
            )
            self._remote_calls = calls
        due = run.until if backup is None else min(run.until, situation.request.deadline - backup.before_s)
        return calls.start(run, due, remote, self._for_the_wire, self.traceparent, on_done)

    def collect(self, target: str) -> Event | None:
        """Take the answer of a remote call that is done; None where it was cancelled before."""
        assert self._remote_calls is not None
        answer = self._remote_calls.collect(target)
        if answer is None or isinstance(answer, Failed):
            return answer
        self._answers[target] = answer
        # Whether it is of the model that the certificate holds for right.
        return Succeeded(target, covered=self._audit is not None and self._audit.covers(target, answer[1]))

    def permitted(self, target: str) -> Remote | None:
        """Return the transport to a target of the plan; None where this request holds no permit."""
        return None if self._permit is None else self._permit.remote(target)

    def _for_the_wire(self) -> Arrays:
        preparer = self._release.remote_preparer
        return self._inputs if preparer is None else preparer.prepare(self._inputs)

    def cancel(self, target: str) -> None:
        """Stop a remote call, and account for it; harmless when there is none."""
        if self._remote_calls is not None:
            self._remote_calls.cancel(target)

    def abandon(self) -> None:
        """Stop everything that runs, without telling the machine."""
        if self._remote_calls is not None:
            self._remote_calls.abandon()

    # -- an audit -----------------------------------------------------------------------------------------------------

    def start_audit(self, target: str) -> None:
        """Ask `target` as well, and do not wait: see audit.py."""
        if self._audit is None:
            return
        if self._permit is None:
            raise PermissionError(f"no permit for {target!r}")
        remote, situation, now = self._permit.remote(target), self.decision.situation, self._clock()
        view = next(view for view in situation.targets if view.name == target)
        radio, ledger = self._experience.radio(situation.readings, now), self._ledger
        if ledger is not None and not ledger.begin(target, remote.kind, radio.kind, view.upload_bytes):
            self._audit.skip()
            return
        self._experience.radio_used(situation.readings, now)
        sent = self._audit.start(remote, self._for_the_wire, self.traceparent)
        if sent is not None:
            self._sent.append(sent)
        if ledger is None:
            return
        if sent is None:
            ledger.corrected(target, remote.kind, -view.upload_bytes, sent=False)
            return
        ledger.corrected(target, remote.kind, sent.size_bytes - view.upload_bytes)
        # Nobody waits for the answer: what is charged of the radio is what it takes to send, and its tail.
        idle_s = math.inf if radio.used_at is None else max(0.0, now - radio.used_at)
        ledger.call_ended(radio.kind, 0.0, sent.size_bytes, 0, idle_s)

    # -- the end ------------------------------------------------------------------------------------------------------

    @property
    def joules(self) -> float:
        """What runs and calls that have ended took of the battery."""
        return self._joules if self._remote_calls is None else self._joules + self._remote_calls.joules

    def expense(self) -> Expense:
        """Return what the request took so far."""
        return expense_of(self._sent, self.joules, self._policy, self.decision.situation)

    @property
    def sent_bytes(self) -> Mapping[str, int]:
        """What was handed to the network so far, by target."""
        if not self._sent:
            return _NOTHING_SENT
        by_target: dict[str, int] = {}
        for sent in self._sent:
            by_target[sent.target] = by_target.get(sent.target, 0) + sent.size_bytes
        return by_target

    def conclude(self, outcome: Outcome, now: float) -> Result | AgentError:
        """Return what the app gets."""
        decision = self.decision
        request = decision.situation.request
        if outcome.ending is Ending.CANCELLED:
            return RequestCancelled(f"model {request.model!r}: the request was cancelled")
        if outcome.ending is Ending.DEADLINE_EXCEEDED:
            given_ms = (request.deadline - self._started) * 1000
            return DeadlineExceeded(request.model, given_ms, outcome.failures)
        if outcome.target is None:
            return AllTargetsFailed(request.model, outcome.failures, decision.closed)
        outputs, digest = self._answers[outcome.target]
        if self._audit is not None and request.audit and self.plan.audit is not None:
            self._audit.note_escalated(outcome, outputs)
        return Result(
            outputs,
            outcome.target,
            digest,
            tuple(self._sent),
            now - self._started,
            decision,
            outcome,
            self._policy,
            self._release,
            self.joules,
        )
