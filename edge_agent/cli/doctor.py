"""`nearfar-agent doctor`: look at everything, change nothing, and show what would change a decision.

Asks remote targets whether they live and have the models; makes no request."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Final

from edge_agent.agent import Agent
from edge_agent.cli.doctor_text import as_text
from edge_agent.cli.examine import examine
from edge_agent.cli.findings import Findings
from edge_agent.cli.injection import read_values
from edge_agent.cli.values import as_json
from router.choosing.engine import Decision
from router.telling.counterfactual import as_values
from router.telling.explain import in_words
from router.telling.record import to_json

__all__ = ["add_to"]

# The processor's load is a difference between two readings, and unknown before there is one.
_SETTLE_S: Final = 0.2


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "doctor",
        help="look at every signal, target, model and the policy, and at what a request would do now",
        description="Look at every signal, target, model and the policy, and at what a request would do now, also if "
        "some signals were different. Makes no request. Exit code 0 if some target can answer for each model now, "
        "1 if not, 2 where the configuration cannot be used.",
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="the agent's configuration (TOML)")
    parser.add_argument("--model", metavar="NAME", help="decide for this model; default: the configuration's first")
    parser.add_argument(
        "--label",
        metavar="LABEL",
        help="decide for a request with this privacy label; default: the one that the policy allows most",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SIGNAL=VALUE",
        help="decide also as if a signal had this value (a number, true, false or unknown); default: values that "
        "make a difference, if there are some",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    with Agent.from_config(options.config) as agent:
        time.sleep(_SETTLE_S)
        values = read_values(options.set, agent.core.config.targets)
        findings = examine(agent.core, model=options.model, label=options.label, values=values)
    print(_json(findings) if options.json else as_text(findings))
    return 0 if findings.healthy else 1


def _json(findings: Findings) -> str:
    what_if = findings.what_if
    document = {
        "healthy": findings.healthy,
        "policy": as_json(findings.policy),
        "shadow": _shadow(findings),
        "signals": as_json(findings.signals),
        "targets": as_json(findings.targets),
        "models": as_json(findings.models),
        "now": _decision(what_if.now),
        "nearest": [as_values(change) for change in findings.nearest],
        "what_if": {
            "values": as_json(what_if.values),
            "given": what_if.given,
            "changes": what_if.changes,
            "then": _decision(what_if.then),
        },
    }
    # In ASCII: a program reads it, in whatever encoding standard output is.
    return json.dumps(document, allow_nan=False)


def _shadow(findings: Findings) -> object:
    shadow = findings.shadow
    if shadow is None or shadow.choice is None:
        return as_json(shadow)
    plan = None if shadow.choice.plan is None else str(shadow.choice.plan)
    return as_json(shadow) | {"choice": {"choice": shadow.choice.choice, "plan": plan, "why": shadow.choice.why}}


def _decision(decision: Decision) -> dict[str, object]:
    return {
        "plan": None if decision.plan is None else str(decision.plan),
        "explanation": in_words(decision),
        "record": json.loads(to_json(decision)),
    }
