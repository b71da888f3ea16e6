"""Policies to start from: what each is for, what it sets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["TEMPLATES", "Template"]


@dataclass(frozen=True, slots=True)
class Template:
    """`values` are those of the document; `notes` say why, see document.start."""

    about: str
    values: Mapping[str, Any]  # Any: TOML values
    notes: Mapping[str, str] = field(default_factory=dict)


_CALLS: Final = {"cloud": {"usd_per_request": 0.0002}}
_CENT: Final = "A wrong answer costs us a cent: so many of them are a dollar."
_LOW: Final = {"battery_pct": {"less_than": 20}, "charging": False}

TEMPLATES: Final[Mapping[str, Template]] = {
    "balanced": Template(
        "Weighs for each request what each plan is expected to cost: wrong answers, lateness, waiting, dollars, bytes.",
        {
            "mode": "auto",
            "targets": _CALLS,
            "worth": {"dollar": 100.0},
            "escalation": {"below": "best"},
            "rules": [
                {
                    "name": "large-and-metered",
                    "when": {"metered": True, "upload_bytes": {"greater_than": 1_000_000}},
                    "forbid": ["cloud"],
                },
                {"name": "battery-low", "when": _LOW, "mode": "prefer_on_device"},
            ],
        },
        {
            "worth.dollar": _CENT,
            "escalation.below": "The release's evaluation says what asking gains; what it costs is known by then.",
            "large-and-metered": "What the user pays by the megabyte is not spent on large inputs.",
            "battery-low": "A radio draws more than a small model: the device answers, while it can.",
        },
    ),
    "device-first": Template(
        "Keeps to the device, and asks the cloud only where the device cannot answer, or had better not.",
        {
            "mode": "prefer_on_device",
            "rules": [
                {"name": "hot", "when": {"temperature_c": {"greater_than": 80}}, "mode": "prefer_in_cloud"},
            ],
        },
        {"hot": "A device that is hot runs slower with each run; the cloud lets it cool down."},
    ),
    "promise": Template(
        "Keeps the device's answers as far as a release's certificate proves that they cost at most one of a hundred"
        " requests its right answer; whatever is not covered by one escalates where it is not certain.",
        {
            "mode": "auto",
            "targets": _CALLS,
            "worth": {"dollar": 100.0},
            "escalation": {"below": 0.67},
            "promise": {"max_loss": 0.01, "confidence": 0.9, "audit": 0.02},
        },
        {
            "worth.dollar": _CENT,
            "escalation.below": "Holds for requests that no certificate covers.",
            "promise.max_loss": "The release has to be prepared for this number or a smaller one.",
        },
    ),
    "battery-saver": Template(
        "Weighs energy beside the rest, holds it to a budget for each hour, and keeps to one answer while the battery"
        " is low.",
        {
            "mode": "auto",
            "worth": {"joule": 0.005},
            "energy": {"profile": "phone"},
            "budgets": {"energy": {"amount_j": 1500.0, "per": "hour", "at_zero": "least"}},
            "escalation": {"below": "best"},
            "rules": [{"name": "battery-low", "when": _LOW, "mode": "prefer_on_device"}],
        },
        {
            "worth.joule": "Two hundred joules weigh as one wrong answer: a phone's battery holds some 50,000.",
            "budgets.energy.amount_j": "Three hundredths of a phone's battery in an hour.",
            "budgets.energy.at_zero": "An empty budget is no reason not to answer.",
            "battery-low": "A radio draws more than a small model: the device answers, while it can.",
        },
    ),
}
