"""The demo of compose.yaml: its services fit each other, and what they run works without the containers around it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud_service.sources import PREFIX, gather
from edge_agent import load_config
from tests.builders.processes import cloud_process

_DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    document = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())
    found: Mapping[str, Any] = document["services"]
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the service `prepare` writes."""
    directory = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, _DEPLOY / "demo" / "prepare.py", directory], check=True, timeout=110)
    return directory


def test_every_service_is_contained(services: Mapping[str, Any]) -> None:
    for name in ("prepare", "cloud", "agent"):
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert "privileged" not in services[name], name
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published and all(port.startswith("127.0.0.1:") for port in published)


def test_every_mounted_file_is_there(services: Mapping[str, Any]) -> None:
    mounts = [volume for service in services.values() for volume in service.get("volumes", ())]
    own = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert own
    assert [path for path in own if not (_DEPLOY / path).exists()] == []


def test_the_clouds_settings_are_settings(services: Mapping[str, Any]) -> None:
    environment = services["cloud"]["environment"]
    assert set(gather({}, environment).values) == {name.removeprefix(PREFIX).lower() for name in environment}


def test_prometheus_asks_the_ports_that_the_services_open(services: Mapping[str, Any]) -> None:
    scraped = yaml.safe_load((_DEPLOY / "prometheus" / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {target for job in scraped for static in job["static_configs"] for target in static["targets"]}
    dockerfile = (_DEPLOY / "Dockerfile").read_text()
    (http_port,) = re.findall(rf"{PREFIX}HTTP=0\.0\.0\.0:(\d+)", dockerfile)
    agent_port = services["agent"]["entrypoint"][-1].rpartition(":")[2]
    assert targets == {f"cloud:{http_port}", f"agent:{agent_port}"}


@pytest.mark.wide
def test_the_agent_asks_the_cloud_over_tls_and_keeps_what_is_secret(demo: Path, tmp_path: Path) -> None:
    tls = demo / "tls"
    flags = ("--tls-certificate", str(tls / "cloud.pem"), "--tls-key", str(tls / "cloud.key"))
    with cloud_process(demo / "models", *flags) as cloud:
        config = tmp_path / "agent.toml"
        config.write_text(_agent_toml(demo, cloud.target))
        load_config(config)
        health = [sys.executable, "-m", "cloud_service.cli", "health", "--target", cloud.target]
        asked = subprocess.run(
            [*health, "--ca", tls / "ca.pem", "--server-name", "cloud"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (asked.returncode, asked.stdout) == (0, "SERVING\n"), asked.stderr
        app = [sys.executable, _DEPLOY / "demo" / "agent.py", config, "--every", "0", "--requests", "200"]
        done = subprocess.run(app, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 200
    assert any("says cloud" in line for line in lines)
    assert all("says device" in line for line in lines if ": secret" in line)


def _agent_toml(demo: Path, target: str) -> str:
    text = (_DEPLOY / "demo" / "agent.toml").read_text()
    text = text.replace("/demo/", f"{demo}/").replace("cloud:8001", target)
    text = text.replace("policies/", f"{_DEPLOY}/policies/")
    return text.replace("[targets.cloud.tls]", '[targets.cloud.tls]\nserver_name = "cloud"')
