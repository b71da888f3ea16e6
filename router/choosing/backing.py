"""What is expected of a remote target beside which the device is started, and whether that one's answer waits for it.
Pure.

The device is begun so late that its answer comes shortly before the deadline. By then the call has mostly come back, or
nearly so: where a better answer is that near, the one at hand waits for it until it has to be handed back."""

from __future__ import annotations

from router.choosing.objective import WEIGHTS, Expectation, Prospect, over, single, until
from router.rules.policy import Worth
from router.running.attempt import HAND_BACK_S
from router.values import value

__all__ = ["backed_up", "holds"]


def backed_up(first: Prospect, device: Prospect, left_s: float, backup_s: float, worth: Worth) -> Expectation:
    """Expect of asking `first`, with the device behind it: started when that fails, or beside it `backup_s` before the
    deadline. The first answer is taken and the other one stopped, or the device's waits for the other: see `holds`."""
    share_s = max(0.0, left_s - backup_s)
    p_late, first_s = until(first, share_s)
    p_late *= 1 - first.p_fail
    p_second = first.p_fail + p_late
    first_j = first.watts * first_s + first.extra_j
    if p_second == 0.0:
        return Expectation(first.p_wrong, 0.0, 0.0, first_s, first.usd, first.upload_bytes / 1e6, first_j, first.radio)
    after_failure = single(device, left_s)
    wrong, missed, seconds = _beside(first, device, share_s, left_s, worth).ends if p_late else (0.0, 0.0, 0.0)
    return Expectation(
        p_wrong=(1 - p_second) * first.p_wrong + first.p_fail * after_failure.p_wrong + p_late * wrong,
        p_miss=first.p_fail * after_failure.p_miss + p_late * missed,
        p_fail=first.p_fail * after_failure.p_fail,
        seconds=first_s + first.p_fail * after_failure.seconds + p_late * seconds,
        usd=first.usd,
        megabytes=first.upload_bytes / 1e6,
        joules=first_j + first.p_fail * after_failure.joules + p_late * seconds * (first.watts + device.watts),
        radio=first.radio,
    )


def holds(first: Prospect, device: Prospect, left_s: float, backup_s: float, worth: Worth) -> bool:
    """Tell whether an answer of the device that was started beside `first` is to wait for that one's: as the device's
    prospect says, or where that is expected to cost less."""
    if device.holds is not None:
        return device.holds
    share_s = max(0.0, left_s - backup_s)
    return first.p_fail < 1 and until(first, share_s)[0] > 0 and _beside(first, device, share_s, left_s, worth).holds


@value
class _Beside:
    """What becomes of a call beside which the device was started: the probabilities of a wrong answer and of none in
    time, and for how many seconds both run; and whether the device's answer waits for the call's."""

    ends: tuple[float, float, float]
    holds: bool


def _beside(first: Prospect, device: Prospect, share_s: float, left_s: float, worth: Worth) -> _Beside:
    if device.holds:
        return _Beside(_held(first, device, share_s, left_s), True)
    at_once = _side_by_side(first, device, share_s, left_s)
    if device.holds is None and first.p_wrong < device.p_wrong:
        waiting = _held(first, device, share_s, left_s)
        second = worth.second + worth.joule * (first.watts + device.watts)
        costs, waits = (
            worth.wrong_answer * wrong + worth.missed_deadline * missed + second * seconds
            for wrong, missed, seconds in (at_once, waiting)
        )
        if waits < costs:
            return _Beside(waiting, True)
    return _Beside(at_once, False)


def _held(first: Prospect, device: Prospect, share_s: float, left_s: float) -> tuple[float, float, float]:
    """Return what becomes of a call as _side_by_side does, where the device's answer waits for it until it has to be
    handed back."""
    window_s, runs = left_s - share_s, 1 - device.p_fail
    calls = [(ends_s - share_s, p) for ends_s, p in _ends(first, share_s, left_s - HAND_BACK_S)]
    answers = [(ends_s, p * runs) for ends_s, p in _ends(device, 0.0, window_s)]
    no_call = max(0.0, 1 - sum(p for _, p in calls))
    missed = no_call * max(0.0, 1 - sum(p for _, p in answers))
    wrong = sum(p for _, p in calls) * first.p_wrong
    seconds = missed * window_s + sum(p * call_s for call_s, p in calls)
    for answer_s, p_answer in answers:
        wrong += no_call * p_answer * device.p_wrong
        seconds += no_call * p_answer * max(answer_s, window_s - HAND_BACK_S)
    return wrong, missed, seconds


def _side_by_side(first: Prospect, device: Prospect, share_s: float, left_s: float) -> tuple[float, float, float]:
    """Return what becomes of a call that has not answered in `share_s`, once the device runs beside it: the
    probabilities of a wrong answer and of none in time, and for how many seconds both run."""
    window_s, runs = left_s - share_s, 1 - device.p_fail
    calls = [(ends_s - share_s, p) for ends_s, p in _ends(first, share_s, left_s)]
    answers = [(ends_s, p * runs) for ends_s, p in _ends(device, 0.0, window_s)]
    no_call = max(0.0, 1 - sum(p for _, p in calls))
    no_answer = max(0.0, 1 - sum(p for _, p in answers))
    wrong, missed = 0.0, no_call * no_answer
    seconds = missed * window_s
    for call_s, p_call in calls:
        wrong += p_call * no_answer * first.p_wrong
        seconds += p_call * no_answer * call_s
        for answer_s, p_answer in answers:
            p = p_call * p_answer
            wrong += p * (first.p_wrong if call_s <= answer_s else device.p_wrong)
            seconds += p * min(call_s, answer_s)
    for answer_s, p_answer in answers:
        wrong += no_call * p_answer * device.p_wrong
        seconds += no_call * p_answer * answer_s
    return wrong, missed, seconds


def _ends(target: Prospect, from_s: float, until_s: float) -> list[tuple[float, float]]:
    """Return when a target ends that has not by `from_s`, and how probable each of these is: those that are in time."""
    times_s = target.times_s
    later = over(times_s, from_s) if from_s > 0 else 1.0
    in_time = 1 - over(times_s, until_s) / later if later > 0 else 0.0
    if in_time <= 0:
        return []
    known = [(one_s, weight) for one_s, weight in zip(times_s, WEIGHTS, strict=True) if from_s < one_s <= until_s]
    if not known:
        return [(until_s, in_time)]
    total = sum(weight for _, weight in known)
    return [(one_s, in_time * weight / total) for one_s, weight in known]
