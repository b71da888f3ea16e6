"""An agent's home on disk for tests: releases, policies, and configurations that name them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_agent import AgentConfig, DeviceConfig, ModelConfig, RemoteConfig, SignalsConfig, TlsConfig
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of
from tests.builders.onnx_models import slow, softmax_mlp

__all__ = ["FULL", "GOLDEN", "PIXELS", "SMALL", "Home", "golden_npz", "policy_text"]

SMALL: Final = softmax_mlp(seed=0)
"""The device's model: UINT8 pixels [n, 4] to probabilities and logits [n, 3]."""
FULL: Final = softmax_mlp(seed=1)
"""The cloud's, by the name and version that `Home.release` gives it: "tiny" 1."""
PIXELS: Final[NDArray[Any]] = np.array([[1, 2, 3, 4]], np.uint8)

GOLDEN: Final[NDArray[Any]] = np.random.default_rng(5).integers(0, 3, (8, 4)).astype(np.uint8)
"""Inputs that the models of softmax_mlp are not quite sure of, a row an example."""

_DIGITS = """schema = 1
name = "tiny"
version = 7

[[inputs]]
name = "pixels"
datatype = "{pixels}"
shape = [-1, {features}]

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]

[score]
output = "probabilities"
"""

_COUNTER = """schema = 1
name = "slow"
version = 1

[[inputs]]
name = "n"
datatype = "INT64"
shape = [1]

[[outputs]]
name = "y"
datatype = "FP32"
shape = []
"""


def golden_npz(model: bytes = SMALL, pixels: NDArray[Any] = GOLDEN, *, logits: float = 1.0) -> bytes:
    """Return golden examples: what `model` makes of `pixels`, a row at a time; `logits` makes it surer or less sure."""
    runtime = OnnxRuntime("golden.onnx", model, digest_of(model))
    rows = [runtime.run({"pixels": row[None]})["logits"] * np.float32(logits) for row in pixels]
    shares = [np.exp(row) / np.exp(row).sum() for row in rows]
    file = io.BytesIO()
    np.savez(file, **{"inputs/pixels": pixels, "outputs/probabilities": np.concatenate(shares)})
    return file.getvalue()


def policy_text(mode: str = "auto", *, version: int = 1, name: str = "test", more: str = "") -> str:
    """Return a policy; `more` is what follows the document's own keys."""
    return f'schema = 1\nname = "{name}"\nversion = {version}\nmode = "{mode}"\n{more}'


@dataclass(frozen=True)
class Home:
    """A folder in which an agent finds what its configuration names."""

    root: Path

    def release(
        self,
        name: str = "tiny",
        *,
        model: bytes | None = SMALL,
        promised: str | None = None,
        remote: bool = True,
        full: str | None = digest_of(FULL),
        pixels: str = "UINT8",
        features: int = 4,
        golden: bytes | None = None,
    ) -> Path:
        """Write a release; `model` None has none for the device, `promised` is a digest that it may not have.

        `golden` are examples, as golden_npz makes them."""
        folder = self.root / "releases" / name
        folder.mkdir(parents=True, exist_ok=True)
        parts = [_DIGITS.format(pixels=pixels, features=features)]
        if model is not None:
            (folder / "small.onnx").write_bytes(model)
            parts.append(f'[device]\nfile = "small.onnx"\ndigest = "{promised or digest_of(model)}"\n')
        if remote:
            wanted = "" if full is None else f'digest = "{full}"\n'
            parts.append(f'[remote]\nmodel = "tiny"\nversion = "1"\n{wanted}')
        if golden is not None:
            (folder / "golden.npz").write_bytes(golden)
            parts.append(f'[golden]\nfile = "golden.npz"\ndigest = "{digest_of(golden)}"\n')
        (folder / "manifest.toml").write_text("\n".join(parts), encoding="utf-8")
        return folder

    def slow_release(self, model: bytes | None = None) -> Path:
        """Write a release whose model counts to its input `n`: a million take about a second.

        `model` is another that takes `n` and gives `y`."""
        model = slow() if model is None else model
        folder = self.root / "releases" / "slow"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "slow.onnx").write_bytes(model)
        side = f'[device]\nfile = "slow.onnx"\ndigest = "{digest_of(model)}"\n\n[remote]\nmodel = "slow"\n'
        (folder / "manifest.toml").write_text(f"{_COUNTER}\n{side}", encoding="utf-8")
        return folder

    def policy(self, text: str) -> Path:
        """Write the policy file."""
        path = self.root / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def config(
        self,
        *releases: Path,
        cloud: str | None = None,
        tls: TlsConfig | None = None,
        policy: str | None = None,
        remotes: Mapping[str, RemoteConfig] | None = None,
        device: DeviceConfig | None = None,
        **more: Any,  # Any: the configuration's own fields
    ) -> AgentConfig:
        """Return a configuration with these releases ("tiny" if none is given), a cloud at an address, a policy."""
        targets = dict(remotes or {})
        if cloud is not None:
            targets["cloud"] = RemoteConfig(address=cloud, tls=tls)
        return AgentConfig(
            models={folder.name: ModelConfig(release=folder) for folder in releases or (self.release(),)},
            targets=targets,
            policy=None if policy is None else self.policy(policy),
            device=device or DeviceConfig(),
            **({"signals": SignalsConfig(round_trip_s=0.05)} | more),
        )
