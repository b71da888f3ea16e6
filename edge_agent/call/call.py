"""One request on its way: its decision, its permit, and what each target did with it.

A Call knows how to ask a target and how to account for what came of it; it does not know how anybody waits, which is
executor.py's. Everything it tells the attempt machine it tells as events."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from edge_agent.call.again import again_s
from edge_agent.call.audit import Audit
from edge_agent.call.device import Ran
from edge_agent.call.expense import expense_of
from edge_agent.call.remote import RemoteCalls
from edge_agent.call.setting import Setting
from edge_agent.device.score import score_of
from edge_agent.errors import AgentError, AllTargetsFailed, DeadlineExceeded, RequestCancelled
from edge_agent.result import Result, Sent
from edge_agent.runtimes import Halt
from router.choosing.engine import Decision
from router.choosing.plan import Plan
from router.choosing.usual import Usual
from router.running.attempt import Command, Ending, Event, Failed, Outcome, Run, Succeeded, begin, step
from router.spending.expense import Expense
from router.types import DEVICE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress import Permit
    from edge_agent.egress.remote import Remote
    from edge_agent.quality import Quality

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Call"]

_NOTHING_SENT: Final[Mapping[str, int]] = MappingProxyType({})


class Call:
    """See the module. Used by one driver at a time."""

    __slots__ = (
        "_answers",
        "_audit",
        "_inputs",
        "_joules",
        "_permit",
        "_remote_calls",
        "_sent",
        "_state",
        "decision",
        "plan",
        "setting",
        "traceparent",
        "usual",
    )  # fmt: skip

    def __init__(
        self,
        setting: Setting,
        inputs: Arrays,
        decision: Decision,
        plan: Plan,
        permit: Permit | None,
        usual: Usual | None = None,
    ) -> None:
        """`permit` None: nothing of it may leave. `usual` is what mostly comes of the plan; None where there is not the
        time for it, too."""
        self.setting = setting
        self._inputs = inputs
        self._permit = permit
        self._joules = 0.0
        self._answers: dict[str, tuple[Arrays, str | None]] = {}
        self._remote_calls: RemoteCalls | None = None
        self._sent: list[Sent] = []
        self.decision = decision
        self.plan = plan
        self.usual = usual
        self.traceparent: str | None = None
        """The trace that the app says it is part of; it goes where the request goes."""
        self._audit: Audit | None = None
        if setting.quality is not None and decision.situation.request.audit:
            self._audit = Audit(setting, setting.quality, decision.situation.request.id)

    # -- the attempt machine ------------------------------------------------------------------------------------------

    def begin(self) -> tuple[Command, ...]:
        """Start the plan."""
        situation = self.decision.situation
        # The instant of the decision: what has passed since are microseconds.
        self._state, commands = begin(self.plan, situation.request.deadline, situation.now)
        return commands

    def step(self, event: Event) -> tuple[Command, ...]:
        """Take an event."""
        self._state, commands = step(self._state, event, self.setting.clock())
        return commands

    def may_run(self, run: Run) -> bool:
        """Tell whether the budgets cover a run beside or after another one, and count it or that it was withheld."""
        setting = self.setting
        covered = setting.experience.covers(run.role, run.target, setting.release.name, setting.clock())
        setting.metrics.extra_run(run.role.value, run.target, withheld=not covered)
        return covered

    # -- the device ---------------------------------------------------------------------------------------------------

    def new_halt(self) -> Halt | None:
        """Return a handle to stop a device run, or None where there is no runtime."""
        return self.setting.device.new_halt()

    def run_here(self, halt: Halt | None = None) -> Event:
        """Run the device's model in the caller's thread, which is kept for little longer than until the deadline."""
        return self._ran(self.setting.device.run_here(self._inputs, self.decision.situation, halt))

    def run_as_usual(self) -> tuple[Event, Outcome | None]:
        """Run it there before the attempt has begun, and return what came of it, and how the attempt ends by it.

        None where that is not as usual: then the attempt begins, and takes the event."""
        situation, usual = self.decision.situation, self.usual
        ran = self.setting.device.run_here(self._inputs, situation)
        event = self._ran(ran)
        return event, None if usual is None else usual.ends(event, ran.ended, situation.request.deadline)

    def run_device(self, halt: Halt | None = None, *, since: float | None = None, until: float = math.inf) -> Event:
        """Run the device's model in this thread. It was asked for at `since`, if not now; no use after `until`."""
        return self._ran(self.setting.device.run(self._inputs, self.decision.situation, halt, since, until))

    def device_given_up(self, since: float) -> None:
        """Learn from a run that was stopped, or never begun."""
        self.setting.device.given_up(since)

    def _ran(self, ran: Ran) -> Event:
        self._joules += ran.joules
        outputs = ran.outputs
        if outputs is None:
            assert ran.failed is not None
            return ran.failed
        release, escalation = self.setting.release, self.plan.escalation
        self._answers[DEVICE] = (outputs, release.device_digest)
        if escalation is None or release.manifest.score is None:
            return Succeeded(DEVICE)
        if escalation.by == "gain":
            quality, audit = self.setting.quality, self._audit
            assert quality is not None, "a policy that plans by a promise has the release's book of it"
            return Succeeded(DEVICE, quality.score(outputs) if audit is None else _audited(quality, audit, outputs))
        score = score_of(outputs, release.manifest.score)
        self.setting.experience.judged(release.name, not escalation.is_certain(score), ran.ended)
        return Succeeded(DEVICE, score)

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
            calls = self._remote_calls = RemoteCalls(self.setting, situation, self._sent)
        due = run.until if backup is None else min(run.until, situation.request.deadline - backup.before_s)
        return calls.start(run, due, remote, self._for_the_wire, self.traceparent, on_done)

    def collect(self, target: str) -> Event | None:
        """Take the answer of a remote call that is done; None where it was cancelled before."""
        assert self._remote_calls is not None
        answer = self._remote_calls.collect(target)
        if answer is None or isinstance(answer, Failed):
            return answer
        self._answers[target] = answer
        quality = self.setting.quality
        # Whether it is of the model that the certificate holds for right.
        return Succeeded(target, covered=quality is not None and quality.covers(target, answer[1]))

    def permitted(self, target: str) -> Remote | None:
        """Return the transport to a target of the plan; None where this request holds no permit."""
        return None if self._permit is None else self._permit.remote(target)

    def _for_the_wire(self) -> Arrays:
        preparer = self.setting.release.remote_preparer
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
        experience, ledger, now = self.setting.experience, self.setting.ledger, self.setting.clock()
        remote, situation = self._permit.remote(target), self.decision.situation
        view = next(view for view in situation.targets if view.name == target)
        radio = experience.radio(situation.readings, now)
        if ledger is not None and not ledger.begin(target, remote.kind, radio.kind, view.upload_bytes):
            self._audit.skip()
            return
        experience.radio_used(situation.readings, now)
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
        return expense_of(self._sent, self.joules, self.setting.policy, self.decision.situation)

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
        decision, setting, target = self.decision, self.setting, outcome.target
        if target is None:
            return self._error(outcome)
        outputs, digest = self._answers[target]
        if self._audit is not None and self.plan.audit is not None:
            self._audit.note_escalated(outcome, outputs)
        return Result(
            outputs,
            target,
            digest,
            tuple(self._sent),
            now - decision.situation.now,
            decision,
            outcome,
            setting.policy,
            setting.release,
            self.joules,
        )

    def _error(self, outcome: Outcome) -> AgentError:
        situation = self.decision.situation
        request = situation.request
        if outcome.ending is Ending.CANCELLED:
            return RequestCancelled(f"model {request.model!r}: the request was cancelled")
        if outcome.ending is Ending.DEADLINE_EXCEEDED:
            return DeadlineExceeded(request.model, (request.deadline - situation.now) * 1000, outcome.failures)
        again = again_s(self.setting, self.decision) if self.decision.closed else {}
        return AllTargetsFailed(request.model, outcome.failures, self.decision.closed, again)


def _audited(quality: Quality, audit: Audit, outputs: Arrays) -> float | None:
    """Return what the certificate's table says of an answer that is audited; None where it says nothing."""
    judged = quality.judge(outputs)
    audit.answered(outputs, judged)
    if judged is None:
        return None
    quality.noticed(judged)
    return judged.score
