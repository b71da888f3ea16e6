"""How hard hypothesis tries: the same examples each time, few enough for every commit; to hunt, other ones and more:

    NEARFAR_EXAMPLES=3000 python -m pytest tests/properties

`make check` tries a tenth, with `--hypothesis-profile quick`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["effort", "tries"]

_HUNT = os.environ.get("NEARFAR_EXAMPLES")
_PATIENT = [HealthCheck.too_slow]
_SHARE = settings.default.max_examples / 100


def tries(examples: int, **more: int) -> settings:
    """Return settings that try so many examples, unless it is a hunt."""
    return settings(
        max_examples=int(_HUNT or max(1, examples * _SHARE)),
        derandomize=_HUNT is None,
        suppress_health_check=_PATIENT,
        **more,  # type: ignore[arg-type]  # settings' own keywords
    )


effort = tries(60)
