"""The tables `[targets.NAME]`: what is believed of a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Milliseconds, Part, Share

__all__ = ["TargetPart"]


class TargetPart(Part):
    """What is believed of a target before anything was measured, and what a call costs."""

    kind: Literal["device", "fog", "cloud"] | None = None
    """Wanted where the name is not itself a kind."""
    p_wrong: Share | None = None
    """Share of wrong answers, where the release's evaluation does not tell."""
    prior_ms: Annotated[list[Milliseconds], Field(min_length=2, max_length=2)] | None = None
    """5 % and 95 % quantile of its time without the network's, where nothing was measured lately."""
    usd_per_request: Annotated[float, Field(ge=0, le=1e6)] = 0.0
