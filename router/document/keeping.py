"""The tables `[escalation]` and `[promise]`: which answers of the device may stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part, Share

__all__ = ["EscalationPart", "PromisePart"]


class EscalationPart(Part):
    """Asking a remote target when the device is not certain. Without this table there is none."""

    below: Share
    """At and below this score the device's answer is not certain enough."""
    recovers: Share = 0.9
    """Share of what the device gets wrong and the remote right that this threshold is believed to catch."""
    share: Share = 0.3
    """Share of requests believed to escalate, until the last answers tell."""


class PromisePart(Part):
    """What keeping the device's answers may cost, held to by a release's certificate. Without it nothing is promised.

    Where no certificate covers a request, `escalation` decides as it would without this table; without that table,
    too, no answer of the device is kept while a remote target can be asked. Such an answer is not called certified."""

    max_loss: Annotated[float, Field(ge=0.0001, le=0.5)]
    """alpha: the accuracy lost over all requests is at most this ..."""
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.9
    """... with this probability over calibrations."""
    audit: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Share of requests that are also put to a remote target, where their label allows it, to see whether it holds."""
