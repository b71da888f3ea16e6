"""`nearfar-agent infer`: one request, as an app with this configuration would make it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge_agent.agent import Agent
from edge_agent.cli.inputs import read_inputs
from edge_agent.cli.outputs import outputs_as_json, outputs_as_text
from edge_agent.cli.values import as_json
from edge_agent.result import Result

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "infer",
        help="ask a model once, and tell where it ran and why",
        description="Ask a model once, and tell where it ran and why. Exit code 0 with an answer, 1 without one, "
        "2 where the request or the configuration cannot be used.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model of the configuration")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="the agent's configuration (TOML)")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input, once for each: a file of numpy's (FILE.npy) or of JSON (FILE.json), the bytes of any file, "
        "such as an image (@FILE), or JSON itself",
    )
    parser.add_argument("--deadline-ms", type=float, metavar="N", help="default: the configuration's")
    parser.add_argument("--privacy", metavar="LABEL", help="default: no label, which is treated as the strictest")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--explain", action="store_true", help="tell the whole decision")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    with Agent.from_config(options.config) as agent:
        inputs = read_inputs(options.model, options.input, agent.core.release(options.model).inputs)
        result = agent.infer(options.model, inputs, deadline_ms=options.deadline_ms, privacy=options.privacy)
    print(_json(result, options.explain) if options.json else _text(result, options.explain))
    return 0


def _text(result: Result, explain: bool) -> str:
    lines = outputs_as_text(result.outputs)
    lines.append(f"target: {result.target}")
    lines.append(f"reason: {result.reason}")
    lines.append("receipt: " + str(result.receipt).replace("\n", "\n         "))
    if explain:
        lines += ["", result.explain()]
    return "\n".join(lines)


def _json(result: Result, explain: bool) -> str:
    receipt = result.receipt
    document = {
        "outputs": outputs_as_json(result.outputs),
        "target": result.target,
        "reason": result.reason,
        "receipt": {**as_json(receipt), "sent_bytes": receipt.sent_bytes},
    }
    if explain:
        document["explanation"] = result.explain()
        document["record"] = json.loads(result.to_json())
    # In ASCII: a program reads it, in whatever encoding standard output is.
    return json.dumps(document, allow_nan=False)
