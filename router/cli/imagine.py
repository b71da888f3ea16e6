"""A situation that never was: what a policy decides in it can be looked at before the policy ships.

One device and one cloud, of which nothing is known but what the policy believes and the caller says."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.choosing.predict import Times, after_queue, remote_times
from router.cli.whole import number
from router.errors import RouterError
from router.naming import did_you_mean
from router.rules.policy import Policy
from router.types import (
    DEVICE,
    SIGNALS,
    BreakerPhase,
    Kind,
    Radio,
    Reading,
    Request,
    Signal,
    Situation,
    TargetView,
    TimeEstimate,
    Value,
    signal,
)

__all__ = ["Imagined", "imagine", "option_said", "parse_reading", "said_of", "takes_situation"]

_SOURCE = "imagined"
_NOW = 0.0
# As an agent's targets have it, where their configuration says nothing.
_LIMIT_BYTES = 16 << 20
_MODEL = "model"
_AMOUNTS = (
    ("deadline_ms", 1000.0, "time left to its deadline"),
    ("rtt_ms", 50.0, "round trip to the cloud"),
    ("upload_bytes", 1024.0, "what would cross the network"),
)


@dataclass(frozen=True, slots=True)
class Imagined:
    """What the caller says of the situation."""

    label: str | None
    model: str
    deadline_ms: float
    rtt_ms: float
    upload_bytes: int
    readings: tuple[tuple[str, Value | None], ...]


def imagine(policy: Policy, said: Imagined) -> Situation:
    """Return the situation as the agent would hand it to the router."""
    # The policy's own cloud where it names one, so that its beliefs and its rules about that one count.
    cloud = next((name for name, kind in policy.kinds.items() if kind is Kind.CLOUD), Kind.CLOUD.value)
    known: dict[str, Value | None] = {"rtt_ms": said.rtt_ms, f"rtt_ms.{cloud}": said.rtt_ms}
    known |= _by_both_names(said.readings, cloud)
    return Situation(
        request=Request("imagined", said.model, said.label, _NOW + said.deadline_ms / 1000, can_score=True),
        readings={name: Reading(name, value, _SOURCE, _NOW) for name, value in known.items()},
        targets=(
            _target(policy, DEVICE, Kind.DEVICE, 0),
            _target(policy, cloud, Kind.CLOUD, said.upload_bytes, _Way.told(known, cloud)),
        ),
        p_escalate=None,
        now=_NOW,
        radio=_radio(known.get("link")),
    )


def _by_both_names(readings: Sequence[tuple[str, Value | None]], cloud: str) -> dict[str, Value | None]:
    """Return readings by signal; what is said of the first remote target, which is the only one, under both names."""
    given = dict(readings)
    twins: dict[str, Value | None] = {}
    for name, described in SIGNALS.items():
        if described.per_target:
            own = f"{name}.{cloud}"
            twins |= {own: given[name]} if name in given else {}
            twins |= {name: given[own]} if own in given else {}
    return twins | given


@dataclass(frozen=True, slots=True)
class _Way:
    """What is said of the way to the cloud, and of its queue; None where nothing is known of it."""

    rtt_ms: float | None
    up_mbps: float | None
    down_mbps: float | None
    queue_ms: float | None

    @classmethod
    def told(cls, known: Mapping[str, Value | None], cloud: str) -> _Way:
        def number(name: str) -> float | None:
            value = known.get(f"{name}.{cloud}")
            return value if isinstance(value, float) else None

        return cls(number("rtt_ms"), number("up_mbps"), number("down_mbps"), number("queue_ms"))

    def times(self, service_s: Times, upload_bytes: int) -> TimeEstimate:
        """Return the time of a target that needs `service_s` itself."""
        trip_s: Times | None = None
        if self.rtt_ms is not None:
            a = self.rtt_ms / 1000
            trip_s = (a, a, a, a, a)
        carried_s = 0.0 if self.up_mbps is None else upload_bytes / max(1.0, _bytes_per_s(self.up_mbps))
        queue_s = None if self.queue_ms is None else self.queue_ms / 1000
        return after_queue(TimeEstimate(remote_times(service_s, trip_s, carried_s), 0), queue_s)


def _bytes_per_s(mbps: float) -> float:
    return mbps * 1e6 / 8


def _radio(link: Value | None) -> Radio | None:
    """Return the radio of a link that is said, which was not used yet."""
    return Radio(link, None) if isinstance(link, str) else None


def option_said(given: argparse.Namespace) -> str | None:
    """Return the first option that says something of an imagined situation; None where there is none."""
    usual: dict[str, object] = {"readings": [], "label": None, "model": _MODEL} | {
        name: default for name, default, _ in _AMOUNTS
    }
    said = next((name for name, value in usual.items() if getattr(given, name) != value), None)
    return None if said is None else "--set" if said == "readings" else f"--{said.replace('_', '-')}"


def takes_situation(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a situation is like."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=parse_reading,
        metavar="SIGNAL=VALUE",
        dest="readings",
        help="a reading, such as battery_pct=10, charging=false or cpu_load=unknown; may be repeated",
    )
    parser.add_argument("--label", help="the request's privacy label (default: none, which is the strictest)")
    parser.add_argument("--model", default=_MODEL, help="the model that it names (default: %(default)s)")
    for name, default, about in _AMOUNTS:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(
            option, type=number(1e-6, 1e9), default=default, metavar="N", help=f"{about} (default: {default:g})"
        )


def said_of(policy: Policy, given: argparse.Namespace) -> Imagined:
    """Return what the options say. Raises RouterError: for a label that the policy does not have."""
    if given.label is not None and given.label not in policy.labels:
        # The agent refuses it as well; a rehearsal that took it for the strictest would hide the typo.
        raise RouterError(
            f'policy {policy.name} has no label "{given.label}"{did_you_mean(given.label, policy.labels)}'
        )
    trips = {value for name, value in given.readings if name.partition(".")[0] == "rtt_ms"}
    usual_ms = next(default for name, default, _ in _AMOUNTS if name == "rtt_ms")
    if given.rtt_ms != usual_ms and trips - {given.rtt_ms}:
        raise RouterError("--rtt-ms and --set rtt_ms say two things of the round trip; give one")
    return Imagined(
        label=given.label,
        model=given.model,
        deadline_ms=given.deadline_ms,
        rtt_ms=given.rtt_ms,
        upload_bytes=int(given.upload_bytes),
        readings=tuple(given.readings),
    )


def _target(policy: Policy, name: str, kind: Kind, upload_bytes: int, way: _Way | None = None) -> TargetView:
    needs_s = policy.terms_for(name, kind).prior_s
    up_mbps, down_mbps, queue_ms = (None, None, None) if way is None else (way.up_mbps, way.down_mbps, way.queue_ms)
    return TargetView(
        name,
        kind,
        serves=True,
        why_not="",
        upload_bytes=upload_bytes,
        upload_limit_bytes=max(_LIMIT_BYTES, upload_bytes),
        time=TimeEstimate(needs_s, 0) if way is None else way.times(needs_s, upload_bytes),
        p_fail=0.0,
        p_wrong=None,
        breaker=BreakerPhase.CLOSED,
        breaker_admits=True,
        queue_wait_s=None if queue_ms is None else queue_ms / 1000,
        upload_bytes_per_s=None if up_mbps is None else _bytes_per_s(up_mbps),
        download_bytes_per_s=None if down_mbps is None else _bytes_per_s(down_mbps),
    )


def parse_reading(text: str) -> tuple[str, Value | None]:
    """Read SIGNAL=VALUE. Raises ArgumentTypeError."""
    name, separator, value = text.partition("=")
    described = signal(name)
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not SIGNAL=VALUE, such as battery_pct=10")
    if described is None:
        raise argparse.ArgumentTypeError(f'no signal is called "{name}"{did_you_mean(name, SIGNALS)}')
    return name, _value(described, value)


def _value(described: Signal, text: str) -> Value | None:
    if text == "unknown":
        return None
    flags = {"true": True, "false": False}
    if described.holds == "flag" and text in flags:
        return flags[text]
    if described.holds == "text" and text in described.one_of:
        return text
    if described.holds == "number":
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if described.low <= number <= described.high:
            return number
    wanted = "true, false or unknown" if described.holds == "flag" else f"{described.may_be}, or unknown"
    raise argparse.ArgumentTypeError(f"{described.name} is {wanted}, not {text!r}")
