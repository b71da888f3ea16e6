"""The table `[worth]`: the one currency that plans are compared in."""

from __future__ import annotations

from typing import Annotated

from router.document.form import Part, Worth, told

__all__ = ["WorthPart"]

_UNIT = "wrong answers"


class WorthPart(Part):
    """What things are worth, all in one currency; only the ratios count. The defaults count in wrong answers."""

    wrong_answer: Annotated[
        Worth,
        told("What a wrong answer costs.", unit=_UNIT, reason="It is the unit that the others are seen against."),
    ] = 1.0
    missed_deadline: Annotated[
        Worth,
        told(
            "What an answer after the deadline costs.", unit=_UNIT, reason="A late answer is as useless as a wrong one."
        ),
    ] = 1.0
    failed_request: Annotated[
        Worth, told("What a request without an answer costs.", unit=_UNIT, reason="No answer is as bad as a wrong one.")
    ] = 1.0
    second: Annotated[
        Worth,
        told(
            "What a second of waiting costs.",
            unit=f"{_UNIT} per second",
            reason="Twenty seconds of waiting weigh as one wrong answer.",
        ),
    ] = 0.05
    dollar: Annotated[
        Worth,
        told(
            "What a dollar paid for calls costs.",
            unit=f"{_UNIT} per dollar",
            reason="A dollar weighs as one wrong answer; whoever says what a call costs says this as well.",
        ),
    ] = 1.0
    megabyte: Annotated[
        Worth,
        told(
            "What a megabyte (a million bytes) sent over the network costs.",
            unit=f"{_UNIT} per megabyte",
            reason="A thousand uploads of 1 MB weigh as one wrong answer: about the price of metered data.",
        ),
    ] = 0.001
    joule: Annotated[
        Worth,
        told(
            "What a joule drawn from the battery costs.",
            unit=f"{_UNIT} per joule",
            reason="What a charge is worth depends on the device and on who carries it: until a policy says so, energy "
            "is told and not weighed.",
        ),
    ] = 0.0
