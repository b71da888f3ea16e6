"""Who lives through a scene: mode auto, the simple rules that it has to stand up to, one whose policy is replaced
half-way, and one that explores, from whose log that is estimated."""

from __future__ import annotations

from typing import Final

from benchmarks.backtest.living import Contender
from benchmarks.backtest.scene import CLOUD
from router.simulate.baselines import BASELINES, Baseline, always, cascade
from router.types import DEVICE

__all__ = ["AUTO", "EXPLORES", "RULES", "SWAPPED", "contenders", "hasty", "policy"]

# A second of waiting weighs as some three of ten wrong answers, so that on these networks neither side always wins.
_WORTH: Final = "worth = { second = 0.3 }\n"
_ASKS: Final = 'escalation = { below = "best" }\n'
_HASTY: Final = "worth = { second = 3.0 }\n"
# So much that its log tells of other policies as soon as a log can.
_EXPLORES: Final = "exploration = { share = 0.5 }\n"
# A log tells of another policy only where a plan that both have means the same to both: one threshold.
_ASKS_BELOW: Final = "escalation = { below = 0.5 }\n"
AUTO, SWAPPED, EXPLORES = "auto", "auto, then hasty", "auto, exploring"


def policy(body: str, *, name: str = "auto", version: int = 1) -> str:
    """Return a policy document."""
    return f'schema = 1\nname = "{name}"\nversion = {version}\n{body}'


def hasty() -> str:
    """Return the policy that replaces the first one half-way."""
    return policy(_HASTY + _ASKS_BELOW, name="hasty", version=2)


def _rules() -> tuple[Baseline, ...]:
    by_name = {rule.name: rule for rule in BASELINES}
    named = [by_name[name] for name in ("prefer-device", "prefer-cloud", "latency-argmin")]
    return (always(DEVICE), always(CLOUD), *named, cascade(0.7))


RULES: Final = _rules()
"""Those that mode auto is compared with."""


def contenders(seconds: float) -> list[Contender]:
    """Return all of them, for a scene of so many seconds."""
    mine = policy(_WORTH + _ASKS)
    return [
        Contender(AUTO, ((0.0, mine),)),
        Contender(SWAPPED, ((0.0, mine), (seconds / 2, hasty()))),
        Contender(EXPLORES, ((0.0, policy(_WORTH + _ASKS_BELOW + _EXPLORES)),)),
        *(Contender(rule.name, ((0.0, mine),), rule) for rule in RULES),
    ]
