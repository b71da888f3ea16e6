"""The table `[estimates]`: how predictions follow what is measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part

__all__ = ["EstimatesPart"]


class EstimatesPart(Part):
    """How fast predictions of time follow what is measured."""

    memory_samples: Annotated[int, Field(ge=2, le=10_000)] = 20
    """A device that starts to throttle shows within as many answers."""
    forget_after_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """A target that looked bad is given another chance after this long."""
