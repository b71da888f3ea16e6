"""The tables `[budgets.energy]`, `[budgets.money]` and `[budgets.bytes]`: what may be spent in an hour or a day."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.document.form import Part, Worth, told

__all__ = ["BudgetsPart", "BytesBudgetPart", "EnergyBudgetPart", "MoneyBudgetPart"]

Amount = Annotated[float, Field(gt=0, le=1e12)]
_NO_AMOUNT = "What may be spent is the policy's to say, so there is no default."
_LEAST = (
    "Without it a thousandth of a wrong answer for the whole amount: next to nothing, and not nothing, which no factor "
    "would ever raise."
)
_MOST = (
    "Without it a million wrong answers for the whole amount: then even a millionth of it is not spent for less than a "
    "wrong answer."
)


class _BudgetPart(Part):
    """What the three have in common."""

    eta: Annotated[
        float,
        Field(gt=0, le=10),
        told(
            "How strongly the price follows: a step in which twice too much was spent raises it by this power of e, "
            "one in which nothing was lowers it by as much.",
            unit="power",
            reason="A quarter doubles the price within three steps of spending twice too fast, and one odd step moves "
            "it little.",
        ),
    ] = 0.25
    step_s: Annotated[
        float,
        Field(ge=1, le=86_400),
        told(
            "How often the price moves.",
            unit="s",
            reason="Sixty steps an hour follow any load that lasts, and a minute has enough requests to tell a rate.",
        ),
    ] = 60.0
    at_zero: Annotated[
        Literal["stop", "least"],
        told(
            'What holds when nothing is left: "stop" closes every target that would spend, "least" leaves open the one '
            "that spends least, where else nobody could answer.",
            reason="A cap that is passed is none; whoever would rather be answered says so.",
        ),
    ] = "stop"


class EnergyBudgetPart(_BudgetPart):
    """Joules that answering may draw from the battery. They are counted as `[energy]` says; what the device itself runs
    counts as well."""

    amount_j: Annotated[Amount, told("What may be drawn in a period.", unit="J", reason=_NO_AMOUNT)]
    per: Annotated[
        Literal["hour", "day"],
        told("How long a period is.", reason="A charge is for a day, and nobody knows at ten what the day brings."),
    ] = "hour"
    price_min: Annotated[Worth | None, told("The least price.", unit="wrong answers per joule", reason=_LEAST)] = None
    price_max: Annotated[Worth | None, told("The highest price.", unit="wrong answers per joule", reason=_MOST)] = None
    charging_w: Annotated[
        float,
        Field(ge=0, le=1000),
        told(
            "What is put back while external power is connected, up to the whole amount.",
            unit="W",
            reason="The least that a charger gives: 5 V at 1 A.",
        ),
    ] = 5.0


class MoneyBudgetPart(_BudgetPart):
    """Dollars that calls may cost, by `usd_per_request` of each target."""

    amount_usd: Annotated[Amount, told("What may be paid in a period.", unit="US dollars", reason=_NO_AMOUNT)]
    per: Annotated[
        Literal["hour", "day"], told("How long a period is.", reason="Bills are counted in days at the least.")
    ] = "day"
    price_min: Annotated[Worth | None, told("The least price.", unit="wrong answers per dollar", reason=_LEAST)] = None
    price_max: Annotated[Worth | None, told("The highest price.", unit="wrong answers per dollar", reason=_MOST)] = None


class BytesBudgetPart(_BudgetPart):
    """Megabytes (millions of bytes) of requests that may be sent."""

    amount_mb: Annotated[Amount, told("What may be sent in a period.", unit="MB", reason=_NO_AMOUNT)]
    per: Annotated[
        Literal["hour", "day"], told("How long a period is.", reason="Data plans are counted in days at the least.")
    ] = "day"
    price_min: Annotated[Worth | None, told("The least price.", unit="wrong answers per megabyte", reason=_LEAST)] = (
        None
    )
    price_max: Annotated[Worth | None, told("The highest price.", unit="wrong answers per megabyte", reason=_MOST)] = (
        None
    )


class BudgetsPart(Part):
    """What may be spent. Each is held to by a price that rises while too much is spent, and by an end; periods are
    hours and days of UTC, and what was spent is remembered across restarts where the agent has a `state` folder."""

    energy: Annotated[
        EnergyBudgetPart | None, told("Joules from the battery.", reason="Without the table they are not counted up.")
    ] = None
    money: Annotated[
        MoneyBudgetPart | None, told("Dollars for calls.", reason="Without the table they are not counted up.")
    ] = None
    bytes: Annotated[
        BytesBudgetPart | None, told("Megabytes sent.", reason="Without the table they are not counted up.")
    ] = None
