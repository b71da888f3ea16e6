"""The policy document as its author writes it: every field, its range, its default and the reason for the default.

Only form is checked here; what the document means is built in compile.py. Every field that stands here is read by a
decision, and a test changes each one alone to see that something changes."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from router.predicates import FACTS, OPERATORS
from router.types import SIGNALS, Mode

__all__ = [
    "BreakerPart",
    "EscalationPart",
    "EstimatesPart",
    "PolicyDocument",
    "RulePart",
    "TargetPart",
    "WorthPart",
    "json_schema",
]


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
# TOML knows text only; everything else stays strict.
ModeName = Annotated[Mode, Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]
# Bounds on what anything may be worth keep every sum of costs finite.
Worth = Annotated[float, Field(ge=0, le=1e9)]
# From a microsecond, below which no clock tells, to ten minutes.
Milliseconds = Annotated[float, Field(ge=0.001, le=600_000)]
Places = Annotated[list[Name], Field(max_length=64)]

_COMPARISON: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": ["number", "string", "boolean"]},
        {"type": "object", "minProperties": 1, "propertyNames": {"enum": list(OPERATORS)}},
    ]
}
_CONDITION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Several keys in one table are all wanted.",
    "properties": {
        "all": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "any": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "not": {"type": "object"},
        **dict.fromkeys((*SIGNALS, *FACTS), _COMPARISON),
    },
    "patternProperties": {"^rtt_ms\\.": _COMPARISON},
    "additionalProperties": False,
}


class _Part(BaseModel):
    # Strict: "0.8" is not a number and true is not 1. NaN makes every comparison false, a silent change of routing.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class RulePart(_Part):
    """Rules are read from the top; every one that holds applies: `forbid` adds up, of the others the first counts."""

    name: Name
    when: Annotated[dict[str, Any], WithJsonSchema(_CONDITION)]  # Any: read by predicates.parse
    """What must hold; an empty table always does."""
    on_unknown: Literal["skip", "apply"] = "skip"
    """What the rule does where its condition depends on something unknown."""
    mode: ModeName | None = None
    """Choose in this mode instead."""
    forbid: Places = []
    """Targets (names or kinds) that may not be asked. A hard constraint."""
    escalate_below: Share | Literal["never"] | None = None
    """In mode auto: escalate at and below this score instead, or never."""


class TargetPart(_Part):
    """What is believed of a target before anything was measured, and what a call costs."""

    kind: Literal["device", "fog", "cloud"] | None = None
    """Wanted where the name is not itself a kind."""
    p_wrong: Share | None = None
    """Share of wrong answers, where the release's evaluation does not tell."""
    prior_ms: (
        Annotated[list[Annotated[float, Field(ge=0.001, le=600_000)]], Field(min_length=2, max_length=2)] | None
    ) = None
    """5 % and 95 % quantile of its time without the network's, where nothing was measured lately."""
    usd_per_request: Annotated[float, Field(ge=0, le=1e6)] = 0.0


class WorthPart(_Part):
    """What things are worth, all in one currency; only the ratios count."""

    wrong_answer: Worth = 1.0
    """The unit the others are seen against."""
    missed_deadline: Worth = 1.0
    """A late answer is as bad as a wrong one."""
    failed_request: Worth = 1.0
    """So is none."""
    second: Worth = 0.05
    """Twenty seconds of waiting weigh as one wrong answer."""
    dollar: Worth = 1.0
    """A dollar weighs as one wrong answer."""
    megabyte: Worth = 0.001
    """At a thousandth a thousand 1 MB uploads weigh as one wrong answer: about the price of metered data."""


class EscalationPart(_Part):
    """Asking a remote target when the device is not certain. Without this table there is none."""

    below: Share
    """At and below this score the device's answer is not certain enough."""
    recovers: Share = 0.9
    """Share of what the device gets wrong and the remote right that this threshold is believed to catch."""
    share: Share = 0.3
    """Share of requests believed to escalate, until the last answers tell."""


class PromisePart(_Part):
    """What keeping the device's answers may cost, held to by a release's certificate. Without it nothing is promised.

    Where no certificate covers a request, `escalation` decides as it would without this table; without that table,
    too, no answer of the device is kept while a remote target can be asked. Such an answer is not called certified."""

    max_loss: Annotated[float, Field(ge=0.0001, le=0.5)]
    """alpha: the accuracy lost over all requests is at most this ..."""
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.9
    """... with this probability over calibrations."""
    audit: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Share of requests that are also put to a remote target, where their label allows it, to see whether it holds."""


class BreakerPart(_Part):
    """When a remote target that fails is left alone; defaults after Envoy's outlier detection."""

    consecutive: Annotated[int, Field(ge=1, le=1000)] = 5
    failure_share: Annotated[float, Field(gt=0, le=1)] = 0.85
    min_calls: Annotated[int, Field(ge=1, le=100_000)] = 20
    window_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    open_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    max_open_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    probes: Annotated[int, Field(ge=1, le=100)] = 1


class EstimatesPart(_Part):
    """How fast predictions of time follow what is measured."""

    memory_samples: Annotated[int, Field(ge=2, le=10_000)] = 20
    """A device that starts to throttle shows within as many answers."""
    forget_after_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """A target that looked bad is given another chance after this long."""


class PolicyDocument(_Part):
    """The whole file."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    version: Annotated[int, Field(ge=1, le=2**53)]
    """Rises with every change; an agent never goes back to a lower one by itself."""
    mode: ModeName = Mode.AUTO
    labels: Annotated[dict[Name, Places], Field(min_length=1, max_length=64)] = {
        "public": ["device", "fog", "cloud"],
        "internal": ["device", "fog", "cloud"],
        "personal": ["device", "fog", "cloud"],
        "secret": ["device"],
    }
    """Privacy label -> targets (names or kinds) that may see such a request."""
    targets: Annotated[dict[Name, TargetPart], Field(max_length=64)] = {}
    rules: Annotated[list[RulePart], Field(max_length=1000)] = []
    worth: WorthPart = WorthPart()
    escalation: EscalationPart | None = None
    promise: PromisePart | None = None
    breaker: BreakerPart = BreakerPart()
    estimates: EstimatesPart = EstimatesPart()
    stale_after_s: dict[str, Annotated[float, Field(gt=0, le=86_400)]] = {}
    """Signal -> age beyond which its reading counts as unknown; overrides the signal's own."""


def json_schema() -> dict[str, Any]:  # Any: a JSON document
    """Return the document's JSON Schema, for editors and other tools."""
    schema = PolicyDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "nearfar policy", **schema}
