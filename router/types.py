"""The values that routing is about: targets, readings, a request and the situation it is decided in.

Plain frozen values without behaviour beyond what they derive from themselves. `now`, `at` and deadlines are monotonic
seconds of one clock; a name with `_utc` would be wall time, and there is none here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from router.signals import SIGNALS, Signal, signal
from router.values import value

__all__ = [
    "DEVICE",
    "QUANTILES",
    "SIGNALS",
    "BreakerPhase",
    "BudgetView",
    "EvaluatedThreshold",
    "Kind",
    "Mode",
    "Previous",
    "Promise",
    "Radio",
    "Reading",
    "Request",
    "Resource",
    "Signal",
    "Situation",
    "TargetView",
    "TimeAfter",
    "TimeEstimate",
    "Value",
    "WakeAfter",
    "signal",
]

Value = float | bool | str
"""What a reading holds when it is known."""


class Kind(StrEnum):
    """What sort of place a target is. Everything but the device is reached over a network."""

    DEVICE = "device"
    FOG = "fog"
    CLOUD = "cloud"


DEVICE: Final = "device"
"""The device's own name as a target; there is one."""


class Mode(StrEnum):
    """How a policy chooses: four fixed orders, and `auto`, which weighs."""

    ONLY_ON_DEVICE = "only_on_device"
    PREFER_ON_DEVICE = "prefer_on_device"
    PREFER_IN_CLOUD = "prefer_in_cloud"
    ONLY_IN_CLOUD = "only_in_cloud"
    AUTO = "auto"


class BreakerPhase(StrEnum):
    """See breaker.py."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@value
class Reading:
    """One measured signal. A value of None is unknown: the source could not tell, and says nothing friendlier."""

    name: str
    value: Value | None
    source: str
    at: float


QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Where a distribution of times is carried; few enough that two of them combine in 25 sums."""


@value
class TimeEstimate:
    """How long a target would take for this request: seconds at QUANTILES, rising. `samples` is 0 for a prior."""

    quantiles_s: tuple[float, float, float, float, float]
    samples: int

    @property
    def optimistic_s(self) -> float:
        return self.quantiles_s[0]

    @property
    def median_s(self) -> float:
        return self.quantiles_s[2]

    @property
    def pessimistic_s(self) -> float:
        return self.quantiles_s[4]


@value
class TimeAfter:
    """How long a target would take after its radio was silent for `idle_s` or longer, up to the next one's `idle_s`."""

    idle_s: float
    time: TimeEstimate


@value
class TargetView:
    """One target as it looks to one request.

    `serves` False comes with `why_not`, which a breaker that is open may have as well. `upload_bytes` is what would
    cross the network (0 for the device), `upload_limit_bytes` the most that a message may hold. `p_wrong` is None until
    an evaluation tells. `queue_wait_s`, `stay_local_s` and `pushback_s` are what the target said of itself a moment
    ago: see advice.py; `time` has the wait in it.

    What follows is None where it is not known. `download_bytes` is what answers were long lately. `times_after` says
    what `time` would be after each length of silence, rising from 0, and is empty where silence makes no difference."""

    name: str
    kind: Kind
    serves: bool
    why_not: str
    upload_bytes: int
    upload_limit_bytes: int
    time: TimeEstimate
    p_fail: float
    p_wrong: float | None
    breaker: BreakerPhase
    breaker_admits: bool
    queue_wait_s: float | None = None
    stay_local_s: float = 0.0
    pushback_s: float = 0.0
    download_bytes: int | None = None
    round_trip_s: float | None = None
    upload_bytes_per_s: float | None = None
    download_bytes_per_s: float | None = None
    times_after: tuple[TimeAfter, ...] = ()


@value
class WakeAfter:
    """How long the radio takes to wake, in seconds at QUANTILES, after a silence of `idle_s` or longer, up to the next
    one's `idle_s`."""

    idle_s: float
    wake_s: tuple[float, float, float, float, float]


@value
class Radio:
    """What remote calls go through, as it was when the last of them ended; what a silence makes of it is for whoever
    knows `now`. The same for all targets."""

    kind: str | None
    """What the reading of `link` says; None where nothing does."""
    used_at: float | None
    """The instant of the last remote traffic of ours; None where there was none yet."""
    gaps_s: tuple[float, ...] = ()
    """Seconds between requests, in ascending order: each as likely as any other. Empty before there were two."""
    wakes: tuple[WakeAfter, ...] = ()
    """Rising from a silence of 0; empty where nothing says that it ever sleeps."""


class Resource(StrEnum):
    """What can be spent: joules, dollars, megabytes."""

    ENERGY = "energy"
    MONEY = "money"
    BYTES = "bytes"


@value
class BudgetView:
    """A budget as it stands: see budget.py. `left` is less than 0 where the last spending was more than was left;
    `price` is what one unit costs now, beside what it is worth."""

    resource: Resource
    left: float
    price: float


@value
class Previous:
    """The last choice for this model and label: its name, the first target of its plan, and since when it has been
    the choice."""

    choice: str
    first: str
    since: float


@value
class EvaluatedThreshold:
    """What a release's evaluation says of escalating at scores of at most `below`: which `share` of requests that is,
    and by how much of all requests more is right then (`gain`; it can be less than 0)."""

    below: float
    share: float
    gain: float


@value
class Promise:
    """What a release's certificate says to this request, for a policy that asks for a promise.

    "in_force": answers with a score strictly above `threshold` may stay, which is some share `kept` of them.
    "uncovered": there is no promise for it. "alarm": production no longer is what was certified. `why` says more of
    the latter two, and of a request that is decided on the terms in force and is not what they were certified for
    (`covers` False)."""

    state: Literal["in_force", "uncovered", "alarm"]
    why: str = ""
    threshold: float = 0.0
    kept: float = 0.0
    covers: bool = True


@value
class Request:
    """One inference that the app asked for. `label` None means the app gave none, which is the strictest."""

    id: str
    model: str
    label: str | None
    deadline: float
    can_score: bool
    """Whether the release says where a device answer's confidence is read."""
    audit: bool = False
    """Whether it was drawn, before anything was known of it, to see if the promise holds."""


@value
class Situation:
    """All that a decision may depend on, beside the policy. Decide twice on equal situations: equal decisions."""

    request: Request
    readings: Mapping[str, Reading]
    targets: tuple[TargetView, ...]
    p_escalate: float | None
    """Share of this model's device answers that were not certain enough lately; None before there were any."""
    now: float
    promise: Promise | None = None
    """None where the policy asks for none."""
    radio: Radio | None = None
    """None where there is none, or nothing is known of it."""
    device_w: float | None = None
    """What runs on the device were seen to draw, in watts; None where the profile has to do."""
    budgets: tuple[BudgetView, ...] = ()
    """How the budgets of the policy in force stand. One that is not among them was not begun."""
    silent_wakes: int = 0
    """Wakes of the radio in a row that no call followed."""
    draw: float | None = None
    """Drawn evenly from [0, 1) for this request, to explore by; None: it does not."""
    previous: Previous | None = None
    thresholds: tuple[EvaluatedThreshold, ...] = ()
    """What the release's evaluation says of thresholds on the device's score, rising; empty where it says nothing."""
