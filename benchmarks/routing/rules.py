"""The decision rules of other products and papers, written anew from what their documentation and code say, as rules
for the simulator. Each has its source beside it, as of 2025.

They decide; everything else is the same for all: times, failures, the radio, what answers are worth. None of them obeys
less than a label. What none of them says, because its product leaves it to the app, is left as simple as it can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from router.choosing.plan import Escalation
from router.rules.policy import Policy
from router.simulate.baselines import BASELINES, Baseline, Offer, Order, always
from router.spending.prospects import amount
from router.types import DEVICE, Resource, TargetView

__all__ = ["PEERS", "Xybrid", "entropy_threshold", "firebase_prefer_in_cloud", "neurosurgeon_energy", "sedna"]

# -- KubeEdge Sedna, joint inference -----------------------------------------------------------------------------------
#
# lib/sedna/core/joint_inference/joint_inference.py: the small model always answers first; where the hard example mining
# algorithm calls the answer hard, the cloud is asked, and where the cloud fails, the small model's answer stands.
# lib/sedna/algorithms/hard_example_mining/hard_example_mining.py, all defaults 0.5:
#   Threshold      hard where the mean of the boxes' scores is below 0.5
#   IBT            hard where the share of boxes with a score of at most 0.5 is at least 1 - 0.5
#   CrossEntropy   hard where 1 + sum(p ln p) / ln n over the n classes' probabilities is below 0.5
# A classifier's answer is one box. Of its distribution the simulator has the largest probability; the rest is taken to
# be spread evenly, which makes the entropy as large as it can be.

_DEFAULT: Final = 0.5
_CLASSES: Final = 10


def sedna(name: str, below: float) -> Baseline:
    """Return Sedna's joint inference with a filter that calls answers hard whose score is at most `below`."""

    def rule(offer: Offer) -> Order:
        asks = offer.remotes and offer.situation.request.can_score
        return offer.device, Escalation(offer.remotes[0].name, below) if asks else None

    return Baseline(f"sedna-{name}", rule, stubborn=True)


def entropy_threshold(least: float = _DEFAULT, classes: int = _CLASSES) -> float:
    """Return the largest probability with which CrossEntropy's confidence is `least`, the rest being spread evenly."""

    def confidence(p: float) -> float:
        rest = (1 - p) / (classes - 1)
        entropy = -sum(each * math.log(each) for each in (p, *[rest] * (classes - 1)) if each > 0)
        return 1 - entropy / math.log(classes)

    low, high = 1 / classes, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if confidence(middle) < least:
            low = middle
        else:
            high = middle
    return low


# "Below" is not "at most".
_SEDNA: Final = (
    sedna("threshold", math.nextafter(_DEFAULT, 0)),
    sedna("ibt", _DEFAULT),
    sedna("cross-entropy", math.nextafter(entropy_threshold(), 0)),
)


# -- Firebase AI Logic, hybrid inference -------------------------------------------------------------------------------
#
# firebase.google.com/docs/reference/kotlin/com/google/firebase/ai/InferenceMode:
#   ONLY_ON_DEVICE, ONLY_IN_CLOUD   that one, or an error
#   PREFER_ON_DEVICE                the device; where it cannot answer, the cloud
#   PREFER_IN_CLOUD                 the cloud; the device where the device is offline, and not for any other failure


def firebase_prefer_in_cloud(offer: Offer) -> Order:
    """Return the order of PREFER_IN_CLOUD."""
    link = offer.situation.readings.get("link")
    offline = link is not None and link.value == "none"
    return (offer.device if offline or not offer.remotes else offer.remotes[:1]), None


def _only_in_cloud(offer: Offer) -> Order:
    return offer.remotes[:1], None


def _prefer_on_device(offer: Offer) -> Order:
    return offer.all, None


_FIREBASE: Final = (
    Baseline("firebase-only-on-device", always(DEVICE).rule, stubborn=True),
    Baseline("firebase-prefer-on-device", _prefer_on_device, stubborn=True),
    Baseline("firebase-prefer-in-cloud", firebase_prefer_in_cloud, stubborn=True),
    Baseline("firebase-only-in-cloud", _only_in_cloud, stubborn=True),
)


# -- xybrid ------------------------------------------------------------------------------------------------------------
#
# crates/xybrid-core/src/orchestrator/routing_engine.rs, DefaultRoutingEngine::decide, the first that holds:
#   cloud denied by policy                               local
#   round trip above 250 ms                              local
#   no local model                                       cloud
#   battery below 20 %, or thermal state hot or worse    cloud   (HardwareCapabilities::should_throttle)
#   memory pressure critical                             cloud
#   processor at 95 % or more for two decisions          cloud
#   battery below 15 %                                   cloud
#   an accelerator, and battery above 30 %               local   (HardwareCapabilities::should_prefer_gpu)
#   else                                                 cloud
# The phones here have accelerators. What fails is tried with the other one.

_FAR_S: Final = 0.25
_LOW_PCT: Final = 20.0
_ACCELERATED_PCT: Final = 30.0
_BUSY: Final = 0.95
_SUSTAINED: Final = 2


class Xybrid:
    """Its routing engine, which remembers how busy the processor was. One for each run."""

    def __init__(self) -> None:
        self._busy_for = 0

    def __call__(self, offer: Offer) -> Order:
        """Return whom it asks."""
        local, cloud = (*offer.device, *offer.remotes), (*offer.remotes, *offer.device)
        if not offer.remotes or not offer.device:
            return offer.all, None
        far_s = offer.remotes[0].round_trip_s
        if far_s is not None and far_s > _FAR_S:
            return local, None
        level, load = offer.reading("battery_pct"), offer.reading("cpu_load")
        if (level is not None and level < _LOW_PCT) or offer.reading("throttled"):
            return cloud, None
        self._busy_for = self._busy_for + 1 if load is not None and load >= _BUSY else 0
        if self._busy_for >= _SUSTAINED:
            return cloud, None
        return (local if level is None or level > _ACCELERATED_PCT else cloud), None


# -- Neurosurgeon ------------------------------------------------------------------------------------------------------
#
# Kang et al., ASPLOS 2017: split a network's layers between phone and server where the predicted latency, or the
# phone's energy, is least. The models here are two and not one in two parts, which leaves the two ends: all of it here,
# or all of it there.


def neurosurgeon_energy(policy: Policy) -> Baseline:
    """Return the split for the least energy, by what `policy` believes of the device's and the radio's."""

    def rule(offer: Offer) -> Order:
        def joules(view: TargetView) -> float:
            return amount(policy, offer.situation, view, Resource.ENERGY)

        return sorted(offer.all, key=joules), None

    return Baseline("neurosurgeon-energy", rule)


def _neurosurgeon_latency(_: Policy) -> Baseline:
    quickest = next(baseline for baseline in BASELINES if baseline.name == "latency-argmin")
    return Baseline("neurosurgeon-latency", quickest.rule)


Peer = Callable[[Policy], Baseline]


def _fixed(baseline: Baseline) -> Peer:
    return lambda _: baseline


PEERS: Final[tuple[Peer, ...]] = (
    *map(_fixed, _SEDNA),
    *map(_fixed, _FIREBASE),
    lambda _: Baseline("xybrid", Xybrid()),
    _neurosurgeon_latency,
    neurosurgeon_energy,
)
"""Each makes a rule for one run, by the policy that says what things are worth: a rule may remember, and a run must not
begin with what another one has left."""
