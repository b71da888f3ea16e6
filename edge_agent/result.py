"""What an app gets back: the outputs, and the receipt that says where they come from and what left the device.

Words are made when somebody reads them: most apps look at the outputs, and a sentence costs as a small model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # an app that imports the SDK has not started an agent yet: what decides waits until it does
    from numpy.typing import NDArray

    from edge_agent.releases import Release
    from router.choosing.engine import Decision
    from router.rules.policy import Policy
    from router.running.attempt import Failure, Outcome
    from router.spending.energy import Basis

__all__ = ["Receipt", "Result", "Sent"]

_BASES: Final[Mapping[Basis, str]] = {"measured": "measurements", "profile": "published figures"}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call handed to the network. `size_bytes` is the serialized request, without the transport's framing.

    A call that found no connection handed it nothing, and is not here; one that was given up while it may have waited
    for a connection is, because nobody knows. An `audit` is answered after the request is, and nobody waited for it:
    what it received is not known here."""

    target: str
    endpoint: str
    size_bytes: int
    received_bytes: int
    audit: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of one request. `model_digest` None: a stranger's server answered, which does not say what it runs."""

    request_id: str
    model: str
    label: str | None
    answered_by: str
    model_digest: str | None
    sent: tuple[Sent, ...]
    rules: tuple[str, ...]
    policy_name: str
    policy_version: int
    policy_digest: str
    failures: tuple[Failure, ...]
    certain: bool | None
    """Whether the device's score was above the threshold; None where nothing was asked of it."""
    certified: bool | None
    """Whether the promise that the policy asks for covers this answer; None where it asks for none."""
    why_uncertified: str
    """Empty where it is certified, or nothing was asked for."""
    promise: str | None
    """What the promise that the policy asks for was worth: "in_force", "uncovered" or "alarm"; None where it asks for
    none."""
    alarm: str
    """What was noticed in production, where that ended the promise; everything that can be is then escalated."""
    duration_s: float
    deadline_met: bool
    energy_j: float = 0.0
    """What the answer took of the battery, of those calls and runs that had ended by then: what was cancelled as well,
    without an audit, and without what the device draws anyway."""
    energy_basis: Basis = "profile"
    """Whether the device's joules were counted with watts that were measured there, or with the profile's. The radio's
    are always the profile's."""
    overtaken: tuple[str, ...] = ()
    """Who was asked as well, and stopped once the answer was there; what they were sent is in `sent`."""

    @property
    def audited(self) -> bool:
        """Whether a remote target was asked as well, to see if the promise holds."""
        return any(sent.audit for sent in self.sent)

    @property
    def sent_bytes(self) -> int:
        """Bytes of requests handed to the network."""
        return sum(sent.size_bytes for sent in self.sent)

    def __str__(self) -> str:
        if self.sent:
            left = ", ".join(
                f"{s.size_bytes} bytes to {s.target} ({s.endpoint}){' to audit' if s.audit else ''}" for s in self.sent
            )
        else:
            left = "nothing left the device"
        label = f'label "{self.label}"' if self.label is not None else "no label (the strictest)"
        rule = f"rule {', '.join(self.rules)}" if self.rules else "no rule"
        digest = self.model_digest or "no digest: the server does not say which model it runs"
        lines = [
            f"{self.request_id}: {left}; {label}, {rule}, policy {self.policy_name} v{self.policy_version}",
            f"answered by {self.answered_by} in {self.duration_s * 1000:.2f} ms with {self.model} ({digest})",
            f"took {self.energy_j:.3g} J, as {_BASES[self.energy_basis]} say",
        ]
        if self.certain is False:
            why = self.why_uncertified or "an escalation was due and did not come back"
            lines.append(f"the answer is not certain: {why}")
        elif self.certified is False:
            lines.append(f"the answer is not certified: {self.why_uncertified}")
        if self.alarm:
            lines.append(f"alarm: {self.alarm}; everything that can be is escalated until there is a new certificate")
        lines.extend(f"{target} was asked as well, and had not answered" for target in self.overtaken)
        lines.extend(f"{f.target} failed: {f.code}{f' ({f.detail})' if f.detail else ''}" for f in self.failures)
        return "\n".join(lines)


class Result:
    """An answer. Outputs are arrays by the names and shapes that the release's manifest promises."""

    __slots__ = (
        "_digest",
        "_duration_s",
        "_energy_j",
        "_policy",
        "_release",
        "_sent",
        "decision",
        "outcome",
        "outputs",
        "target",
    )

    outputs: Mapping[str, NDArray[Any]]  # Any: each output has its own datatype
    target: str
    decision: Decision
    outcome: Outcome

    def __init__(
        self,
        outputs: Mapping[str, NDArray[Any]],
        target: str,
        digest: str | None,
        sent: tuple[Sent, ...],
        duration_s: float,
        decision: Decision,
        outcome: Outcome,
        policy: Policy,
        release: Release | None = None,
        energy_j: float = 0.0,
    ) -> None:
        self._energy_j = energy_j
        self.outputs = outputs
        self.target = target
        self.decision = decision
        self.outcome = outcome
        self._digest = digest
        self._sent = sent
        self._duration_s = duration_s
        self._policy = policy
        self._release = release

    @property
    def reason(self) -> str:
        """One line: who answered, and why it came to that."""
        from router.telling.explain import reason

        return reason(self.decision, self.outcome)

    @property
    def receipt(self) -> Receipt:
        """Where the answer comes from, and what left the device for it."""
        request, promise = self.decision.situation.request, self.decision.situation.promise
        return Receipt(
            request_id=request.id,
            model=request.model,
            label=request.label,
            answered_by=self.target,
            model_digest=self._digest,
            sent=self._sent,
            rules=self.decision.rules,
            policy_name=self._policy.name,
            policy_version=self._policy.version,
            policy_digest=self._policy.digest,
            failures=self.outcome.failures,
            overtaken=self.outcome.overtaken,
            certain=self.outcome.certain,
            certified=self.outcome.certified,
            why_uncertified=self.outcome.why_uncertified,
            promise=None if promise is None else promise.state,
            alarm=promise.why if promise is not None and promise.state == "alarm" else "",
            duration_s=self._duration_s,
            deadline_met=not self.outcome.late,
            energy_j=self._energy_j,
            energy_basis=self.decision.energy_basis,
        )

    def top(self, count: int = 1) -> list[tuple[str, float]]:
        """Return the `count` most probable classes of a classifier's first row, the likeliest first: name and
        probability. Without a file of labels in the release a class is named by its index.

        Raises RequestError: the model is no classifier, or its release does not say which output has its scores."""
        from edge_agent.labelling import top_classes

        return top_classes(self._release, self.outputs, count)

    def explain(self) -> str:
        """Return the decision and its outcome in words."""
        from router.telling.explain import in_words

        return in_words(self.decision, self.outcome)

    def to_json(self) -> str:
        """Return the decision record as one line of JSON; it holds no input and no output."""
        from edge_agent.call.expense import expense_of
        from router.telling.record import to_json  # what a record is made of loads with the first

        expense = expense_of(self._sent, self._energy_j, self._policy, self.decision.situation)
        return to_json(self.decision, self.outcome, taken_s=self._duration_s, expense=expense)

    def __repr__(self) -> str:
        return f"Result(target={self.target!r}, reason={self.reason!r})"
