"""The tables `[radio]`, `[exploration]` and `[hysteresis]`: what a choice looks at beside this one request."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part, Share, Worth, told

__all__ = ["ExplorationPart", "HysteresisPart", "RadioPart"]


class RadioPart(Part):
    """What is done about a radio that falls asleep. That a call leaves it awake for the next request is always worth
    what that one gains by it, where gaps between requests and times after a silence are known."""

    wake: Annotated[
        bool,
        told(
            "Whether a request that is answered on the device may wake the radio for those that follow. The target is "
            "asked for its life after the answer is given; nothing of the request is sent.",
            reason="It draws on the battery and tells the target that the device is there, which nobody asked for. "
            "Give `worth.joule` along with it.",
        ),
    ] = False
    silent_wakes: Annotated[
        int,
        Field(ge=1, le=1000),
        told(
            "After so many wakes in a row that no call followed, the radio is left alone: until a call goes out by "
            "itself, or for a minute, after which one of them is forgotten.",
            unit="wakes",
            reason="Three wakes without a use are a pattern that the gaps did not tell.",
        ),
    ] = 3


class ExplorationPart(Part):
    """Forced choices, so that targets which are never chosen are known of as well."""

    share: Annotated[
        Share,
        told(
            "Share of requests in mode auto that take one of the feasible plans at random.",
            unit="share",
            reason="A forced choice costs somebody time, money or an upload that they did not ask for. Estimates that "
            "are not renewed are forgotten, and the target has another chance then: no share is needed for that.",
        ),
    ] = 0.0


class HysteresisPart(Part):
    """Staying with the last choice for a model and label. Without this table each request is decided by itself."""

    margin: Annotated[
        Worth,
        told(
            "The last choice is kept while it costs less than this much more than the cheapest.",
            unit="wrong answers",
            reason="How much is noise depends on the model and on what things are worth.",
        ),
    ] = 0.0
    dwell_s: Annotated[
        float,
        Field(ge=0, le=86_400),
        told(
            "For so long the last choice is kept, as long as it is feasible; also the first target of a fixed mode, "
            "where rules change the mode.",
            unit="s",
            reason="How often it may change is for whoever sees the changes to say.",
        ),
    ] = 0.0
