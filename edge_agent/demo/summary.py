"""The summary file: what came out, for programs. Keys are only ever added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge_agent.demo.outcomes import PhaseSummary

__all__ = ["write_summary"]


def write_summary(
    path: Path,
    phases: Iterable[PhaseSummary],
    baselines: Mapping[str, PhaseSummary],
    about: Mapping[str, str | float | bool],
) -> None:
    """Write the phases in their order, the baselines by name, and what else is to be known `about` the run.

    Raises OSError."""
    document = {
        **about,
        "phases": [phase.as_json() for phase in phases],
        "baselines": {name: summary.as_json() for name, summary in baselines.items()},
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
