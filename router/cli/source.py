"""The policy that a command was pointed at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from router.errors import RouterError
from router.naming import did_you_mean
from router.rules.compile import MAX_POLICY_BYTES, compile_policy
from router.rules.policy import Policy
from router.simulate.scenario import Scenario
from router.types import DEVICE, Kind

__all__ = ["policy_for", "read_bytes", "read_policy", "refuse_pipes", "refuse_strange_labels"]


def read_policy(path: Path, targets: Mapping[str, Kind] | None = None) -> Policy:
    """Read and compile a policy file, for these `targets` where they are known. Raises PolicyError, OSError."""
    return compile_policy(read_bytes(path), source=str(path), targets=targets)


def policy_for(path: Path, scenario: Scenario) -> Policy:
    """Read and compile a policy file for a scenario's targets and requests.

    An agent refuses a request whose label its policy does not have; a run without one word of it would mislead. Raises
    RouterError, OSError."""
    policy = read_policy(
        path, {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in scenario.setting.servers}}
    )
    refuse_strange_labels(policy, scenario)
    return policy


def refuse_strange_labels(policy: Policy, scenario: Scenario) -> None:
    """Refuse a policy that lacks a label which requests of the scenario bear. Raises RouterError."""
    for stream in scenario.setting.streams:
        for _, label in stream.labels:
            if label is not None and label not in policy.labels:
                known = did_you_mean(label, policy.labels)
                raise RouterError(
                    f'policy {policy.name} has no label "{label}", which requests of {stream.name} bear{known}'
                )


def refuse_pipes(paths: Iterable[Path]) -> None:
    """Refuse policies that can be read once only, for a command that reads them again. Raises RouterError."""
    for path in paths:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise RouterError(f"{path}: is no file, and it is read more than once here; write the policy into one")


def read_bytes(path: Path) -> bytes:
    """Read a policy file, or enough of it to be refused: one of gigabytes is not read to its end. Raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_POLICY_BYTES + 1)
