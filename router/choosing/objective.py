"""What a plan is expected to cost, in the policy's one currency. Pure arithmetic over carried quantiles.

    J = w_wrong·P(wrong) + w_miss·P(T > D) + w_fail·P(fail)
        + w_second·E[T] + w_dollar·E[usd] + w_megabyte·E[MB] + w_joule·E[J]

after the decision model (docs/explanation/decision-model.md). Times are the five quantiles of types.QUANTILES, each
standing for the share of probability around it; energy is a power while a target is busy, and so much beside."""

from __future__ import annotations

from typing import Final

from router.rules.policy import EscalationTerms, TargetTerms, Worth
from router.running.attempt import HAND_BACK_S
from router.values import value

__all__ = [
    "Candidate",
    "Expectation",
    "Prospect",
    "cascade",
    "cost",
    "longest_s",
    "over",
    "prospect",
    "single",
    "until",
    "with_fallback",
    "with_times",
]

# The probability that each of the five quantiles stands for: from midway to its neighbour on either side.
WEIGHTS: Final = (0.15, 0.225, 0.25, 0.225, 0.15)
# What takes longer than the last of them: a twentieth does, and is believed to end within as much more as lies between
# the last two.
_BEYOND: Final = 0.05
Times = tuple[float, float, float, float, float]


@value
class Prospect:
    """One target as the objective sees it: seconds at QUANTILES, probabilities, dollars and bytes a call."""

    name: str
    times_s: Times
    mean_s: float
    p_wrong: float
    p_fail: float
    usd: float
    upload_bytes: int
    watts: float = 0.0
    """Drawn while it is busy."""
    extra_j: float = 0.0
    """What asking it takes beside that, however long it is busy."""
    radio: float = 0.0
    """1 where asking it uses the radio, else 0."""
    backup_s: float | None = None
    """How long before the deadline the device is started beside another target that has not answered."""
    holds: bool | None = False
    """Whether its answer then waits for the other's until the deadline; None: where that is expected to cost less."""


@value
class Expectation:
    """What is expected of a plan."""

    p_wrong: float
    p_miss: float
    p_fail: float
    seconds: float
    usd: float
    megabytes: float
    joules: float = 0.0
    radio: float = 0.0
    """Probability that something is sent, which leaves the radio awake."""


@value
class Candidate:
    """A plan that was weighed: its name in words, its cost, and what the cost is made of."""

    name: str
    cost: float
    expected: Expectation


def prospect(
    name: str,
    times_s: Times,
    p_wrong: float | None,
    p_fail: float,
    upload_bytes: int,
    terms: TargetTerms,
    watts: float = 0.0,
    extra_j: float = 0.0,
    radio: float = 0.0,
    backup_s: float | None = None,
    holds: bool | None = False,
) -> Prospect:
    """Return a target's prospect; its wrongness is measured (`p_wrong`) or, before that, the policy's belief."""
    wrong = terms.p_wrong if p_wrong is None else p_wrong
    mean_s = _mean_until(times_s, times_s[4])
    usd = terms.usd_per_request
    return Prospect(name, times_s, mean_s, wrong, p_fail, usd, upload_bytes, watts, extra_j, radio, backup_s, holds)


def with_times(target: Prospect, times_s: Times, extra_j: float) -> Prospect:
    """Return the prospect of a target that takes other times, and so much energy beside."""
    return Prospect(
        target.name,
        times_s,
        _mean_until(times_s, times_s[4]),
        target.p_wrong,
        target.p_fail,
        target.usd,
        target.upload_bytes,
        target.watts,
        extra_j,
        target.radio,
        target.backup_s,
        target.holds,
    )


def cost(expected: Expectation, worth: Worth) -> float:
    """Return J. A miss and a failure leave no answer that could be wrong."""
    return (
        worth.wrong_answer * expected.p_wrong
        + worth.missed_deadline * expected.p_miss
        + worth.failed_request * expected.p_fail
        + worth.second * expected.seconds
        + worth.dollar * expected.usd
        + worth.megabyte * expected.megabytes
        + worth.joule * expected.joules
    )


def longest_s(times_s: Times) -> float:
    """Return the time beyond which nothing is believed to be that takes `times_s` at QUANTILES."""
    return 2 * times_s[4] - times_s[3]


def single(target: Prospect, left_s: float) -> Expectation:
    """Expect of asking one target alone, with `left_s` to the deadline."""
    p_late, seconds = until(target, left_s)
    p_run = 1 - target.p_fail
    p_answer = p_run * (1 - p_late)
    return Expectation(
        p_answer * target.p_wrong,
        p_run * p_late,
        target.p_fail,
        seconds,
        target.usd,
        target.upload_bytes / 1e6,
        target.watts * seconds + target.extra_j,
        target.radio,
    )


