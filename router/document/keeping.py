"""The tables `[escalation]` and `[promise]`: which answers of the device may stay."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Part, Share, told

__all__ = ["EscalationPart", "PromisePart"]


class EscalationPart(Part):
    """Asking a remote target when the device is not certain, in mode auto. Without this table that is done as with
    `below = "best"`, but only where the release's evaluation tried thresholds; and where a promise is asked for that no
    certificate covers, not at all."""

    below: Annotated[
        Share | Literal["best", "never"],
        told(
            "At and below this score the device's answer is not certain enough. best: of the thresholds that the "
            "release's evaluation tried, the one that costs least for this request; where it tried none, 0.5. "
            "never: no answer is doubted.",
            unit="score",
            reason="Scores of different models mean different things, so there is no threshold that fits all.",
        ),
    ]
    recovers: Annotated[
        Share,
        told(
            "Share of what the device gets wrong and the remote right that this threshold is believed to catch. Of a "
            "threshold that was evaluated it is known.",
            unit="share",
            reason="A threshold that is worth having catches most of it; what it does catch is not measured.",
        ),
    ] = 0.9
    share: Annotated[
        Share,
        told(
            "Share of requests believed to escalate, until the last answers tell.",
            unit="share",
            reason="About what a threshold on confidence let go of CIFAR-10 at a point of lost accuracy; what is seen "
            "outweighs it soon.",
        ),
    ] = 0.3


class PromisePart(Part):
    """What keeping the device's answers may cost, held to by a release's certificate. Without it nothing is promised.

    Where no certificate covers a request, `escalation` decides as it would without this table; without that table,
    too, no answer of the device is kept while a remote target can be asked. Such an answer is not called certified."""

    max_loss: Annotated[
        float,
        Field(ge=0.0001, le=0.5),
        told(
            "The accuracy lost over all requests is at most this (alpha) ...",
            unit="share",
            reason="How much accuracy may go is what only the policy's author knows.",
        ),
    ]
    confidence: Annotated[
        float,
        Field(ge=0.5, le=0.9999),
        told(
            "... with this probability over calibrations.",
            unit="probability",
            reason="One calibration in ten may be too lucky; more certainty needs more data for the same threshold.",
        ),
    ] = 0.9
    audit: Annotated[
        float,
        Field(ge=0, le=0.5),
        told(
            "Share of requests that are also put to a remote target, where their label allows it, to see whether the "
            "promise holds.",
            unit="share",
            reason="One of fifty shows a broken promise within some thousand requests, and costs hardly more calls.",
        ),
    ] = 0.02
