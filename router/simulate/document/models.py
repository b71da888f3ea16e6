"""The tables `[models.NAME]`: what a model takes, what crosses the network, and who is right."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from router.document.form import Milliseconds, Name, Part, told
from router.simulate.document.series import FileName

__all__ = ["AnswersPart", "ModelPart"]

Accuracy = Annotated[float, Field(gt=0, lt=1)]


class AnswersPart(Part):
    """Who is right: four numbers, or measured examples."""

    accuracy: Annotated[
        dict[Name, Accuracy] | None,
        told(
            "Target -> share of requests that it answers rightly; of the device and of each target that serves the "
            "model.",
            unit="share",
            reason="Wanted unless examples tell.",
        ),
    ] = None
    auroc: Annotated[
        Annotated[float, Field(ge=0.5, le=0.9999)] | None,
        told(
            "How well the device's score tells its right answers from its wrong ones: the probability that a right one "
            "has the higher score.",
            unit="probability",
            reason="0.85 without it: small image classifiers have 0.8 to 0.9.",
        ),
    ] = None
    overconfidence: Annotated[
        Annotated[float, Field(ge=0.1, le=20)] | None,
        told(
            "The score's logit is so many times what would be right; 1 is calibrated.",
            unit="factor",
            reason="1 without it.",
        ),
    ] = None
    correlation: Annotated[
        Annotated[float, Field(ge=-1, le=1)] | None,
        told(
            "Correlation of a target's being right with the device's: what is hard for one is hard for the other.",
            unit="correlation",
            reason="0.3 without it, about what a small and a large network of one kind have, or as near to that as "
            "such accuracies can be.",
        ),
    ] = None
    examples: Annotated[
        FileName | None,
        told(
            "A table of measured examples with the columns score, device and the name of each target that serves the "
            "model, 1 where it was right; requests are drawn from it.",
            reason="Wanted unless accuracy tells.",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.accuracy is None) == (self.examples is None):
            raise ValueError("exactly one of accuracy, examples is wanted")
        idle = sorted({"auroc", "overconfidence", "correlation"} & self.model_fields_set)
        if idle and self.examples is not None:
            raise ValueError(f"{idle[0]} goes with accuracy")
        return self


class ModelPart(Part):
    """One model."""

    device_ms: Annotated[
        Milliseconds | None,
        told(
            "What a run takes on a device of speed 1 that is cool and has nothing else to do.",
            unit="ms",
            reason="Without it the device does not have the model.",
        ),
    ] = None
    service_ms: Annotated[
        dict[Name, Milliseconds],
        told(
            "Target -> what a run takes there on a server of speed 1; targets that are missing do not serve the model.",
            unit="ms",
            reason="There is no telling a model's time without measuring it.",
        ),
    ]
    upload_bytes: Annotated[
        int,
        Field(ge=1, le=1 << 30),
        told("What a request sends.", unit="bytes", reason="It is known of every model."),
    ]
    upload_spread: Annotated[
        float,
        Field(ge=0, le=3),
        told(
            "Standard deviation of the logarithm of what a request sends.",
            unit="natural logarithm",
            reason="All alike.",
        ),
    ] = 0.0
    download_bytes: Annotated[
        int, Field(ge=1, le=1 << 30), told("What an answer is.", unit="bytes", reason="Labels and scores are small.")
    ] = 500
    answers: Annotated[AnswersPart, told("Who is right.", reason="It decides what escalating is worth.")]
