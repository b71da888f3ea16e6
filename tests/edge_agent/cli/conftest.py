"""The command, called as a shell would and in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from tests.builders.agents import FULL, Home

FULL_MODEL = CloudModel({"probabilities": [[0.125, 0.25, 0.625]]}, digest=digest_of(FULL))


@dataclass(frozen=True)
class Ran:
    """What became of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: JSON
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `nearfar-agent` with these arguments."""

    def called(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # how argparse ends
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return called


@dataclass(frozen=True)
class Desk:
    """A configuration file, and what it names."""

    home: Home

    def config(self, *targets: str, policy: str | None = None) -> Path:
        """Write a configuration of the releases that are there; each of `targets` is a table."""
        text = "schema = 1\n"
        if policy is not None:
            self.home.policy(policy)
            text += 'policy = "policy.toml"\n'
        for folder in sorted((self.home.root / "releases").iterdir()):
            text += f'[models.{folder.name}]\nrelease = "releases/{folder.name}"\n'
        path = self.home.root / "agent.toml"
        path.write_text(text + "\n".join(targets), encoding="utf-8")
        return path


def target(cloud: FakeCloud, name: str = "cloud", more: str = "") -> str:
    return f'[targets.{name}]\naddress = "{cloud.address}"\n{more}'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    home = Home(tmp_path)
    home.release()
    return Desk(home)
