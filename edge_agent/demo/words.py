"""What was seen, in sentences that are made of the numbers, and of nothing else. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edge_agent.demo.outcomes import PhaseSummary
from edge_agent.demo.play import Answer, Played

__all__ = ["Baselines", "compared", "explained", "listed", "pick", "seen"]

WIDTH: Final = 78
_INDENT: Final = 16


@dataclass(frozen=True, slots=True)
class Baselines:
    """The same images on the good network, answered always in the same place."""

    always_device: Played
    always_cloud: Played


def seen(day: Iterable[Played], baselines: Baselines) -> list[str]:
    """Return a paragraph for each phase: what its numbers say, beside the baselines' where that tells something."""
    return listed({played.summary.name: _SENTENCES[played.summary.name](played, baselines) for played in day})


def compared(auto: PhaseSummary, baselines: Baselines) -> list[str]:
    """Return what routing gave up and saved against asking the cloud about everything."""
    cloud = baselines.always_cloud.summary
    told = (
        f"Against always asking the cloud: {_points(auto, cloud)}, {_share(auto.in_cloud, cloud.in_cloud)} of the "
        f"answers from there, {_share(auto.bytes_sent, cloud.bytes_sent)} of the bytes, and half of the requests "
        f"answered within {_ms(auto.p50_ms)} instead of {_ms(cloud.p50_ms)}."
    )
    return _wrapped(told)


def pick(day: Played, device: Played) -> int | None:
    """Return the index of an image worth telling about: the cloud was asked, and the device alone reads it wrongly.

    Where there is none such, one that the cloud was asked about; None where that never happened."""
    asked = [i for i, answer in enumerate(day.answers) if answer.result is not None and _by_escalation(answer)]
    saved = [i for i in asked if day.answers[i].outcome.right and not device.answers[i].outcome.right]
    # The last one: by then the agent has learnt what its decision reads.
    return next(reversed(saved or asked), None)


def explained(answer: Answer, written: int, alone: Answer) -> list[str]:
    """Return the story of one answer: its decision in words, and its receipt. `alone` is the device's own answer."""
    assert answer.result is not None, "only what was answered is told about"
    return [
        f'A hand wrote "{written}". The device alone reads {alone.said}; the answer was {answer.said}, by this way:',
        "",
        *_indented(answer.result.explain()),
        "",
        "Its receipt:",
        "",
        *_indented(str(answer.result.receipt)),
    ]


def listed(texts: Mapping[str, str]) -> list[str]:
    """Return each text beside its name, wrapped, as lines."""
    lines: list[str] = []
    for name, text in texts.items():
        lines += _wrapped(text, f"  {name}".ljust(_INDENT) + " ", " " * (_INDENT + 1))
    return lines


def _good_network(played: Played, baselines: Baselines) -> str:
    row, device, cloud = played.summary, baselines.always_device.summary, baselines.always_cloud.summary
    return (
        f"{_where(row)} With every image answered in the cloud {_percent(cloud.accuracy)} are right, with every one "
        f"on the device {_percent(device.accuracy)}."
    )


def _battery_low(played: Played, baselines: Baselines) -> str:
    row, device = played.summary, baselines.always_device.summary
    return (
        f"Rule battery-low held for {_of(played.ruled_by('battery-low'), row)}; {row.on_device} answered on the "
        f"device, {row.bytes_sent:,} bytes sent. {_percent(row.accuracy)} of all are right, and "
        f"{_percent(device.accuracy)} where the device was never to ask."
    )


def _network_slow(played: Played, _: Baselines) -> str:
    row = played.summary
    return (
        f"{played.in_vain} waited for the cloud in vain and got the device's answer, {row.in_cloud} got the cloud's; "
        f"19 of 20 were answered within {_ms(row.p95_ms)}, {row.deadline_misses} late."
    )


def _device_busy(played: Played, _: Baselines) -> str:
    row = played.summary
    return f"Rule device-busy held for {_of(played.ruled_by('device-busy'), row)}; {_where(row)}"


def _cloud_gone(played: Played, _: Baselines) -> str:
    row = played.summary
    return (
        f"{_of(row.answered, row)} answered; {played.in_vain} asked the cloud in vain and got the device's answer, "
        f"and 19 of 20 were answered within {_ms(row.p95_ms)}."
    )


def _secret(played: Played, _: Baselines) -> str:
    row = played.summary
    return f"{row.bytes_sent:,} bytes sent, with the cloud in reach; {_of(row.on_device, row)} answered on the device."


def _cloud_back(played: Played, _: Baselines) -> str:
    return _where(played.summary)


_SENTENCES: Final[Mapping[str, Callable[[Played, Baselines], str]]] = {
    "good network": _good_network,
    "battery low": _battery_low,
    "network slow": _network_slow,
    "device busy": _device_busy,
    "cloud gone": _cloud_gone,
    "secret": _secret,
    "cloud back": _cloud_back,
}


def _by_escalation(answer: Answer) -> bool:
    outcome = answer.result.outcome if answer.result is not None else None
    return outcome is not None and outcome.escalated and outcome.certain is None


def _points(row: PhaseSummary, other: PhaseSummary) -> str:
    if row.accuracy is None or other.accuracy is None:
        return "accuracy unknown"
    return f"{(row.accuracy - other.accuracy) * 100:+.1f} points of accuracy"


def _where(row: PhaseSummary) -> str:
    unanswered = row.requests - row.answered
    rest = f", and {unanswered} got no answer" if unanswered else ""
    return (
        f"{_share(row.in_cloud, row.requests)} answered in the cloud; {_percent(row.accuracy)} of all are right{rest}."
    )


def _of(part: int, row: PhaseSummary) -> str:
    return f"{part} of {row.requests}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"


def _ms(duration: float | None) -> str:
    return "no time" if duration is None else f"{duration:.3g} ms"


def _indented(text: str) -> list[str]:
    return [line for told in text.splitlines() for line in _wrapped(told, "  ", " " * 6)]


def _wrapped(text: str, first: str = "", following: str = "") -> list[str]:
    # Paths and digests stay whole, to be copied.
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
