"""Documents of devices, radios and servers: some ship with the project, anyone can write more.

`sources` says for each number where it comes from: author, year and title of a measurement, or what it was derived or
assumed from. Those that ship say it of every number."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from router.document.form import FirstForm, Name, Part, told

__all__ = ["DeviceDocument", "RadioDocument", "ServerDocument"]

Watts = Annotated[float, Field(ge=0, le=10_000)]
Spread = Annotated[float, Field(ge=0, le=3)]
Factor = Annotated[float, Field(ge=0.001, le=1000)]
_Points = Annotated[
    list[Annotated[list[float], Field(min_length=2, max_length=2)]], Field(min_length=1, max_length=10_000)
]
_NO_SOURCES: dict[str, str] = {}
_MEASURED = "It is a matter of measurement, so there is no default."


def _rising(points: list[list[float]], name: str, low: float, high: float) -> None:
    xs = [x for x, _ in points]
    if any(later <= earlier for earlier, later in pairwise(xs)):
        raise ValueError(f"{name}: the first numbers of the pairs have to rise")
    if not all(low <= y <= high for _, y in points):
        raise ValueError(f"{name}: the second numbers are from {low:g} to {high:g}")


class _Catalogued(Part):
    schema_version: Annotated[
        FirstForm,
        Field(alias="schema"),
        told(
            "The version of the document's form.",
            reason="Said by each, so that a later form is never read as this one.",
        ),
    ]
    name: Annotated[Name, told("What it is called.", reason="Reports tell it, so there is no default.")]
    about: Annotated[str, Field(max_length=2000), told("What it is, in words.", reason="May be left out.")] = ""
    sources: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=1000)]],
        told("Field -> where its number comes from.", reason="What one measured oneself needs no author."),
    ] = _NO_SOURCES

    @model_validator(mode="after")
    def _sources_of_fields(self) -> Self:
        unknown = sorted(set(self.sources) - set(type(self).model_fields))
        if unknown:
            raise ValueError(f'sources: there is no field "{unknown[0][:64]}"')
        return self


class RadioDocument(_Catalogued):
    """A radio, as the model of Huang et al. (2012) describes one: see router/simulate/radio.py."""

    kind: Annotated[
        Literal["wifi", "cellular", "ethernet"],
        told("What the operating system calls such a link.", reason=_MEASURED),
    ]
    metered: Annotated[bool, told("Whether bytes cost.", reason="Mostly known of a kind, but not always.")]
    wake_s: Annotated[
        _Points,
        told(
            "Pairs of the seconds that the radio was not used and the median seconds that the next exchange then waits "
            "for it; straight between them, level beyond.",
            unit="s, s",
            reason=_MEASURED,
        ),
    ]
    wake_spread: Annotated[
        Spread,
        told(
            "Standard deviation of the logarithm of a wake-up.",
            unit="natural logarithm",
            reason="A wake-up as the curve has it.",
        ),
    ] = 0.0
    wake_w: Annotated[Watts, told("What waking draws while it lasts.", unit="W", reason=_MEASURED)]
    tail_s: Annotated[
        float,
        Field(ge=0, le=3600),
        told("For so long after an exchange the radio stays up.", unit="s", reason=_MEASURED),
    ]
    tail_w: Annotated[Watts, told("What it draws then.", unit="W", reason=_MEASURED)]
    connected_w: Annotated[
        Watts, told("What it draws while an exchange is under way, whatever its pace.", unit="W", reason=_MEASURED)
    ]
    up_w_per_mbps: Annotated[
        Watts, told("What it draws on top for each Mbit/s that it sends.", unit="W per Mbit/s", reason=_MEASURED)
    ]
    down_w_per_mbps: Annotated[
        Watts, told("What it draws on top for each Mbit/s that it receives.", unit="W per Mbit/s", reason=_MEASURED)
    ]

    @model_validator(mode="after")
    def _a_curve(self) -> Self:
        _rising(self.wake_s, "wake_s", 0, 600)
        return self


class DeviceDocument(_Catalogued):
    """A device: its processor, battery and heat."""

    runs_at_once: Annotated[
        int,
        Field(ge=1, le=64),
        told(
            "How many runs go on at a time; others wait.", unit="runs", reason="The agent runs a model in one thread."
        ),
    ] = 1
    speed: Annotated[
        Factor,
        told("The scenario's times of runs are divided by this.", unit="factor", reason="As the scenario says."),
    ] = 1.0
    spread: Annotated[
        Spread,
        told("Standard deviation of the logarithm of a run's time.", unit="natural logarithm", reason="All alike."),
    ] = 0.0
    run_w: Annotated[Watts, told("What a run draws while it lasts.", unit="W", reason=_MEASURED)]
    base_w: Annotated[
        Watts,
        told("What the device draws in any case: system, sleeping radios.", unit="W", reason=_MEASURED),
    ]
    screen_w: Annotated[
        Watts,
        told("What its screen draws while it is on.", unit="W", reason="A device without a screen has none to draw."),
    ] = 0.0
    load_w: Annotated[
        Watts, told("What others' load draws where it uses the whole processor.", unit="W", reason=_MEASURED)
    ]
    contention: Annotated[
        float,
        Field(ge=0, le=0.99),
        told(
            "How much of others' load a run feels: it takes 1 / (1 - contention * load) times longer.",
            unit="share",
            reason="A run alone on its core feels nothing, one that shares all cores feels it whole.",
        ),
    ] = 0.5
    memory_free_mb: Annotated[
        float, Field(ge=0, le=1e9), told("Memory that can be had.", unit="MB", reason="What a phone in use has left.")
    ] = 1500.0
    battery_wh: Annotated[
        Annotated[float, Field(gt=0, le=100_000)] | None,
        told("What its battery holds.", unit="Wh", reason="Without it the device hangs on the mains."),
    ] = None
    charge_loss: Annotated[
        Annotated[float, Field(ge=0, le=0.9)],
        told(
            "Share of the charger's power that becomes heat.",
            unit="share",
            reason="A charger and a cell lose about a tenth.",
        ),
    ] = 0.1
    heat_c_per_w: Annotated[
        float,
        Field(gt=0, le=1000),
        told("By how much each watt warms the device in the end.", unit="°C per W", reason=_MEASURED),
    ]
    heat_j_per_c: Annotated[
        float,
        Field(gt=0, le=1e6),
        told("How much heat warms the device by a degree.", unit="J per °C", reason=_MEASURED),
    ]
    die_c_per_w: Annotated[
        float,
        Field(ge=0, le=1000),
        told(
            "By how much each watt of the processor makes it hotter than the device.", unit="°C per W", reason=_MEASURED
        ),
    ]
    slowdown: Annotated[
        _Points,
        told(
            "Pairs of the processor's temperature and how many times longer a run takes then; straight between them, "
            "level beyond.",
            unit="°C, factor",
            reason=_MEASURED,
        ),
    ]

    @model_validator(mode="after")
    def _a_curve(self) -> Self:
        _rising(self.slowdown, "slowdown", 0.1, 100)
        return self


class ServerDocument(_Catalogued):
    """A machine that serves models."""

    workers: Annotated[
        int, Field(ge=1, le=100_000), told("How many runs go on at a time.", unit="runs", reason=_MEASURED)
    ]
    speed: Annotated[
        Factor,
        told("The scenario's times of service are divided by this.", unit="factor", reason="As the scenario says."),
    ] = 1.0
    spread: Annotated[
        Spread,
        told("Standard deviation of the logarithm of a service time.", unit="natural logarithm", reason="All alike."),
    ] = 0.0
    queue_limit: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        told("Calls that may wait for a worker; one more is refused.", unit="calls", reason="As cloud_service's."),
    ] = 200
    queue_target_ms: Annotated[
        Annotated[float, Field(ge=0, le=600_000)] | None,
        told(
            "Calls that would wait for longer are refused: how many may wait falls as the models become slower.",
            unit="ms",
            reason="As cloud_service's, which learns its limit from the same target.",
        ),
    ] = 100.0
    tells_load: Annotated[
        bool,
        told(
            "Whether answers and refusals say how long calls wait and, when refusals go on, to stay away for a while.",
            reason="cloud_service does, and so may any server that speaks ORCA.",
        ),
    ] = True
    pushes_back: Annotated[bool, told("Whether refusals say when to come again.", reason="cloud_service's do.")] = True
    connect_round_trips: Annotated[
        float,
        Field(ge=0, le=20),
        told(
            "What setting up a connection takes: the first call waits for it, and the first after another network.",
            unit="round trips",
            reason="TCP's handshake, TLS 1.3's, and HTTP/2's first frame: a back-test found gRPC to wait for each.",
        ),
    ] = 3.0
    connection_s: Annotated[
        Annotated[float, Field(gt=0, le=31_622_400)] | None,
        told(
            "A connection is ended after so long, and the next call sets up another.",
            unit="s",
            reason="As cloud_service's, so that balancers can move its callers.",
        ),
    ] = 600.0
