"""Stand-ins for what an app's tests have no use for in earnest: a clock, a model, a cloud, a network. We use them too.

    release = fake_release("digits", FakeRuntime({"probabilities": [[0.9, 0.1]]}), manifest=Path("manifest.toml"))
    with FakeCloud({"digits": CloudModel({"probabilities": [[0.1, 0.9]]})) as cloud:
        with fake_agent(release, targets={"cloud": {"address": cloud.address}}) as agent:
            ...

An agent over fakes decides, permits, escalates and accounts as any other; only what it would load, measure or wait for
is replaced."""

from __future__ import annotations

from edge_agent.signals import Scripted
from edge_agent.testing.agents import fake_agent, fake_async_agent
from edge_agent.testing.answer import Answer
from edge_agent.testing.clock import FakeClock
from edge_agent.testing.cloud import CloudModel, FakeCloud, Script
from edge_agent.testing.faults import Faults
from edge_agent.testing.lies import LIES, Lie, huge
from edge_agent.testing.link import FaultyLink
from edge_agent.testing.releases import FULL_MODEL_DIGEST, TINY_MANIFEST, fake_release
from edge_agent.testing.runtime import FakeRuntime

__all__ = [
    "FULL_MODEL_DIGEST",
    "LIES",
    "TINY_MANIFEST",
    "Answer",
    "CloudModel",
    "FakeClock",
    "FakeCloud",
    "FakeRuntime",
    "Faults",
    "FaultyLink",
    "Lie",
    "Script",
    "Scripted",
    "fake_agent",
    "fake_async_agent",
    "fake_release",
    "huge",
]
