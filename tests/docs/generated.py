"""The parts of the reference that are written from the code: `python -m tests.docs.generated` writes them again.

Such a part stands between `<!-- generated: NAME -->` and `<!-- /generated -->`; a test compares it with what would be
written now. What is around it is people's."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

import cloud_service.errors
import edge_agent.errors
import nearfar_wire.errors
import router.errors
from cloud_service.admission.tenants import TenantsDocument
from cloud_service.codes import CODE_OF
from cloud_service.config import Settings
from cloud_service.metrics import Metrics as CloudMetrics
from cloud_service.repository.serving import ServingDocument
from edge_agent.config import AgentConfig
from edge_agent.errors import AgentError
from edge_agent.telemetry.counts import Gauges
from edge_agent.telemetry.exposition import register
from edge_agent.telemetry.metrics import Metrics as AgentMetrics
from nearfar_wire.contents import FIELDS
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.manifest import Manifest
from nearfar_wire.status import CODES
from router.cli.scenario_files import Beside, find_scenario, shipped
from router.document import PolicyDocument, json_schema
from router.rules.compile import BUILT_IN
from router.rules.predicates import FACTS
from router.simulate.document import DeviceDocument, RadioDocument, ScenarioDocument, ServerDocument
from router.types import SIGNALS, Signal
from tests.docs.blocks import ROOT, pages
from tests.docs.described import described_tables, unwrapped
from tests.docs.fields import field_tables
from tests.docs.notes import (
    AGENT_NOTES,
    AGENT_TITLES,
    MANIFEST_NOTES,
    MANIFEST_TITLES,
    SERVING_NOTES,
    SERVING_TITLES,
    TENANTS_TITLES,
)

__all__ = ["PARTS", "POLICY_SCHEMA", "rewritten"]

POLICY_SCHEMA: Final = ROOT / "docs" / "reference" / "policy.schema.json"

# "-o FILE, --output FILE", as argparse has it before Python 3.13; from then on "-o, --output FILE".
_TWICE: Final = re.compile(r"^( +-\w) (\S+), (--[\w-]+ \2)", re.MULTILINE)
_PART: Final = re.compile(r"(<!-- generated: (?P<name>[\w -]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_CLIS: Final = {"nearfar-agent": "edge_agent.cli", "nearfar-cloud": "cloud_service.cli", "nearfar-policy": "router.cli"}
_COMMANDS: Final = {
    "nearfar-agent": ("infer", "doctor", "demo"),
    "nearfar-cloud": ("serve", "bench", "prepare", "recertify"),
    "nearfar-policy": (
        "check",
        "decide",
        "diff",
        "explain",
        "gate",
        "init",
        "replay",
        "scenario",
        "schema",
        "simulate",
        "tune",
    ),
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def _scenarios() -> str:
    rows = [(f"`{name}`", find_scenario(name).about) for name in shipped()]
    return table(("scenario", "what it shows"), rows)


# Many fields are of these kinds; as the last of them they would be called.
_KINDS: Final = (("workload.arrivals.per_s", "A quantity over time"), ("links.NAME.down", "The pace of a link"))


def _in_words(tables: str) -> str:
    for path, words in _KINDS:
        anchor = re.sub(r"[^a-z_]", "", path.lower())
        tables = tables.replace(f"### `[{path}]`", f"### {words}")
        tables = tables.replace(f"[`[{path}]`](#{anchor})", f"[{words.lower()}](#{words.lower().replace(' ', '-')})")
    return tables


def _headless(tables: str) -> str:
    return tables.removeprefix("### The document\n\n")


def _catalogue() -> str:
    beside = Beside(ROOT)
    rows = []
    for kind in ("device", "radio", "server"):
        for name in beside.known(kind):
            about = tomllib.loads((beside.document(kind, name) or b"").decode())["about"]
            rows.append((kind, f"`{name}`", about))
    return table(("kind", "name", "what it is"), rows)


def _yes(flag: bool) -> str:
    return "yes" if flag else ""


def _signals() -> str:
    rows = [
        (f"`{s.name}`", s.about, _range(s), f"{s.stale_after_s:g} s", _change(s), _yes(s.per_target))
        for s in SIGNALS.values()
    ]
    return table(("signal", "what it is", "values", "counts for", "changes by", "for each target"), rows)


def _range(s: Signal) -> str:
    if s.holds == "text":
        return ", ".join(f"`{text}`" for text in s.one_of)
    return "true or false" if s.holds == "flag" else f"{s.low:g} to {s.high:g} {s.unit}".strip()


def _change(s: Signal) -> str:
    if s.holds == "number":
        return "anything" if isinf(s.rate_per_s) else f"{s.step:g} {s.unit}, and {s.rate_per_s:g} more a second"
    return f"stays for {s.settles_s:g} s" if s.settles_s else "anything"


def _facts() -> str:
    return table(("fact", "what it is", "holds"), [(f"`{name}`", f.about, f.holds) for name, f in FACTS.items()])


def _codes() -> str:
    rows = [
        (f"`{code}`", m.status, str(m.http), _yes(m.retryable), _yes(m.security), _yes(m.blames_endpoint))
        for code, m in CODES.items()
    ]
    return table(("code", "gRPC status", "HTTP status", "retryable", "security", "blames the endpoint"), rows)


def _datatypes() -> str:
    rows = [
        (f"`{name}`", "objects of `bytes`" if name == BYTES else dtype.name, f"`{FIELDS[name]}`" if name in FIELDS else
         "none: raw only")
        for name, dtype in DATATYPES.items()
    ]  # fmt: skip
    return table(("datatype", "numpy", "typed contents"), rows)


def _tree(module: str) -> str:
    text = (importlib.import_module(module).__doc__ or "").splitlines()
    drawn = [line for line in text if re.match(r"\s*(\w+Error$|[│├└])", line)]
    indent = min(len(line) - len(line.lstrip()) for line in drawn)
    return "\n".join(["```text", *(line[indent:].rstrip() for line in drawn), "```"]) + "\n"


def _agent_errors() -> str:
    classes = [getattr(edge_agent.errors, name) for name in edge_agent.errors.__all__]
    rows = [(f"`{c.__name__}`", f"`{c.code}`", _yes(c.retryable), c.source) for c in classes if c is not AgentError]
    return table(("error", "`code`", "`retryable`", "`source`"), rows)


def _cloud_errors() -> str:
    return table(("the service's error", "code"), [(f"`{e.__name__}`", f"`{c}`") for e, c in CODE_OF.items()])


def _metrics(registry: CollectorRegistry) -> str:
    rows = []
    for collector in registry._collector_to_names:  # their label names are told nowhere else before there are samples
        for family in collector.collect():
            labels: Sequence[str] = getattr(family, "_labelnames", ()) or getattr(collector, "_labelnames", ())
            name = family.name + ("_total" if family.type == "counter" else "")
            rows.append((f"`{name}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation))
    return table(("metric", "type", "labels", "what it is"), rows)


def _agent_metrics() -> str:
    registry = CollectorRegistry()
    gauges = Gauges(
        breakers=dict,
        policy=lambda: ("", 0, ""),
        signals=dict,
        ages_s=dict,
        refusals=dict,
        out_of_use=dict,
        promises=dict,
        budgets=tuple,
        shadow=lambda: None,
    )
    register(registry, AgentMetrics().counts, gauges)
    return _metrics(registry)


def _cloud_metrics() -> str:
    registry = CollectorRegistry()
    CloudMetrics(registry).certificate_expires(0.0)
    ours = [line for line in _metrics(registry).splitlines() if not re.match(r"\| `(process|python)_", line)]
    return "\n".join(ours) + "\n"


def _help(command: str, *words: str) -> str:
    main = importlib.import_module(_CLIS[command]).main
    said = io.StringIO()
    with _plain_terminal(), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    text = _TWICE.sub(r"\1, \3", said.getvalue().strip())
    return f"```text\n{text}\n```\n"


@contextlib.contextmanager
def _plain_terminal() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(COLUMNS="100", NO_COLOR="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _helps() -> Iterator[tuple[str, Callable[[], str]]]:
    for command, subcommands in _COMMANDS.items():
        yield f"help {command}", lambda command=command: _help(command)  # type: ignore[misc]  # bound by default
        for word in subcommands:
            name = f"help {command} {word}"
            yield name, lambda command=command, word=word: _help(command, word)  # type: ignore[misc]  # as above


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "policy fields": lambda: described_tables(PolicyDocument.model_json_schema(by_alias=True)),
    "scenario fields": lambda: _in_words(described_tables(unwrapped(ScenarioDocument))),
    "device fields": lambda: _headless(described_tables(unwrapped(DeviceDocument))),
    "radio fields": lambda: _headless(described_tables(unwrapped(RadioDocument))),
    "server fields": lambda: _headless(described_tables(unwrapped(ServerDocument))),
    "scenarios": _scenarios,
    "catalogue": _catalogue,
    "built-in policy": lambda: f"```toml\n{BUILT_IN.decode()}```\n",
    "signals": _signals,
    "facts": _facts,
    "agent fields": lambda: field_tables(AgentConfig, AGENT_NOTES, AGENT_TITLES),
    "cloud settings": lambda: field_tables(Settings, {}, {"Settings": "## The settings"}),
    "manifest fields": lambda: field_tables(Manifest, MANIFEST_NOTES, MANIFEST_TITLES),
    "tenant fields": lambda: field_tables(TenantsDocument, {}, TENANTS_TITLES),
    "serving fields": lambda: field_tables(ServingDocument, SERVING_NOTES, SERVING_TITLES),
    "codes": _codes,
    "datatypes": _datatypes,
    "agent error tree": lambda: _tree(edge_agent.errors.__name__),
    "router error tree": lambda: _tree(router.errors.__name__),
    "wire error tree": lambda: _tree(nearfar_wire.errors.__name__),
    "cloud error tree": lambda: _tree(cloud_service.errors.__name__),
    "agent errors": _agent_errors,
    "cloud errors": _cloud_errors,
    "agent metrics": _agent_metrics,
    "cloud metrics": _cloud_metrics,
    **dict(_helps()),
}


def rewritten(text: str) -> str:
    """Return the text of a page with its generated parts as they would be now. Raises KeyError: for an unknown part."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}{found[3]}", text)


def main() -> int:
    """Write every page again that has changed."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {Path(page).relative_to(ROOT)}")
    schema = f"{json.dumps(json_schema(), indent=2, ensure_ascii=False)}\n"
    if schema != POLICY_SCHEMA.read_text(encoding="utf-8"):
        POLICY_SCHEMA.write_text(schema, encoding="utf-8")
        print(f"wrote {POLICY_SCHEMA.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
