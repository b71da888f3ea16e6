"""Every field of a policy: how far it may be turned and why so far, or why it is never turned. Pure.

Ranges are where a number still does what its field is for, and well within what the schema allows; a start that lies
outside of its range widens it to itself. A field that is in neither table fails a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from router.toml.edit import Value

__all__ = ["KNOBS", "NEVER", "Knob"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One field that may be turned: to a number from `low` to `high`, or to one of `besides`; with `options`, to those
    alone."""

    path: str
    why: str
    """The reason for its range."""
    low: float = 0.0
    high: float = 0.0
    scale: Literal["log", "linear"] = "log"
    besides: tuple[Value, ...] = ()
    options: tuple[Value, ...] = ()
    whole: bool = False
    needs: str = ""
    """The knob without which it does nothing, or stands in no table."""
    only_down: bool = False
    """`low` and `high` are shares of what the start says: what it limits is never widened."""
    per: str = ""
    """`low` and `high` are divided by what the start says there."""


_WORTH: Final = "from a fiftieth to fifty times the default: beyond that one term decides everything, or nothing"
_BUDGETS: Final = tuple(
    knob
    for table, amount in (("energy", "amount_j"), ("money", "amount_usd"), ("bytes", "amount_mb"))
    for knob in (
        Knob(
            f"budgets.{table}.{amount}",
            "down to a tenth; never up, because what may be spent is the author's to say",
            0.1,
            1.0,
            only_down=True,
        ),
        Knob(
            f"budgets.{table}.eta",
            "from a price that takes an hour to follow, by steps of a minute, to one that leaps",
            0.05,
            2.0,
        ),
        Knob(
            f"budgets.{table}.step_s",
            "from some requests a step to a tenth of the shortest period",
            10,
            360,
            whole=True,
        ),
        Knob(
            f"budgets.{table}.price_min",
            "from next to nothing to what keeps most calls back from the start",
            1e-4,
            1e2,
            per=f"budgets.{table}.{amount}",
        ),
        Knob(
            f"budgets.{table}.price_max",
            "from a price that hardly holds back to one that nothing is worth",
            1e0,
            1e6,
            per=f"budgets.{table}.{amount}",
        ),
    )
)

KNOBS: Final = (
    Knob("worth.missed_deadline", _WORTH, 0.02, 50.0),
    Knob("worth.failed_request", _WORTH, 0.02, 50.0),
    Knob("worth.second", _WORTH, 0.001, 2.5, besides=(0.0,)),
    Knob(
        "worth.dollar",
        "from a fiftieth of the default to what a wrong answer costs at a hundredth of a cent",
        0.02,
        1e4,
    ),
    Knob(
        "worth.megabyte",
        "from a fiftieth of the default to where a picture weighs as much as a wrong answer",
        2e-5,
        10.0,
    ),
    Knob(
        "worth.joule",
        "from where a day's calls weigh nothing to where one call weighs as a wrong answer",
        1e-5,
        0.1,
        besides=(0.0,),
    ),
    Knob(
        "escalation.below",
        "all scores at which some answers are certain and some are not",
        0.05,
        0.99,
        "linear",
        besides=("best",),
    ),
    *_BUDGETS,
    Knob("radio.wake", "on or off", options=(False, True)),
    Knob(
        "radio.silent_wakes",
        "from one disappointment to more than anybody's patience",
        1,
        100,
        whole=True,
        needs="radio.wake",
    ),
    Knob(
        "exploration.share",
        "from one request in a thousand to one in ten, above which it costs more than it can teach",
        0.001,
        0.1,
        besides=(0.0,),
    ),
    Knob(
        "hysteresis.margin",
        "up to a fifth of a wrong answer: beyond it nothing would ever change",
        0.001,
        0.2,
        besides=(0.0,),
    ),
    Knob(
        "hysteresis.dwell_s",
        "from the gap between two requests to five minutes, in which any network has changed",
        1,
        300,
        besides=(0.0,),
    ),
    Knob(
        "breaker.consecutive",
        "from one chance failure and another to twice what is called an outage",
        2,
        10,
        whole=True,
    ),
    Knob("breaker.open_s", "from a few seconds, which spare a server that is down, to two minutes", 5, 120),
    Knob("retry.attempts", "what the schema has", options=(1, 2, 3, 4)),
    Knob("retry.base_ms", "from at once to half a second, after which few still wait", 5, 500),
    Knob("retry.max_ms", "from a tenth of a second to five", 100, 5000),
    Knob("backup.eps", "what the schema has", 0.001, 0.5),
    Knob("backup.uncertified", "what the schema has", options=("weigh", "return", "hold")),
    Knob("hedge.share", "up to what the schema has: above it hedges slow a slow server further", 0.002, 0.05),
    Knob("estimates.memory_samples", "from what three answers say to what an hour of use does", 3, 200, whole=True),
    Knob("estimates.forget_after_s", "from two gaps between requests to half an hour", 5, 1800),
)
"""Those of `[worth]` are told in its unit; costs are judged by what the start says things are worth, whatever the
search makes of them."""

_CROWD: Final = "it protects servers from a crowd, which a scenario of one device does not have"
_PERIOD: Final = "how long a period is belongs to what may be spent"
_CAP: Final = "whether a budget is a cap is the author's to say"
_BELIEF: Final = "it is a belief, which a release's evaluation takes the place of, and a scenario's models have one"
NEVER: Final[Mapping[str, str]] = {
    "schema": "it is the document's form",
    "name": "it is the policy's name",
    "version": "it rises by one with each tuned policy",
    "mode": "whom to ask first, or never, is said outright; some modes are a promise of privacy",
    "labels": "privacy is never traded",
    "rules": "they say what people want outright",
    "targets": "they are facts and beliefs, and a belief is no preference",
    "escalation.recovers": _BELIEF,
    "escalation.share": _BELIEF,
    "energy": "it tells what hardware draws",
    "stale_after_s": "it tells how long a sensor's word holds",
    "promise": "a promise is kept, and not made cheaper",
    "revert": "it guards against policies that harm",
    "worth.wrong_answer": "it is the unit that all else is told in",
    "throttle": _CROWD,
    "breaker.failure_share": _CROWD,
    "breaker.min_calls": _CROWD,
    "breaker.window_s": _CROWD,
    "breaker.max_open_s": _CROWD,
    "breaker.jitter": _CROWD,
    "breaker.probes": _CROWD,
    "retry.tokens": _CROWD,
    "retry.per_success": _CROWD,
    "retry.active_share": _CROWD,
    "retry.active_min": _CROWD,
    "budgets.energy.per": _PERIOD,
    "budgets.money.per": _PERIOD,
    "budgets.bytes.per": _PERIOD,
    "budgets.energy.at_zero": _CAP,
    "budgets.money.at_zero": _CAP,
    "budgets.bytes.at_zero": _CAP,
    "budgets.energy.charging_w": "it tells what a charger gives",
}
"""Field, or table -> why it stays as it is."""
