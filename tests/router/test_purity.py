"""The router reads no clock, draws no chance and touches no world: what it loads shows it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [path for path in (ROOT / "router").rglob("*.py") if path.relative_to(ROOT).parts[1] != "cli"]
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES if path.stem != "__init__")
WORLDLY = {
    "asyncio",
    "grpc",
    "logging",
    "numpy",
    "onnxruntime",
    "prometheus_client",
    "psutil",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "uuid",
}
LOADED = """
import json, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    __import__(name)
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def _loaded(*modules: str) -> set[str]:
    """Return the top-level modules that importing these loads, beyond the interpreter's own start."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = [{str(ROOT)!r}]{LOADED}", *modules],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(ran.stdout))


# Where documents and records enter pydantic does, and brings what it likes; the core proper brings nothing.
ENTRANCES = {
    *(module for module in MODULES if module.startswith(("router.document.", "router.simulate.document."))),
    "router.cascade.audits",
    "router.cascade.certificate",
    "router.rules.compile",
    "router.telling.difference",
    "router.experience.saved",
    "router.telling.record",
    "router.rules.references",
    "router.simulate.demand",
    "router.simulate.reading",
    "router.simulate.scenario",
    "router.toml.document",
    "router.toml.form",
    "router.versions",
    # A search turns the numbers of a document, and compiles what comes of it.
    *(f"router.tune.{module}" for module in ("journal", "search", "space", "telling", "trial", "writing")),
}
CORE = [module for module in MODULES if module not in ENTRANCES]


@pytest.mark.wide
def test_the_core_loads_nothing_that_reads_a_clock_draws_chance_or_reaches_the_world() -> None:
    loaded = _loaded(*CORE)
    assert not loaded & (WORLDLY | {"time", "pydantic", "nearfar_wire", "edge_agent", "cloud_service"})
    assert "router" in loaded


@pytest.mark.wide
def test_where_documents_enter_nothing_that_acts_is_loaded_either() -> None:
    acts = {
        "grpc",
        "numpy",
        "onnxruntime",
        "psutil",
        "prometheus_client",
        "nearfar_wire",
        "edge_agent",
        "cloud_service",
    }
    assert not _loaded(*MODULES) & acts


@pytest.mark.wide
def test_pydantic_stays_away_from_who_only_decides() -> None:
    assert "pydantic" not in _loaded(
        "router.choosing.engine", "router.choosing.memo", "router.running.attempt", "router.telling.explain"
    )


def test_no_module_of_the_core_names_what_it_must_not_use() -> None:
    for module in MODULES:
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        imported = {
            line.split()[1].partition(".")[0]
            for line in source.splitlines()
            if line.startswith(("import ", "from ")) and not line.startswith("from __future__")
        }
        assert not imported & (WORLDLY | {"os", "time", "pathlib", "io", "datetime"}), module


def test_the_contract_is_held_by_the_linter_too() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    pure = next(contract for contract in contracts if contract["source_modules"] == ["router"])
    assert pure["type"] == "forbidden"
    assert set(pure["forbidden_modules"]) >= (WORLDLY | {"time", "os", "nearfar_wire", "edge_agent", "cloud_service"})
