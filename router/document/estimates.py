"""The table `[estimates]`: how predictions follow what is measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part, Seconds, told

__all__ = ["EstimatesPart"]


class EstimatesPart(Part):
    """How fast predictions of time follow what is measured."""

    memory_samples: Annotated[
        int,
        Field(ge=2, le=10_000),
        told(
            "So many answers weigh in a prediction of time; older ones fade.",
            unit="answers",
            reason="A device that starts to throttle shows within as many answers.",
        ),
    ] = 20
    forget_after_s: Annotated[
        Seconds,
        told(
            "What was passed over for so long, and by 24 requests, is forgotten, and the prior speaks again; a remote "
            "target in use until lately, after an eighth of both at first; a device that was tried again in vain, "
            "after twice as long each time, up to 64 times.",
            unit="s",
            reason="A target that looked bad is given another chance within a minute, unless requests are rare.",
        ),
    ] = 60.0
