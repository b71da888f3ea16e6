"""Whether a new policy does more harm than the one it replaced: its requests fail more often, or more of them are
answered remotely, than its author allows for. Pure: counts and instants come in, a verdict goes out.

What was usual under the old policy is a fading share; the new one is held against that and what may be added, by the
same kind of bet that watches a promise (cascade/watch.py): while the policy keeps within its bounds, it is held to be
bad with a probability of one in a thousand at most, however often one looks. Who counts, and who goes back to the old
policy, is the caller's affair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from router.cascade.watch import Watch, begin_watch, observe_counts
from router.values import value

__all__ = ["NOTHING_USUAL", "Probation", "RevertTerms", "Tally", "Usual", "begin", "learn", "observe"]

FALSE_ALARM: Final = 0.001
# What is usual fades by half in so long: the last hours tell, and yesterday's outage does not.
HALF_LIFE_S: Final = 3600.0
# Of fewer requests no share is usual; then that side is not judged.
MIN_REQUESTS: Final = 50.0


@dataclass(frozen=True, slots=True)
class RevertTerms:
    """See document.RevertPart."""

    error_rise: float
    remote_rise: float
    within_s: float


@value
class Tally:
    """Requests that ended: all of them, those that got no answer, and those that a remote target answered."""

    requests: int = 0
    failed: int = 0
    remote: int = 0

    def since(self, before: Tally) -> Tally:
        """Return what came after `before`."""
        return Tally(self.requests - before.requests, self.failed - before.failed, self.remote - before.remote)


@value
class Usual:
    """What was counted so far, each request weighing less by the time that has passed since."""

    requests: float = 0.0
    failed: float = 0.0
    remote: float = 0.0
    at: float = 0.0


NOTHING_USUAL: Final = Usual()


@value
class Probation:
    """A policy that is being watched. `verdict` says what is wrong with it, empty while nothing is."""

    until: float
    errors: Watch | None
    remote: Watch | None
    error_limit: float
    remote_limit: float
    seen: Tally = Tally()
    verdict: str = ""


def learn(usual: Usual, more: Tally, now: float) -> Usual:
    """Take what was counted since the last time."""
    kept = 0.5 ** (max(0.0, now - usual.at) / HALF_LIFE_S)
    return Usual(
        usual.requests * kept + more.requests, usual.failed * kept + more.failed, usual.remote * kept + more.remote, now
    )


def begin(usual: Usual, terms: RevertTerms, now: float) -> Probation | None:
    """Return the probation of a policy that replaces the one under which `usual` was counted; None where too little was
    counted to say what is usual."""
    if usual.requests < MIN_REQUESTS:
        return None
    error_limit = usual.failed / usual.requests + terms.error_rise
    remote_limit = usual.remote / usual.requests + terms.remote_rise
    return Probation(now + terms.within_s, _watch(error_limit), _watch(remote_limit), error_limit, remote_limit)


def observe(probation: Probation, more: Tally, now: float) -> Probation | None:
    """Take what was counted since the last time, under the new policy; None once it has stood the test."""
    errors = _bet(probation.errors, more.failed, more.requests)
    remote = _bet(probation.remote, more.remote, more.requests)
    before = probation.seen
    seen = Tally(before.requests + more.requests, before.failed + more.failed, before.remote + more.remote)
    verdict = ""
    if errors is not None and errors.alarm:
        verdict = _told("got no answer", seen.failed, seen.requests, probation.error_limit)
    elif remote is not None and remote.alarm:
        verdict = _told("were answered remotely", seen.remote, seen.requests, probation.remote_limit)
    if not verdict and now >= probation.until:
        return None
    return Probation(probation.until, errors, remote, probation.error_limit, probation.remote_limit, seen, verdict)


def _watch(limit: float) -> Watch | None:
    # Nothing is above all.
    return begin_watch(limit, FALSE_ALARM) if limit < 1.0 else None


def _bet(watch: Watch | None, hits: int, requests: int) -> Watch | None:
    return None if watch is None else observe_counts(watch, hits, requests - hits)


def _told(what: str, count: int, requests: int, limit: float) -> str:
    return f"{count} of {requests} requests {what}, where {limit:.0%} is the most allowed"
