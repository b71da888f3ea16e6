"""The tables `[targets.NAME]`: what is believed of a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Milliseconds, Part, Share, told

__all__ = ["TargetPart"]


class TargetPart(Part):
    """What is believed of a target before anything was measured, and what a call costs."""

    kind: Annotated[
        Literal["device", "fog", "cloud"] | None,
        told(
            "What sort of place the target is.",
            reason="A target that is called as its kind needs no other word; of any other name it is wanted, unless "
            "the agent's configuration has it.",
        ),
    ] = None
    p_wrong: Annotated[
        Share | None,
        told(
            "Share of wrong answers, where the release's evaluation does not tell.",
            unit="share",
            reason="Without it 0.1 for the device and 0.05 for a remote target: the full model is taken to err half as "
            "often as the small one.",
        ),
    ] = None
    prior_ms: Annotated[
        Annotated[list[Milliseconds], Field(min_length=2, max_length=2)] | None,
        told(
            "5 % and 95 % quantile of its time without the network's, where nothing was measured lately.",
            unit="ms",
            reason="Without it 0.5 and 20 for the device, 1 and 40 for a remote target: a range that most models are "
            "in, and that a few answers correct.",
        ),
    ] = None
    usd_per_request: Annotated[
        float,
        Field(ge=0, le=1e6),
        told(
            "What one call costs; weighed by `worth.dollar`.",
            unit="US dollars per call",
            reason="What a call costs is told by nobody but the policy's author.",
        ),
    ] = 0.0
