"""The whole policy document."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from router.document.breaker import BreakerPart
from router.document.budgets import BudgetsPart
from router.document.choosing import ExplorationPart, HysteresisPart, RadioPart
from router.document.energy import EnergyPart
from router.document.estimates import EstimatesPart
from router.document.form import FirstForm, ModeName, Name, Part, Places, Seconds, told
from router.document.keeping import EscalationPart, PromisePart
from router.document.revert import RevertPart
from router.document.rules import RulePart
from router.document.targets import TargetPart
from router.document.waiting import BackupPart, HedgePart, RetryPart, ThrottlePart
from router.document.worth import WorthPart
from router.types import Mode

__all__ = ["PolicyDocument"]

_LABELS: Final = {
    "public": ["device", "fog", "cloud"],
    "internal": ["device", "fog", "cloud"],
    "personal": ["device", "fog", "cloud"],
    "secret": ["device"],
}
_NO_TARGETS: Final[dict[str, TargetPart]] = {}
_NO_RULES: Final[list[RulePart]] = []
_AS_THE_SIGNAL_SAYS: Final[dict[str, float]] = {}


class PolicyDocument(Part):
    """What routes requests: one TOML file."""

    schema_version: Annotated[
        FirstForm,
        Field(alias="schema"),
        told(
            "The version of the document's form.",
            reason="Said by each document, so that a later form is never read as this one.",
        ),
    ]
    name: Annotated[
        Name,
        told(
            "The policy's name, as receipts, metrics and logs tell it.",
            reason="Whoever reads them must know which policy spoke, so there is no default.",
        ),
    ]
    version: Annotated[
        int,
        Field(ge=1, le=2**53),
        told(
            "Rises with every change; an agent never goes back to a lower one by itself.",
            unit="count",
            reason="A version that nobody raised would let an old file come back, so there is no default.",
        ),
    ]
    mode: Annotated[
        ModeName,
        told(
            "How a target is chosen where no rule says otherwise.",
            reason="Weighing what each plan is expected to cost adapts to what is measured; the fixed orders do not.",
        ),
    ] = Mode.AUTO
    labels: Annotated[
        dict[Name, Places],
        Field(min_length=1, max_length=64),
        told(
            "Privacy label -> targets (names or kinds) that may see such a request. A table of one's own replaces all "
            "of these.",
            reason="What is secret stays on the device; the rest may go where the configuration has a target.",
        ),
    ] = _LABELS
    targets: Annotated[
        dict[Name, TargetPart],
        Field(max_length=64),
        told("Target -> what is believed of it.", reason="A target that is not named has the defaults of its kind."),
    ] = _NO_TARGETS
    rules: Annotated[
        list[RulePart],
        Field(max_length=1000),
        told("What people want to say outright.", reason="Without rules the mode and the labels decide alone."),
    ] = _NO_RULES
    worth: Annotated[
        WorthPart,
        told("What plans are weighed by in mode auto.", reason="See there, one by one."),
    ] = WorthPart()
    energy: Annotated[
        EnergyPart,
        told("What the device and its radio draw.", reason="See there, one by one."),
    ] = EnergyPart()
    budgets: Annotated[
        BudgetsPart,
        told("What may be spent in an hour or a day.", reason="Without them what is spent is told, and not limited."),
    ] = BudgetsPart()
    radio: Annotated[
        RadioPart,
        told("What is done about a radio that falls asleep.", reason="See there, one by one."),
    ] = RadioPart()
    exploration: Annotated[
        ExplorationPart,
        told("How often a plan is taken at random.", reason="See there."),
    ] = ExplorationPart()
    hysteresis: Annotated[
        HysteresisPart | None,
        told("Staying with the last choice.", reason="What costs least is chosen, whatever was chosen before."),
    ] = None
    escalation: Annotated[
        EscalationPart | None,
        told(
            "When the device's answer is not certain enough.",
            reason="A threshold depends on the model: without this table only one that was evaluated counts.",
        ),
    ] = None
    promise: Annotated[
        PromisePart | None,
        told(
            "What keeping the device's answers may cost at most.",
            reason="A promise needs a release with a certificate; without this table none is made.",
        ),
    ] = None
    breaker: Annotated[
        BreakerPart,
        told("When a remote target that fails is left alone.", reason="See there, one by one."),
    ] = BreakerPart()
    throttle: Annotated[
        ThrottlePart,
        told("When calls are kept back from a target that fails many.", reason="See there, one by one."),
    ] = ThrottlePart()
    retry: Annotated[
        RetryPart,
        told("When a target is asked again that could not be reached.", reason="See there, one by one."),
    ] = RetryPart()
    backup: Annotated[
        BackupPart,
        told("When the device is started beside a remote target.", reason="See there, one by one."),
    ] = BackupPart()
    hedge: Annotated[
        HedgePart | None,
        told(
            "When the next target is asked beside a slow first one.",
            reason="Hedges cost calls, so that they are somebody's choice; without this table there are none.",
        ),
    ] = None
    estimates: Annotated[
        EstimatesPart,
        told("How fast predictions follow what is measured.", reason="See there, one by one."),
    ] = EstimatesPart()
    revert: Annotated[
        RevertPart | None,
        told(
            "When a new policy that harms is taken back.",
            reason="What harm is, only its author knows: without this table here or in the one before, none is.",
        ),
    ] = None
    stale_after_s: Annotated[
        dict[str, Seconds],
        told(
            "Signal -> age beyond which its reading counts as unknown; overrides the signal's own.",
            unit="s",
            reason="Each signal has an age of its own, some five times as long as it takes to be read again.",
        ),
    ] = _AS_THE_SIGNAL_SAYS
