"""What `agent.infer` adds to a run of the model on the device, against bare `session.run` on the same session."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.releases import one_millisecond
from benchmarks.timing import compare, microseconds, spread
from edge_agent import Agent
from edge_agent.executor import drive

__all__ = ["main"]

_POLICY = """\
schema = 1
name = "bench"
version = 1
mode = "auto"

[escalation]
below = 0.5

[[rules]]
name = "battery-low"
when = { battery_pct = { less_than = 20 }, charging = false }
mode = "only_on_device"

[[rules]]
name = "busy"
when = { cpu_load = { greater_than = 0.95 } }
mode = "prefer_in_cloud"
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder))


def _measure(folder: Path) -> None:
    from edge_agent.demo.release import make_release

    digits = make_release(folder)
    one_millisecond(folder / "releases" / "images")
    (folder / "policy.toml").write_text(_POLICY, encoding="utf-8")
    models = '[models.digits]\nrelease = "releases/digits"\n[models.images]\nrelease = "releases/images"\n'
    (folder / "alone.toml").write_text(f"schema = 1\n{models}", encoding="utf-8")
    # A closed port: nothing is ever sent there, because `secret` requests may not leave.
    target = '[targets.cloud]\naddress = "127.0.0.1:9"\n'
    (folder / "full.toml").write_text(f'schema = 1\npolicy = "policy.toml"\n{models}{target}', encoding="utf-8")

    pixels = digits.digits.held_out.pixels[:1]
    image = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    with Agent.from_config(folder / "alone.toml") as alone, Agent.from_config(folder / "full.toml") as full:
        print("agent.infer on the device / bare session.run on the same session")
        _ratios("digits model", alone, full, "digits", {"pixels": pixels}, count=400)
        _ratios("1 ms model", alone, full, "images", {"image": image}, count=40)
        print("\nwhere the time goes: microseconds a request, device alone, each part in a loop of its own")
        _parts(alone, "images", {"image": image})


def _bare(agent: Agent, model: str, inputs: dict[str, Any]) -> Callable[[], object]:  # Any: arrays
    release = agent.core.release(model)
    assert release.runtime is not None
    assert release.manifest.device is not None
    from nearfar_wire.prepare import prepare

    fed = prepare(inputs, release.manifest.inputs, release.manifest.device.feeds)
    session = release.runtime.runtime._session  # type: ignore[attr-defined]  # the very session that the agent runs
    names = [spec.name for spec in release.runtime.outputs]
    return lambda: session.run(names, fed)


def _ratios(title: str, alone: Agent, full: Agent, model: str, inputs: dict[str, Any], *, count: int) -> None:
    contenders = {
        "bare": _bare(alone, model, inputs),
        "device alone": lambda: alone.infer(model, inputs, privacy="secret"),
        "with a cloud, rules and escalation": lambda: full.infer(model, inputs, privacy="secret"),
    }
    measured = compare(contenders, count=count, rounds=25)
    bare = measured["bare"]
    print(f"\n  {title}: bare {spread(bare):.1f} µs")
    for name in list(contenders)[1:]:
        ratio = spread([mine / base for mine, base in zip(measured[name], bare, strict=True)])
        added = spread([mine - base for mine, base in zip(measured[name], bare, strict=True)])
        print(f"    {name:36} ratio {ratio:.3f}, adds {added:.1f} µs")


def _parts(agent: Agent, model: str, inputs: dict[str, Any]) -> None:
    core = agent.core
    dispatcher = core.dispatcher
    call = dispatcher.open(model, inputs, None, "secret")
    outcome = drive(call, clock=core.clock)
    bare = _bare(agent, model, inputs)
    parts: dict[str, Callable[[], object]] = {
        "check, see, decide (dispatcher.open)": lambda: dispatcher.open(model, inputs, None, "secret"),
        "the model itself (session.run)": bare,
        "drive: the machine, the run, what is learnt": lambda: drive(
            dispatcher.open(model, inputs, None, "secret"), clock=core.clock
        ),
        "account: result, journal, metrics (dispatcher.close)": lambda: dispatcher.close(call, outcome),
    }
    times = {name: microseconds(run, 300) for name, run in parts.items()}
    opened, run = times["check, see, decide (dispatcher.open)"], times["the model itself (session.run)"]
    times["drive: the machine, the run, what is learnt"] -= opened + run
    for name, time_us in times.items():
        print(f"    {name:54} {time_us:8.1f}")
