"""Every plan that there is to choose from in mode auto, and what each is expected to cost. Pure.

The device's come first: keeping its answer, then asking a remote target where it is not certain, then a remote target
with the device behind it. A plan that leaves the radio awake is credited what that is worth to the next request (see
ahead.py); and where a sleeping radio is worth waking, the best plan that begins on the device may also do that."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace
from typing import Final

from router.choosing.ahead import awake_worth, time_after, worth_between
from router.choosing.hysteresis import WAKES
from router.choosing.keeping import Keeping
from router.choosing.objective import Candidate, Expectation, Prospect, cascade, cost, with_times
from router.choosing.outlook import Outlook, expect
from router.rules.policy import EscalationTerms, Policy
from router.rules.thresholds import at, cheapest
from router.spending.energy import extra_j, remote_j
from router.spending.radio import idle_s
from router.types import Kind, Situation, TargetView
from router.values import value

__all__ = ["WAKE_BYTES", "Option", "options"]

WAKE_BYTES: Final = 400
"""What asking a target for its life takes, its transport's frames included."""


@value
class Option:
    """A plan that can be chosen: its targets in order, who is asked where the device is not certain, and to whom the
    radio is woken afterwards."""

    candidate: Candidate
    order: list[TargetView]
    asks: TargetView | None = None
    wakes: TargetView | None = None
    below: float = 0.0
    """At and below this score, where it asks."""


def options(policy: Policy, situation: Situation, seen: Outlook, terms: Keeping) -> tuple[list[Option], float]:
    """Return the plans in the order of consideration, with the worth of an awake radio credited to those that leave it
    so; and that worth, which is Gamma."""
    found = _plain(policy, situation, seen, terms)
    gamma = _gamma(policy, situation, seen, found)
    if gamma == 0.0:
        return found, 0.0
    credited = [
        Option(_credited(option.candidate, gamma), option.order, option.asks, option.wakes, option.below)
        for option in found
    ]
    if (waking := _waking(policy, situation, seen, credited, gamma)) is not None:
        credited.append(waking)
    return credited, gamma


def _plain(policy: Policy, situation: Situation, seen: Outlook, terms: Keeping) -> list[Option]:
    device, remotes, left_s = seen.device, seen.remotes, seen.left_s
    escalation = terms.escalation if situation.request.can_score else None
    found: list[Option] = []

    def consider(
        name: str, expected: Expectation, order: list[TargetView], asks: TargetView | None = None, below: float = 0.0
    ) -> None:
        found.append(Option(Candidate(name, cost(expected, seen.worth), expected), order, asks, below=below))

    if device is not None:
        order = [device, *remotes]
        kept = expect(order, seen.prospects, left_s, seen.worth)
        if terms.keeps_all or not remotes:
            consider(device.name, kept, order)
        if escalation is not None:
            # On certified terms the certificate says how many stay. What was seen lately would not do: a run of
            # escalations makes the device dear, and then nothing is seen any more that could correct it.
            lately = None if terms.by == "gain" else situation.p_escalate
            near = seen.prospects[device.name]
            for remote in remotes:
                far = seen.prospects[remote.name]
                asking, share = escalation, escalation.share if lately is None else lately
                if situation.thresholds and terms.by == "confidence":
                    evaluated = _evaluated(
                        situation, seen, escalation, kept, near, far, _least_wrong(policy, situation)
                    )
                    if evaluated is None:
                        continue  # asking costs more than it gains, however few are asked
                    asking, share = evaluated, evaluated.share
                expected = cascade(kept, near, far, asking, share, left_s)
                consider(f"{device.name}, then {remote.name} if uncertain", expected, order, remote, asking.below)
    for remote in remotes:
        others = [view for view in remotes if view is not remote]
        order = [remote, *others] if device is None else [remote, device, *others]
        consider(remote.name, expect(order, seen.prospects, left_s, seen.worth), order)
    return found


def _evaluated(
    situation: Situation,
    seen: Outlook,
    escalation: EscalationTerms,
    kept: Expectation,
    near: Prospect,
    far: Prospect,
    least_wrong: float,
) -> EscalationTerms | None:
    """Return what the evaluation says of the threshold that the policy names, or where it names none of the one that
    costs least now; None where every one costs more than it gains. An escalating plan's cost is linear in the share
    that is asked and in what that gains, so that two sums tell all of them.

    The evaluation asked the target that is wrong least. Of the answers that are asked of another one, so many fewer are
    right as it is wrong more often."""
    alone, worse = cost(kept, seen.worth), max(0.0, far.p_wrong - least_wrong)

    def terms(below: float, share: float, gain: float) -> EscalationTerms:
        return EscalationTerms(below, escalation.recovers, share, escalation.best, gain - worse * share)

    def costs(share: float, gain: float) -> float:
        asking = terms(escalation.below, share, gain)
        return cost(cascade(kept, near, far, asking, share, seen.left_s), seen.worth) - alone

    if not escalation.best:
        named = at(situation.thresholds, escalation.below)
        return terms(named.below, named.share, named.gain)
    found = cheapest(situation.thresholds, costs(1.0, 0.0), -costs(0.0, 1.0))
    return None if found is None else terms(found.below, found.share, found.gain)


