"""What a plan is expected to cost, in the policy's one currency. Pure arithmetic over carried quantiles.

    J = w_wrong·P(wrong) + w_miss·P(T > D) + w_fail·P(fail) + w_second·E[T] + w_dollar·E[usd] + w_megabyte·E[MB]

after the decision model (docs/explanation/decision-model.md), without its terms for energy and budgets. Times are the
five quantiles of types.QUANTILES, each standing for the share of probability around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.policy import EscalationTerms, TargetTerms, Worth

__all__ = ["Candidate", "Expectation", "Prospect", "cascade", "cost", "prospect", "single", "with_fallback"]

# The probability that each of the five quantiles stands for: from midway to its neighbour on either side.
WEIGHTS: Final = (0.15, 0.225, 0.25, 0.225, 0.15)


@dataclass(frozen=True, slots=True)
class Prospect:
    """One target as the objective sees it: seconds at QUANTILES, probabilities, dollars and bytes a call."""

    name: str
    times_s: tuple[float, float, float, float, float]
    p_wrong: float
    p_fail: float
    usd: float
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a plan."""

    p_wrong: float
    p_miss: float
    p_fail: float
    seconds: float
    usd: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan that was weighed: its name in words, its cost, and what the cost is made of."""

    name: str
    cost: float
    expected: Expectation


def prospect(
    name: str,
    times_s: tuple[float, float, float, float, float],
    p_wrong: float | None,
    p_fail: float,
    upload_bytes: int,
    terms: TargetTerms,
) -> Prospect:
    """Return a target's prospect; its wrongness is measured (`p_wrong`) or, before that, the policy's belief."""
    wrong = terms.p_wrong if p_wrong is None else p_wrong
    return Prospect(name, times_s, wrong, p_fail, terms.usd_per_request, upload_bytes)


def cost(expected: Expectation, worth: Worth) -> float:
    """Return J. A miss and a failure leave no answer that could be wrong."""
    return (
        worth.wrong_answer * expected.p_wrong
        + worth.missed_deadline * expected.p_miss
        + worth.failed_request * expected.p_fail
        + worth.second * expected.seconds
        + worth.dollar * expected.usd
        + worth.megabyte * expected.megabytes
    )


def single(target: Prospect, left_s: float) -> Expectation:
    """Expect of asking one target alone, with `left_s` to the deadline."""
    p_miss = (1 - target.p_fail) * _over(target.times_s, left_s)
    p_answer = (1 - target.p_fail) - p_miss
    return Expectation(
        p_wrong=p_answer * target.p_wrong,
        p_miss=p_miss,
        p_fail=target.p_fail,
        seconds=_mean_until(target.times_s, left_s),
        usd=target.usd,
        megabytes=target.upload_bytes / 1e6,
    )


def with_fallback(first: Prospect, second: Prospect, left_s: float, reserve_s: float) -> Expectation:
    """Expect of asking `first` until `reserve_s` before the deadline, and `second` if it failed or was given up."""
    share_s = max(0.0, left_s - reserve_s)
    p_late = (1 - first.p_fail) * _over(first.times_s, share_s)
    p_second = first.p_fail + p_late
    after_failure, after_wait = single(second, left_s), single(second, left_s - share_s)

    def behind(failed: float, waited: float) -> float:
        return first.p_fail * failed + p_late * waited

    return Expectation(
        p_wrong=(1 - p_second) * first.p_wrong + behind(after_failure.p_wrong, after_wait.p_wrong),
        p_miss=behind(after_failure.p_miss, after_wait.p_miss),
        p_fail=behind(after_failure.p_fail, after_wait.p_fail),
        seconds=_mean_until(first.times_s, share_s) + behind(after_failure.seconds, after_wait.seconds),
        usd=first.usd + p_second * second.usd,
        megabytes=(first.upload_bytes + p_second * second.upload_bytes) / 1e6,
    )


def cascade(device: Prospect, remote: Prospect, terms: EscalationTerms, share: float, left_s: float) -> Expectation:
    """Expect of answering on the device and asking `remote` for the `share` of requests that it is not certain of.

    An escalation that does not come back in time costs its bytes and the wait, and leaves the device's answer."""
    alone = single(device, left_s)
    in_time = 0.0
    waited = 0.0
    for device_s, device_weight in zip(device.times_s, WEIGHTS, strict=True):
        for remote_s, remote_weight in zip(remote.times_s, WEIGHTS, strict=True):
            weight = device_weight * remote_weight
            room_s = max(0.0, left_s - device_s)
            waited += weight * min(remote_s, room_s)
            if remote_s <= room_s:
                in_time += weight
    helped = in_time * (1 - remote.p_fail)
    gain = terms.recovers * max(0.0, device.p_wrong - remote.p_wrong)
    p_answer = 1 - alone.p_fail - alone.p_miss
    return Expectation(
        p_wrong=alone.p_wrong - p_answer * helped * gain,
        p_miss=alone.p_miss,
        p_fail=alone.p_fail,
        seconds=alone.seconds + share * waited,
        usd=alone.usd + share * remote.usd,
        megabytes=alone.megabytes + share * remote.upload_bytes / 1e6,
    )


def _over(times_s: Sequence[float], limit_s: float) -> float:
    return sum(weight for time_s, weight in zip(times_s, WEIGHTS, strict=True) if time_s > limit_s)


def _mean_until(times_s: Sequence[float], limit_s: float) -> float:
    return sum(weight * min(time_s, limit_s) for time_s, weight in zip(times_s, WEIGHTS, strict=True))
