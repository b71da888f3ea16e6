"""The manifests say what they are meant to, checked without a cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud_service.admission.tenants import parse_tenants
from cloud_service.config import Settings, read_settings
from cloud_service.sources import gather

_BASE = Path(__file__).parents[2] / "deploy" / "kubernetes" / "base"

Resource = Mapping[str, Any]


@pytest.fixture(scope="module")
def rendered() -> str:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed; it draws the manifests together")
    done = subprocess.run(["kubectl", "kustomize", str(_BASE)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def resources(rendered: str) -> dict[str, Resource]:
    return {resource["kind"]: resource for resource in yaml.safe_load_all(rendered)}


def _settings(config: Path) -> Settings:
    return read_settings(gather({"config": config}, {}).values)


def _pod(resources: Mapping[str, Resource]) -> Resource:
    template: Resource = resources["Deployment"]["spec"]["template"]
    return template


@pytest.mark.wide
def test_every_resource_fits_kubernetes_own_schema(rendered: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(rendered)
    validate = Path(sys.executable).with_name("kubernetes-validate")
    done = subprocess.run([validate, "--strict", manifest], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "selector", "matchLabels")),
        ("Service", ("spec", "selector")),
        ("PodDisruptionBudget", ("spec", "selector", "matchLabels")),
        ("NetworkPolicy", ("spec", "podSelector", "matchLabels")),
    ],
)
def test_what_selects_pods_selects_these(resources: Mapping[str, Resource], kind: str, path: tuple[str, ...]) -> None:
    selector: Any = resources[kind]
    for part in path:
        selector = selector[part]
    assert selector
    assert selector.items() <= _pod(resources)["metadata"]["labels"].items()


def test_the_pod_may_do_nothing_that_it_need_not(resources: Mapping[str, Resource]) -> None:
    pod = _pod(resources)["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] != 0
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_every_name_that_a_resource_uses_is_that_of_another(resources: Mapping[str, Resource]) -> None:
    pod = _pod(resources)["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["settings"]["configMap"]["name"] == resources["ConfigMap"]["metadata"]["name"]
    assert (
        volumes["models"]["persistentVolumeClaim"]["claimName"]
        == resources["PersistentVolumeClaim"]["metadata"]["name"]
    )
    assert pod["serviceAccountName"] == resources["ServiceAccount"]["metadata"]["name"]
    scaled = resources["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
    assert scaled == resources["Deployment"]["metadata"]["name"]
    ports = {port["name"] for port in pod["containers"][0]["ports"]}
    assert {port["targetPort"] for port in resources["Service"]["spec"]["ports"]} <= ports
    probed = {pod["containers"][0][f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")}
    assert probed <= ports


def test_the_service_takes_the_mounted_settings_and_listens_where_the_manifests_say(
    resources: Mapping[str, Resource], tmp_path: Path
) -> None:
    data = resources["ConfigMap"]["data"]
    config = tmp_path / "cloud.toml"
    config.write_text(data["cloud.toml"])
    settings = _settings(config)
    ports = {port["name"]: port["containerPort"] for port in _pod(resources)["spec"]["containers"][0]["ports"]}
    assert settings.rest is not None
    listens = {"grpc": settings.grpc.port, "rest": settings.rest.port, "operations": settings.http.port}
    assert ports == listens
    mounted = {mount["mountPath"] for mount in _pod(resources)["spec"]["containers"][0]["volumeMounts"]}
    assert {str(settings.models), "/tls", "/etc/nearfar"} == mounted
    parse_tenants(data["tenants.toml"].encode(), "tenants.toml")


def test_the_pod_is_given_more_time_than_it_takes_to_drain(resources: Mapping[str, Resource], tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text(resources["ConfigMap"]["data"]["cloud.toml"])
    pod = _pod(resources)["spec"]
    waits_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > _settings(config).drain_s + waits_s


def test_the_autoscalers_metric_is_the_adapters(resources: Mapping[str, Resource]) -> None:
    adapter = yaml.safe_load((_BASE.parent / "adapter.yaml").read_text())
    (metric,) = resources["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == adapter["rules"]["custom"][0]["name"]["as"]