def with_fallback(first: Prospect, second: Prospect, left_s: float, reserve_s: float) -> Expectation:
    """Expect of asking `first` until `reserve_s` before the deadline, and `second` if it failed or was given up."""
    share_s = max(0.0, left_s - reserve_s)
    p_late, first_s = until(first, share_s)
    p_late *= 1 - first.p_fail
    p_second = first.p_fail + p_late
    if p_second == 0.0:
        first_j = first.watts * first_s + first.extra_j
        return Expectation(first.p_wrong, 0.0, 0.0, first_s, first.usd, first.upload_bytes / 1e6, first_j, first.radio)
    after_failure, after_wait = single(second, left_s), single(second, left_s - share_s)

    def behind(failed: float, waited: float) -> float:
        return first.p_fail * failed + p_late * waited

    return Expectation(
        p_wrong=(1 - p_second) * first.p_wrong + behind(after_failure.p_wrong, after_wait.p_wrong),
        p_miss=behind(after_failure.p_miss, after_wait.p_miss),
        p_fail=behind(after_failure.p_fail, after_wait.p_fail),
        seconds=first_s + behind(after_failure.seconds, after_wait.seconds),
        usd=first.usd + p_second * second.usd,
        megabytes=(first.upload_bytes + p_second * second.upload_bytes) / 1e6,
        joules=first.watts * first_s + first.extra_j + behind(after_failure.joules, after_wait.joules),
        radio=first.radio + (1 - first.radio) * p_second * second.radio,
    )


def cascade(
    kept: Expectation, device: Prospect, remote: Prospect, terms: EscalationTerms, share: float, left_s: float
) -> Expectation:
    """Expect of also asking `remote` for the `share` of the device's answers that it is not certain of.

    `kept` is what is expected where every answer is kept. An escalation that does not come back in time costs its bytes
    and the wait, and leaves the device's answer."""
    p_answer = (1 - device.p_fail) * (1 - over(device.times_s, left_s))
    in_time, waited = _escalated(device.times_s, remote, left_s - HAND_BACK_S)
    helped = in_time * (1 - remote.p_fail)
    # No more answers can be set right than are asked about.
    believed = min(share, terms.recovers * max(0.0, device.p_wrong - remote.p_wrong))
    gain = believed if terms.gain is None else terms.gain
    escalates = p_answer * share
    return Expectation(
        kept.p_wrong - p_answer * helped * gain,
        kept.p_miss,
        kept.p_fail,
        kept.seconds + escalates * waited,
        kept.usd + escalates * remote.usd,
        kept.megabytes + escalates * remote.upload_bytes / 1e6,
        kept.joules + escalates * (remote.watts * waited + remote.extra_j),
        kept.radio + (1 - kept.radio) * escalates * remote.radio,
    )


def _escalated(device_s: Times, remote: Prospect, left_s: float) -> tuple[float, float]:
    """Return the probability that an escalation comes back in `left_s`, and the seconds that it is waited for."""
    if device_s[4] + longest_s(remote.times_s) <= left_s:
        return 1.0, remote.mean_s
    in_time = waited = 0.0
    for one_s, weight in zip(device_s, WEIGHTS, strict=True):
        room_s = max(0.0, left_s - one_s)
        in_time += weight * (1 - over(remote.times_s, room_s))
        waited += weight * _mean_until(remote.times_s, room_s)
    return in_time, waited


def until(target: Prospect, limit_s: float) -> tuple[float, float]:
    """Return the probability of taking longer than `limit_s`, and the seconds expected to be spent up to it."""
    if longest_s(target.times_s) <= limit_s:
        return 0.0, target.mean_s
    return over(target.times_s, limit_s), _mean_until(target.times_s, limit_s)


def over(times_s: Times, limit_s: float) -> float:
    # Unrolled, as the function below: these two are most of what weighing costs. Times rise.
    if limit_s >= times_s[4]:
        wide_s = times_s[4] - times_s[3]
        beyond_s = limit_s - times_s[4]
        return _BEYOND * (1 - beyond_s / wide_s) if beyond_s < wide_s else 0.0
    if limit_s >= times_s[2]:
        return 0.15 if limit_s >= times_s[3] else 0.375
    if limit_s >= times_s[1]:
        return 0.625
    return 0.85 if limit_s >= times_s[0] else 1.0


def _mean_until(times_s: Times, limit_s: float) -> float:
    a, b, c, d, e = times_s
    return (
        0.15 * (a if a < limit_s else limit_s)
        + 0.225 * (b if b < limit_s else limit_s)
        + 0.25 * (c if c < limit_s else limit_s)
        + 0.225 * (d if d < limit_s else limit_s)
        + 0.15 * (e if e < limit_s else limit_s)
    )
