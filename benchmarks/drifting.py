"""What is out of scope, and noise that fools both models: what of it stays on the device, and how soon it is noticed.

`python -m benchmarks drifting`, on the data under NEARFAR_DATA. The drift test looks at every request, the watch at
the few that are audited; both raise a false alarm with a probability that was fixed before."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.certifying.drifting import ALARM_DELTA, AUDITED, Noticed, Seen, certified, noticed, seen_of, told
from benchmarks.certifying.intents import clinc150
from benchmarks.certifying.outcomes import Pair
from benchmarks.certifying.pictures import cifar10, noisy_cifar10
from cloud_service.publish.certify import Certified
from cloud_service.publish.splits import Split
from cloud_service.publish.terminal import watch

__all__ = ["main"]

_ALPHA: Final = 0.01
_DELTA: Final = 0.1
_STREAMS: Final = 20
_QUIET: Final = 300
_MOST: Final = 20_000
_QUIET_MOST: Final = 2000
_NOISES: Final = (8.0, 16.0, 32.0, 64.0)
_NOISY: Final = 1000


def main() -> None:
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        print("drift: left out, as NEARFAR_DATA names no folder of models and data")
        return
    print(f"drift: median requests until an alarm, over {_STREAMS} streams of up to {_MOST}; {AUDITED:.0%} are audited")
    with watch() as progress:
        _out_of_scope(clinc150(Path(data), progress))
        pair = cifar10(Path(data), progress)
        noisy = {deviation: noisy_cifar10(Path(data), deviation, _NOISY, progress) for deviation in _NOISES}
    _noise(pair, noisy)


def _out_of_scope(pair: Pair) -> None:
    assert pair.strange is not None and pair.strange_outcomes is not None
    made, split = certified(pair, _ALPHA, _DELTA, seed=1)
    usual = _usual(pair, made, split)
    odd = pair.strange_outcomes
    strange = seen_of(made, odd.answers, pair.strange[made.kind], odd.disagree)
    print(f"\n  {pair.name} ({pair.about}), certified at {_ALPHA:.0%} with labels, {made.kind}")
    print(f"    stays on the device: {usual.kept.mean():.1%} in scope, {strange.kept.mean():.1%} out of scope")
    quiet = noticed(made, usual, usual, 0.0, streams=_QUIET, most=_QUIET_MOST)
    alarms = sum(not math.isinf(count) for count in quiet.drift) / _QUIET
    print(f"    false alarms of the drift test: {alarms:.3f} of {_QUIET} quiet streams of {_QUIET_MOST} requests")
    print(f"      (its delta is {ALARM_DELTA:g})")
    for share in (0.05, 0.2, 1.0):
        _print(f"{share:.0%} out of scope", noticed(made, usual, strange, share, streams=_STREAMS, most=_MOST))


def _noise(pair: Pair, noisy: dict[float, Pair]) -> None:
    made, split = certified(pair, _ALPHA, _DELTA, seed=1)
    usual = _usual(pair, made, split)
    print(f"\n  {pair.name} ({pair.about}), certified at {_ALPHA:.0%} with labels, {made.kind}")
    for deviation, under in noisy.items():
        outcomes = under.outcomes
        assert outcomes.device_right is not None and outcomes.remote_right is not None
        strange = seen_of(made, outcomes.answers, under.confidences[made.kind], outcomes.disagree)
        print(
            f"    noise of {deviation:g}: right {outcomes.device_right.mean():.1%} on the device, "
            f"{outcomes.remote_right.mean():.1%} in the cloud; {strange.kept.mean():.1%} is kept, "
            f"{strange.lost.mean():.1%} kept and disagreed on (promised: {made.promises[0].alpha_d:.1%})"
        )
        _print("all of it", noticed(made, usual, strange, 1.0, streams=_STREAMS, most=_MOST))


def _usual(pair: Pair, made: Certified, split: Split) -> Seen:
    rows, outcomes = np.sort(split.evaluate), pair.outcomes
    return seen_of(made, outcomes.answers[rows], pair.confidences[made.kind][rows], outcomes.disagree[rows])


def _print(what: str, found: Noticed) -> None:
    print(f"      {what:18} drift test: {told(found.drift):34} watch: {told(found.watch)}", flush=True)
