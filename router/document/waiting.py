"""The tables `[backup]`, `[hedge]`, `[retry]` and `[throttle]`: what is done while a target is waited for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Milliseconds, Part, Share, told

__all__ = ["BackupPart", "HedgePart", "RetryPart", "ThrottlePart"]


class BackupPart(Part):
    """Starting the device beside a remote target, just in time for the deadline; the first good answer is taken."""

    eps: Annotated[
        float,
        Field(ge=0.001, le=0.5),
        told(
            "Share of requests that may miss the deadline because the device took longer than expected. Less starts it "
            "earlier.",
            unit="share",
            reason="One in twenty is the last quantile that an estimate carries; beyond it times are extrapolated.",
        ),
    ] = 0.05
    uncertified: Annotated[
        Literal["weigh", "return", "hold"],
        told(
            "What is done with an answer of a device that was asked beside a remote target, where it is not certain "
            "(not certified, where a promise is asked for): returned at once, held for the remote's until the "
            "deadline, or whichever of these is expected to cost less.",
            reason="An answer at hand is worth more than a hope, and less than a better one that is all but there.",
        ),
    ] = "weigh"


class HedgePart(Part):
    """Asking the plan's next target as well where the first takes longer than in 19 of 20 cases. Without this table
    there are no hedges: each is one more call to pay for."""

    share: Annotated[
        float,
        Field(gt=0, le=0.05),
        told(
            "Share of requests that may be hedged.",
            unit="share",
            reason="Two in a hundred reach most of the slowest; above a twentieth hedges slow a slow server further.",
        ),
    ] = 0.02


class RetryPart(Part):
    """Asking a target again that could not be reached, where nobody else is left to ask. Inference changes nothing, so
    that asking twice is safe, and both calls bear the request's id."""

    attempts: Annotated[
        int,
        Field(ge=1, le=4),
        told(
            "Calls to one target for one request, the first included; 1: no retries.",
            unit="calls",
            reason="One lost connection is common, two in a row are an outage, and somebody waits for the answer.",
        ),
    ] = 2
    base_ms: Annotated[
        Milliseconds,
        told(
            "The pause before the second call is anything up to this; before each further one, up to twice as much.",
            unit="ms",
            reason="gRPC's and Envoy's order of magnitude: time for a connection to be made anew.",
        ),
    ] = 50.0
    max_ms: Annotated[
        Milliseconds,
        told("No pause is longer than this.", unit="ms", reason="Beyond a second few still wait for the answer."),
    ] = 1000.0
    tokens: Annotated[
        float,
        Field(ge=1, le=1000),
        told(
            "A target's stock of tokens. A call that fails by its fault costs one; from half of the stock down nothing "
            "is retried there.",
            unit="tokens",
            reason="gRPC's retry throttling: five failures in a row are an outage, which retries make worse.",
        ),
    ] = 10.0
    per_success: Annotated[
        float,
        Field(gt=0, le=1),
        told(
            "Tokens that an answer brings back.",
            unit="tokens",
            reason="gRPC's retry throttling: with more than one failure for ten answers retries run dry.",
        ),
    ] = 0.1
    active_share: Annotated[
        Share,
        told(
            "Share of the calls under way to a target that may be retries.",
            unit="share",
            reason="Envoy's retry budget: whatever happens, load grows by no more than a fifth.",
        ),
    ] = 0.2
    active_min: Annotated[
        int,
        Field(ge=0, le=100),
        told(
            "So many retries at a time are allowed whatever that share comes to.",
            unit="calls",
            reason="Envoy's retry budget: a fifth of two calls would be none.",
        ),
    ] = 3


class ThrottlePart(Part):
    """Keeping calls back from a target that fails or refuses many of them, after Google's SRE book."""

    k: Annotated[
        float,
        Field(ge=1, le=10),
        told(
            "Calls let through for each one that is accepted. Less keeps calls back earlier, and for longer.",
            unit="calls",
            reason="The SRE book's: it begins once more than half of the calls fail, and recovery shows quickly.",
        ),
    ] = 2.0
    window_s: Annotated[
        float,
        Field(ge=1, le=3600),
        told(
            "How far back calls count.",
            unit="s",
            reason="The SRE book's two minutes, which is longer than any call takes.",
        ),
    ] = 120.0
    min_rps: Annotated[
        float,
        Field(ge=0, le=1e6),
        told(
            "Calls a second to a target below which nothing is kept back.",
            unit="per second",
            reason="Fewer are no load, and too few to tell a bad target from a bad moment: Envoy's threshold.",
        ),
    ] = 5.0
    max_reject: Annotated[
        float,
        Field(ge=0, le=0.99),
        told(
            "At most this share is kept back; 0: none.",
            unit="share",
            reason="Envoy's: one call in five still goes, and finds out when the target is well again.",
        ),
    ] = 0.8
