"""What one call, or one run, teaches: of the network, of the radio, and of the model on its target. Pure.

What its parts explain is taken off first: the queue that the target told of, the bytes, the round trip, a radio that
woke. What is left is the ratio."""

from __future__ import annotations

from typing import Final

from router.choosing.predict import BELIEVED_ROUND_TRIP_S, MEDIAN, NO_TIME
from router.experience.admission import Admission
from router.experience.book import Book
from router.experience.cells import Awake
from router.experience.device_runs import BATCH, DeviceRuns
from router.experience.known import Known
from router.types import DEVICE, QUANTILES, TimeEstimate

__all__ = ["learn_answer", "learn_least", "learn_runs"]

# What is stopped at a deadline is believed to take a bucket longer than it was let run.
_AS_LONG: Final = 1.03
# Of one that was forgotten, a call that was given up sooner than three of four would have ended tells nothing: somebody
# else was quicker.
_QUARTER: Final = QUANTILES.index(0.25)
_NOT_LOOKED_AT: Final = TimeEstimate(NO_TIME, 0)  # once there are observations


def learn_answer(
    known: Known, call: Admission, book: Book, sent_bytes: int, received_bytes: int, taken_s: float, now: float
) -> bool:
    """Learn from a call that answered; what its target's queue explains is taken off `taken_s`. Returns whether its
    target looks otherwise by now."""
    forgotten = book.seen(now)
    # Of calls that are believed to have found the radio awake, those after the shortest silence are the most certain.
    heard = book.cells.awake(call.way.measured, call.way.link, known.radios.wakes(call.way.link).awake)
    base_s, blind, moved = _learn_way(known, call, heard, sent_bytes, received_bytes, taken_s, now)
    wake_s = _learn_wake(known, call, heard, taken_s, base_s)
    otherwise = book.cells.observe(call.key, taken_s, base_s, wake_s, blind, now)
    return book.answered(received_bytes) or otherwise or moved or forgotten


def _learn_way(
    known: Known, call: Admission, heard: Awake, sent_bytes: int, received_bytes: int, taken_s: float, now: float
) -> tuple[float, bool, bool]:
    """Learn of the network, and return what the call should have been predicted to take with the radio awake, whether
    that is with nothing known of the round trip, and whether the network looks otherwise by now. What size and round
    trip explain must not make requests look slow that are small, or near. `heard`: see Cells.awake."""
    way, service_s = call.way, call.way.service_s[MEDIAN]
    path = known.path(call.target, way.link)
    moved = path.seen(now)
    told_s = path.called.times_s
    trip_s = None if way.round_trip_s is None else way.round_trip_s[MEDIAN]
    beyond_s = taken_s - way.base_s + way.carried_s
    wakes = known.radios.wakes(way.link)
    awake = call.silence == 0 or (call.silence < wakes.awake and (heard is None or call.silence <= heard[0]))
    if awake or (heard is None and not way.blind):
        moved = path.learn_pace(sent_bytes, received_bytes, beyond_s - call.wake_s, now) or moved
    else:
        # After a silence it is anybody's guess what of it was the radio's. What no radio takes was the bytes'.
        beyond_s -= wakes.at_most_s(call.silence)
        if beyond_s > sum(path.carried_s(sent_bytes, received_bytes)):
            moved = path.learn_pace(sent_bytes, received_bytes, beyond_s, now) or moved
    up_s, down_s = path.carried_s(sent_bytes, received_bytes)
    carried_s = up_s + down_s
    if awake and path.knows(sent_bytes, received_bytes):
        path.called.observe(taken_s - carried_s - service_s)
    if not way.measured and path.called.times_s is not None:
        trip_s = path.called.times_s[MEDIAN]
    believed_s = BELIEVED_ROUND_TRIP_S[MEDIAN] if trip_s is None else trip_s
    # One that was measured by itself is predicted with, whatever calls tell.
    moved = moved or not (way.measured or path.called.times_s is told_s)
    return service_s + believed_s + carried_s, trip_s is None, moved


def _learn_wake(known: Known, call: Admission, heard: Awake, taken_s: float, base_s: float) -> float:
    """Learn how long the radio took to wake, where it is known what the call would have taken without, and return
    what is believed of that now."""
    link, radios = call.way.link, known.radios
    wakes = radios.wakes(link)
    if heard is not None and heard[0] < call.silence and radios.used_at(link) is not None:
        beyond_s = taken_s - base_s * heard[1]
        if wakes.observe(call.silence, beyond_s):
            known.all_changed()
    return wakes.medians_s[call.silence]


def learn_least(known: Known, call: Admission, book: Book, least_s: float, now: float) -> bool:
    """Learn that a call would have taken `least_s` or longer; which is news only where less was thought possible.
    Where more was believed, it took what was believed; else it is told apart from one that ended then: of calls that
    are stopped at one deadline, none would have been in time. Returns whether its target looks otherwise by now.

    One that was forgotten and is as slow as it was is not new: what was known of it holds again. Else it would be
    believed to be quick, and be waited for in vain, for as long as that is news to nobody."""
    base_s, wakes = call.way.base_s, known.radios.wakes(call.way.link)
    prior = call.way.prior(wakes, call.silence)
    believed = book.cells.estimate(call.key, base_s, call.wake_s, call.way.blind, lambda: prior)
    forgotten = book.recency.forgotten
    if least_s <= (prior.quantiles_s[_QUARTER] if forgotten else believed.optimistic_s):
        return False
    if forgotten and least_s <= believed.pessimistic_s:
        book.recency.seen(now)
        if least_s <= believed.optimistic_s:
            return True
    else:
        book.seen(now)
    least_s = max(least_s * _AS_LONG, believed.median_s)
    return book.cells.observe(call.key, least_s, base_s, call.wake_s, call.way.blind, now) or forgotten


def learn_runs(known: Known, noted: DeviceRuns) -> None:
    """Learn from the device runs that were noted."""
    predicted_s = known.device_prior()[MEDIAN]
    taken_by_model: dict[str, list[float]] = {}
    for model, taken_s, now, failed in noted.take():
        book = known.book(DEVICE, model)
        if not failed:
            taken_by_model.setdefault(model, []).append(taken_s)
            book.recency.asked()
            if book.seen(now):
                known.changed(DEVICE)
        known.power.ran(taken_s)
        if book.ended(failed, now):
            known.changed(DEVICE)
    for model, taken in taken_by_model.items():
        book = known.book(DEVICE, model)
        runs, changed = book.runs, book.ran(taken, predicted_s)
        if changed:
            known.changed(DEVICE)
        if runs.samples >= BATCH and (changed or not noted.knows(model)):
            low_s, *_, high_s = runs.estimate(predicted_s, _NOT_LOOKED_AT).quantiles_s
            noted.are_usual(model, low_s, high_s)
    for model, least_s, now in noted.take_given_up():
        known.power.ran(least_s)
        if _learn_least_run(known, known.book(DEVICE, model), least_s, now):
            known.changed(DEVICE)


def _learn_least_run(known: Known, book: Book, least_s: float, now: float) -> bool:
    """Learn that a run would have taken `least_s` or longer. Returns whether the device looks otherwise by now.

    One that was forgotten and takes longer than was believed then is as it was: what was known of it holds again."""
    prior_s = known.device_prior()
    believed_s = book.run_time(prior_s).quantiles_s
    forgotten = book.recency.forgotten
    if least_s * _AS_LONG <= believed_s[MEDIAN]:
        return False
    book.recency.seen(now)
    return book.runs.observe_least(least_s, prior_s[MEDIAN]) or forgotten
