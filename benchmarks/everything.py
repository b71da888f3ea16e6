"""Agents for a benchmark, from "nothing but a model" to everything that a policy can ask for on the device's path.

With everything on, the device answers all the same: what the remote targets would do better is worth less here than
asking them costs, and the certificate lets every answer stay. So what is measured is what routing adds, and no call."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import read_manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.certificate import Certificate, Gains, Promise, Reference, to_json
from router.cascade.gain import fit_gain
from router.cascade.learn import Method
from router.types import Value

__all__ = ["FEATURES", "LABEL", "Phone", "certify", "clouds", "configure"]

LABEL: Final = "open"
_REMOTE: Final = digest_of(b"the full model, which nobody asks here")
_CLASSES: Final = 10
_TARGETS: Final = {"cloud": "cloud", "cabin": "fog"}

_HEAD: Final = """\
schema = 1
name = "bench"
version = 1
[labels]
open = ["device", "fog", "cloud"]
[worth]
joule = 0.001
dollar = 100.0
[targets.device]
p_wrong = 0.05
[backup]
uncertified = "hold"
"""
_PRICED: Final = "[targets.{}]\nusd_per_request = 0.0002\n"
_RULES: Final = "".join(
    f"""\
[[rules]]
name = "battery-{percent}"
when = {{ battery_pct = {{ less_than = {percent} }}, charging = false }}
mode = "only_on_device"
[[rules]]
name = "busy-{percent}"
when = {{ cpu_load = {{ greater_than = 0.99 }}, memory_free_mb = {{ less_than = {percent} }} }}
mode = "prefer_in_cloud"
"""
    for percent in range(1, 11)
)

# Forced choices and audits are rare, or what is measured would be calls; drawn for they are at every request.
FEATURES: Final[Mapping[str, str]] = {
    "twenty rules": _RULES,
    "a promise, by a certificate": "[promise]\nmax_loss = 0.05\naudit = 0.0001\n",
    "an escalation": "[escalation]\nbelow = 0.5\n",
    "three budgets": """\
[budgets]
energy = { amount_j = 1_000_000 }
money = { amount_usd = 1 }
bytes = { amount_mb = 100 }
""",
    "hedges": "[hedge]\nshare = 0.02\n",
    "hysteresis": "[hysteresis]\nmargin = 0.001\ndwell_s = 5\n",
    "exploration": "[exploration]\nshare = 0.0001\n",
    "a radio that may be woken": "[radio]\nwake = true\n",
}


@dataclass
class Phone:
    """What an app on a phone hands in: a sleepy radio, half a charge."""

    names: tuple[str, ...] = ("battery_pct", "charging", "link", "metered")
    interval_s: float = 5.0

    def read(self) -> Mapping[str, Value | None]:
        """See SignalSource."""
        return {"battery_pct": 50.0, "charging": False, "link": "cellular", "metered": False}


def configure(
    folder: Path, name: str, release: Path, *, features: Collection[str], addresses: Mapping[str, str]
) -> Path:
    """Write the configuration and the policy of an agent with these of FEATURES, and return the configuration's file.

    `addresses` are of its remote targets, by name; with none of them it has no policy file either."""
    lines = ["schema = 1"]
    if addresses:
        policy = folder / f"{name}.policy.toml"
        parts = [_HEAD, *map(_PRICED.format, addresses), *(FEATURES[name] for name in FEATURES if name in features)]
        policy.write_text("".join(parts), "utf-8")
        lines.append(f'policy = "{policy.name}"')
    lines.append(f'[models.images]\nrelease = "{release}"')
    for target, address in addresses.items():
        lines.append(f'[targets.{target}]\naddress = "{address}"\nkind = "{_TARGETS[target]}"')
    document = folder / f"{name}.toml"
    document.write_text("\n".join(lines), "utf-8")
    return document


def clouds() -> dict[str, FakeCloud]:
    """Return the remote targets, to be started and stopped by whoever asked for them."""
    model = CloudModel({"probabilities": [[1 / _CLASSES] * _CLASSES]}, digest=_REMOTE)
    return {target: FakeCloud({"images": model}) for target in _TARGETS}


def certify(release: Path) -> None:
    """Put a certificate beside the model of `release`, by which every answer may stay."""
    manifest = release / "manifest.toml"
    text = manifest.read_text("utf-8").replace('model = "images"\n', f'model = "images"\ndigest = "{_REMOTE}"\n')
    manifest.write_text('certificate = "certificate.json"\n' + text, "utf-8")
    described = read_manifest(manifest)
    assert described.device is not None
    assert described.score is not None
    chance = random.Random(0)
    answers = [chance.randrange(_CLASSES) for _ in range(2000)]
    confidences = [chance.random() for _ in answers]
    gains = [int(chance.random() < 0.5 * (1 - confidence)) for confidence in confidences]
    least = -1.0
    certificate = Certificate(
        model="images",
        method=Method.LABELS,
        task="classification",
        score=described.score.kind,
        device_digest=described.device.digest,
        remote_digest=_REMOTE,
        preprocessing_digest=preprocessing_digest(described),
        gains=Gains.of(fit_gain(answers, confidences, gains), [least]),
        promises=[Promise(alpha=0.05, delta=0.1, threshold=least, kept=1.0, loss=0.0, alpha_d=0.3, passed=[least])],
        # One bin: the same picture again and again is no drift by it.
        reference=Reference(edges=[1.0], counts=[1000, 0]),
        n_fit=2000,
        n_calibrate=2000,
        n_evaluate=1000,
        split="made up",
        seed=0,
        made_utc="never",
        not_covered=[],
    )
    (release / "certificate.json").write_bytes(to_json(certificate))
