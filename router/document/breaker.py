"""The table `[breaker]`: when a target that fails is left alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part

__all__ = ["BreakerPart"]


class BreakerPart(Part):
    """When a remote target that fails is left alone; defaults after Envoy's outlier detection."""

    consecutive: Annotated[int, Field(ge=1, le=1000)] = 5
    failure_share: Annotated[float, Field(gt=0, le=1)] = 0.85
    min_calls: Annotated[int, Field(ge=1, le=100_000)] = 20
    window_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    open_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    max_open_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    probes: Annotated[int, Field(ge=1, le=100)] = 1