def _least_wrong(policy: Policy, situation: Situation) -> float:
    """Return how often the best remote target is wrong, whether or not it may be asked now."""
    remotes = (view for view in situation.targets if view.kind is not Kind.DEVICE)
    return min(
        policy.terms_for(view.name, view.kind).p_wrong if view.p_wrong is None else view.p_wrong for view in remotes
    )


def _gamma(policy: Policy, situation: Situation, seen: Outlook, found: list[Option]) -> float:
    """Return the worth of leaving the radio awake: nothing where nobody knows when the next request comes, or that
    silence makes a difference."""
    radio = situation.radio
    if radio is None or not radio.gaps_s or seen.device is None or not seen.remotes:
        return 0.0
    remote = seen.remotes[0]
    power = policy.energy.power_of(radio.kind)
    weighs_energy = seen.worth.joule > 0 and (power.tail_w > 0 or power.wake_j > 0)
    if len(remote.times_after) < 2 and not weighs_energy:
        return 0.0
    # Neither with Gamma. On the device: the cheapest plan that begins there.
    stays = min((option.candidate.cost for option in found if option.order[0] is seen.device), default=None)
    if stays is None:
        return 0.0  # under an alarm, say, everything is asked for: the radio is as awake whatever is chosen
    order, prospects = [remote, seen.device], dict(seen.prospects)
    received_bytes, joule = remote.download_bytes or 0, seen.worth.joule
    known: dict[int, float] = {}
    silences_s = [after.idle_s for after in remote.times_after]

    def slept(silence: int) -> float:
        """v after one of the silences, but for the energy that it takes to end it."""
        worth = known.get(silence)
        if worth is None:
            times_s = time_after(remote, silences_s[silence - 1] if silence else 0.0).quantiles_s
            prospects[remote.name] = with_times(seen.prospects[remote.name], times_s, 0.0)
            worth = known[silence] = stays - cost(expect(order, prospects, seen.left_s, seen.worth), seen.worth)
        return worth

    def better_by(idle: float) -> float:
        """v(i). The first target of a plan is asked in any case, so that what it takes beside its time is added."""
        return slept(bisect_right(silences_s, idle)) - joule * extra_j(power, remote.upload_bytes, received_bytes, idle)

    idle, wake = idle_s(situation), _wake_cost(policy, situation, seen)
    if weighs_energy:
        return awake_worth(better_by, radio.gaps_s, idle, wake)
    # Then the few silences count, and each gap that ends in the same one with and without what went before cancels out.
    more_often = [0] * (len(silences_s) + 1)
    for gap in radio.gaps_s:
        more_often[bisect_right(silences_s, gap)] += 1
        more_often[bisect_right(silences_s, idle + gap)] -= 1
    differing = [(slept(silence), more) for silence, more in enumerate(more_often) if more]
    return worth_between(differing, len(radio.gaps_s), wake)


def _wake_cost(policy: Policy, situation: Situation, seen: Outlook) -> float:
    """Return what waking the radio for nobody costs; infinity where it may not be done."""
    radio = situation.radio
    if radio is None or not policy.radio.wake or situation.silent_wakes >= policy.radio.silent_wakes:
        return math.inf
    power = policy.energy.power_of(radio.kind)
    joules = remote_j(power, seen.remotes[0].round_trip_s or 0.0, WAKE_BYTES, WAKE_BYTES, math.inf)
    return seen.worth.joule * joules + seen.worth.megabyte * WAKE_BYTES / 1e6


def _waking(policy: Policy, situation: Situation, seen: Outlook, found: list[Option], gamma: float) -> Option | None:
    """Return the best plan that begins on the device, with a wake of the radio after it; None where it is awake, or is
    to be left alone."""
    radio, idle = situation.radio, idle_s(situation)
    if radio is None or not policy.radio.wake or situation.silent_wakes >= policy.radio.silent_wakes:
        return None
    power = policy.energy.power_of(radio.kind)
    if gamma <= 0 or not power.asleep(idle):
        return None
    best = min(
        (option for option in found if option.order[0] is seen.device),
        key=lambda option: option.candidate.cost,
    )
    remote, expected = seen.remotes[0], best.candidate.expected
    # Only where nothing was sent by then.
    asleep = 1.0 - expected.radio
    round_trip_s = 0.0 if remote.round_trip_s is None else remote.round_trip_s
    also = replace(
        expected,
        joules=expected.joules + asleep * remote_j(power, round_trip_s, WAKE_BYTES, WAKE_BYTES, idle),
        megabytes=expected.megabytes + asleep * WAKE_BYTES / 1e6,
        radio=1.0,
    )
    candidate = Candidate(best.candidate.name + WAKES, cost(also, seen.worth) - gamma, also)
    return replace(best, candidate=candidate, wakes=remote)


def _credited(candidate: Candidate, gamma: float) -> Candidate:
    expected = candidate.expected
    return Candidate(candidate.name, candidate.cost - gamma * expected.radio, expected)
