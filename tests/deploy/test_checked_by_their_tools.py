"""What is deployed, read by the tools of those who will read it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_DEPLOY = _ROOT / "deploy"


def _accepted(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    _accepted(Path(sys.executable).with_name("hadolint"), _DEPLOY / "Dockerfile")


@pytest.mark.parametrize(
    ("kind", "file"), [("config", "prometheus/prometheus.yaml"), ("rules", "prometheus/alerts.yaml")]
)
def test_promtool_takes_what_prometheus_reads(kind: str, file: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; tests/tools/install-debian.sh installs it")
    _accepted("promtool", "check", kind, _DEPLOY / file)


@pytest.mark.wide
def test_I2_the_alert_of_escalations_fires_when_they_multiply_and_not_before(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; tests/tools/install-debian.sh installs it")
    cases = Path(__file__).with_name("alerts_of_agents.yaml").read_text(encoding="utf-8")
    rules = _DEPLOY / "prometheus" / "alerts.yaml"
    (tmp_path / "cases.yaml").write_text(cases.replace("RULES", rules.as_posix()), encoding="utf-8")
    _accepted("promtool", "test", "rules", tmp_path / "cases.yaml")


def test_what_the_image_is_made_of_is_not_ignored() -> None:
    """A file that .dockerignore leaves out fails the build, or worse, is silently not there."""
    copied = {"constraints.txt", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"}
    copied |= {"proto", "router", "edge_agent", "cloud_service", "wheels"}
    kept = {line[1:] for line in (_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == copied
