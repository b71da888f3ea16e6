"""The table `[breaker]`: when a target that fails is left alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part, told

__all__ = ["BreakerPart"]


class BreakerPart(Part):
    """When a remote target that fails is left alone. The breaker is on, also without this table; the defaults follow
    Envoy's outlier detection."""

    consecutive: Annotated[
        int,
        Field(ge=1, le=1000),
        told(
            "So many failures in a row open it.",
            unit="calls",
            reason="Envoy's: a target that is up hardly fails five times in a row.",
        ),
    ] = 5
    failure_share: Annotated[
        float,
        Field(gt=0, le=1),
        told(
            "So does this share of failures, of at least `min_calls` calls within `window_s`.",
            unit="share",
            reason="A target that answers one call of seven is worth less than what it costs to try.",
        ),
    ] = 0.85
    min_calls: Annotated[
        int,
        Field(ge=1, le=100_000),
        told(
            "Fewer calls than this say nothing about a share.",
            unit="calls",
            reason="As Envoy's volume, scaled down to what one device asks in `window_s`.",
        ),
    ] = 20
    window_s: Annotated[
        float,
        Field(gt=0, le=3600),
        told(
            "How far back calls are counted: between half of it and all of it.",
            unit="s",
            reason="Envoy's interval: what failed earlier says little of now.",
        ),
    ] = 10.0
    open_s: Annotated[
        float,
        Field(gt=0, le=3600),
        told(
            "How long it stays open the first time; the second time twice as long, and so on. Also how long a target "
            "is left alone that refuses a call and does not say when to come again.",
            unit="s",
            reason="Envoy's base ejection time: a restart takes about as long.",
        ),
    ] = 30.0
    max_open_s: Annotated[
        float,
        Field(gt=0, le=86_400),
        told(
            "It never stays open for longer than this, nor is any pause longer that a target asks for. Not less than "
            "`open_s`.",
            unit="s",
            reason="Envoy's: a target that is back is found within five minutes.",
        ),
    ] = 300.0
    jitter: Annotated[
        float,
        Field(ge=0, le=0.5),
        told(
            "Share by which a pause is stretched or shortened at random, so that a fleet does not come back in one "
            "instant.",
            unit="share",
            reason="A tenth of 30 s spreads a fleet's first probes over 6 s, and delays nobody noticeably.",
        ),
    ] = 0.1
    probes: Annotated[
        int,
        Field(ge=1, le=100),
        told(
            "Calls that may try at a time once the pause is over.",
            unit="calls",
            reason="One call tells; more would put more requests at risk to learn the same.",
        ),
    ] = 1
