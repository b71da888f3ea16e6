"""The same pair certified again and again, each time on a fresh draw, and judged by what is true.

A promise is about chance: of all calibrations that might have been drawn, at most a share delta may end with a
threshold that loses more than alpha. So each redraw takes a fit set from the examples, calls what is left the
population, and draws the calibration set from that *with replacement*: its examples are then independent draws of a
population whose expected loss is known to the last digit, being the mean over all of it. Nothing is estimated, and no
violation is missed or invented by the noise of a held-out set. (Drawn without replacement, calibration and the rest
are two halves of one whole: what is rich in one is poor in the other, and a threshold judged on the rest alone would
seem to break its promise where it does not.)

The product's own `certify_outcomes` does all of it: which confidence, the table, the grid, the threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.certifying import betting
from benchmarks.certifying.outcomes import KINDS, Pair
from cloud_service.publish.certify import certify_outcomes
from cloud_service.publish.data import Array
from cloud_service.publish.splits import SHARES, Split
from router.cascade.learn import Method, certify, grid_of

__all__ = ["CERTIFIED", "DELTA", "Point", "Setting", "Told", "best_fixed", "points", "redraw"]

DELTA: Final = 0.1
CERTIFIED: Final = "gain table"
_BETTING: Final = "gain table, by betting"


@dataclass(frozen=True, slots=True)
class Setting:
    """How one set of redraws is made: by which method, with how many to calibrate on, for which alphas."""

    method: Method
    n: int
    alphas: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Of one contender in one redraw: what it escalates of the population, and whether it breaks its promise."""

    contender: str
    alpha: float
    escalated: float
    broken: bool


@dataclass(frozen=True, slots=True)
class Point:
    """Over all redraws: share escalated, its deviation, share of broken promises, by contender. `ahead` is how much
    less the product escalates than each, and `unsure` the standard error of that, redraw by redraw. `hindsight` is what
    somebody would escalate who knew every answer."""

    pair: str
    setting: Setting
    alpha: float
    redraws: int
    escalated: Mapping[str, float]
    deviation: Mapping[str, float]
    broken: Mapping[str, float]
    ahead: Mapping[str, float]
    unsure: Mapping[str, float]
    hindsight: float

    @property
    def bound(self) -> float:
        """What the share of broken promises may be: delta, and two standard errors of as many redraws."""
        return DELTA + 2.0 * math.sqrt(DELTA * (1.0 - DELTA) / self.redraws)


def best_fixed(point: Point) -> str:
    """Return the kind of confidence whose certified threshold escalates least, in the mean over redraws."""
    return min(KINDS, key=lambda kind: point.escalated[kind])


def points(
    pair: Pair, settings: Sequence[Setting], redraws: int, progress: Callable[[str, int, int], None], *, processes: int
) -> list[Point]:
    """Certify `redraws` times by each of `settings`."""
    found: list[Point] = []
    jobs = [(setting, seed) for setting in settings for seed in range(redraws)]
    told: dict[Setting, list[list[Told]]] = {setting: [] for setting in settings}
    with ProcessPoolExecutor(processes, initializer=_begin, initargs=(pair,)) as pool:
        for done, ((setting, _), one) in enumerate(
            zip(jobs, pool.map(_again, jobs, chunksize=5), strict=True), start=1
        ):
            told[setting].append(one)
            progress(f"{pair.name}: redraw", done, len(jobs))
    for setting, all_told in told.items():
        gains = _gains(pair, setting.method)
        for alpha in setting.alphas:
            flat = [one for several in all_told for one in several if one.alpha == alpha]
            found.append(_point(pair.name, setting, alpha, redraws, flat, gains))
    return found


def redraw(pair: Pair, setting: Setting, seed: int) -> list[Told]:
    """Return what one redraw comes to, for the product and for each fixed threshold on confidence alone."""
    chance = np.random.default_rng([setting.n, seed])
    order = chance.permutation(len(pair))
    fitted = round(setting.n * SHARES[0] / SHARES[1])
    fit, population = order[:fitted], order[fitted:]
    calibrate = population[chance.integers(0, len(population), setting.n)]
    outcomes = pair.outcomes if setting.method is Method.LABELS else pair.without_labels()
    split = Split(fit, calibrate, population, "redrawn")
    made = certify_outcomes(outcomes, pair.confidences, split, setting.alphas, DELTA)
    told = [Told(CERTIFIED, p.alpha, 1.0 - p.kept, p.loss > p.alpha) for p in made.promises]
    gains = outcomes.gains
    for kind in KINDS:
        scores = pair.confidences[kind].astype(np.float32).astype(np.float64)
        grid = grid_of(scores[fit].tolist())
        for alpha in setting.alphas:
            certified = certify(
                scores[calibrate].tolist(), gains[calibrate].tolist(), grid, alpha, DELTA, setting.method
            )
            told.append(_told(kind, alpha, certified.value, scores, gains, population))
    if setting.method is Method.LABELS:
        for alpha in setting.alphas:
            value = _by_betting(made.scores[calibrate], gains[calibrate], made.grid, alpha)
            told.append(_told(_BETTING, alpha, value, made.scores, gains, population))
    return told


_pair: Pair | None = None
"""Of a worker process: handed over once, and not with every job."""


def _begin(pair: Pair) -> None:
    global _pair
    _pair = pair


def _again(job: tuple[Setting, int]) -> list[Told]:
    assert _pair is not None
    return redraw(_pair, *job)


def _told(contender: str, alpha: float, value: float, scores: Array, gains: Array, rows: Array) -> Told:
    kept = scores[rows] > value
    return Told(contender, alpha, float(1.0 - kept.mean()), float((kept * gains[rows]).mean()) > alpha)


def _by_betting(scores: Array, gains: Array, grid: Iterable[float], alpha: float) -> float:
    """Return the last threshold that passes by betting before the first that fails; the draw is the shuffle."""
    passed = math.inf
    for threshold in grid:
        losses = np.where(scores > threshold, gains, 0).tolist()
        if betting.p_value(losses, len(losses), alpha, DELTA) > DELTA:
            break
        passed = threshold
    return passed


def _gains(pair: Pair, method: Method) -> Array:
    return pair.outcomes.gains if method is Method.LABELS else pair.without_labels().gains


def _point(pair: str, setting: Setting, alpha: float, redraws: int, told: Sequence[Told], gains: Array) -> Point:
    by_contender: dict[str, list[Told]] = {}
    for one in told:
        by_contender.setdefault(one.contender, []).append(one)
    shares = {name: np.array([one.escalated for one in ones]) for name, ones in by_contender.items()}
    return Point(
        pair,
        setting,
        alpha,
        redraws,
        {name: float(part.mean()) for name, part in shares.items()},
        {name: float(part.std()) for name, part in shares.items()},
        {name: sum(one.broken for one in ones) / len(ones) for name, ones in by_contender.items()},
        {name: float((part - shares[CERTIFIED]).mean()) for name, part in shares.items()},
        {name: float((part - shares[CERTIFIED]).std() / math.sqrt(redraws)) for name, part in shares.items()},
        max(0.0, float(gains.mean()) - alpha),
    )
