"""How hard hypothesis tries: the same examples each time, few enough for every commit; to hunt, other ones and more:

NEARFAR_EXAMPLES=3000 python -m pytest tests/properties"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["effort", "tries"]

_HUNT = os.environ.get("NEARFAR_EXAMPLES")
_PATIENT = [HealthCheck.too_slow]


def tries(examples: int, **more: int) -> settings:
    """Return settings that try so many examples, unless it is a hunt."""
    return settings(
        max_examples=int(_HUNT or examples),
        derandomize=_HUNT is None,
        suppress_health_check=_PATIENT,
        **more,  # type: ignore[arg-type]  # settings' own keywords
    )


effort = tries(60)
