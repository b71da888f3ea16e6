"""A device, a cloud and the link between them, all in this process: what an agent is tested in.

The link and the cloud are real sockets; only the models are fakes, so that a test sees at once who answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
from numpy.typing import NDArray

from edge_agent import Agent, AsyncAgent, RemoteConfig, SignalsConfig, TlsConfig
from edge_agent.releases import Release
from edge_agent.signals import Source
from edge_agent.testing import (
    CloudModel,
    FakeCloud,
    FakeRuntime,
    FaultyLink,
    fake_agent,
    fake_async_agent,
    fake_release,
)
from tests.builders.agents import policy_text
from tests.builders.watched import Watched

__all__ = ["Scene", "X", "agents_threads", "answering", "host_port"]

X: Final[Mapping[str, NDArray[Any]]] = {"x": np.ones((1, 4), np.float32)}


def answering(*probabilities: float) -> Any:  # Any: edge_agent.testing.Answer
    """Return what a fake model says of every row."""

    def answer(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        rows = len(next(iter(inputs.values())))
        return {"probabilities": np.tile(np.array(probabilities, np.float32), (rows, 1))}

    return answer


def agents_threads() -> set[threading.Thread]:
    """Return the threads that run here beside the test's own cloud and link, which has those that it needs."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith(("fake-cloud", "faulty-link"))}


def host_port(address: str) -> tuple[str, int]:
    """Return HOST:PORT in its parts."""
    host, _, port = address.rpartition(":")
    return host, int(port)


class Scene:
    """`with Scene(folder) as scene:`; agents are made with `agent`, as many as wanted."""

    def __init__(self, folder: Path, *, credentials: grpc.ServerCredentials | None = None) -> None:
        self.folder = folder
        self.device = FakeRuntime(answering(0.9, 0.06, 0.04))
        self.cloud = FakeCloud({"tiny": CloudModel(answering(0.1, 0.2, 0.7))}, credentials=credentials).start()
        self.link = FaultyLink(host_port(self.cloud.address)).start()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.device.let_go()
        self.link.stop()
        self.cloud.stop()

    @property
    def release(self) -> Release:
        return fake_release("tiny", self.device)

    def remote(self, **more: Any) -> RemoteConfig:  # Any: RemoteConfig's fields
        """Return the cloud as an agent is to know it: behind the link."""
        host, port = self.link.address
        return RemoteConfig(address=f"{host}:{port}", **more)

    def parts(self, mode: str, rules: str, tls: TlsConfig | None, more: dict[str, Any]) -> dict[str, Any]:
        """Return an agent's configuration; Any: its fields."""
        policy = self.folder / "policy.toml"
        policy.write_text(policy_text(mode, more=rules), encoding="utf-8")
        return {
            "targets": {"cloud": self.remote(tls=tls)},
            "policy": policy,
            "signals": SignalsConfig(round_trip_s=0.05),
        } | more

    @contextmanager
    def agent(
        self,
        mode: str = "prefer_in_cloud",
        *,
        rules: str = "",
        tls: TlsConfig | None = None,
        release: Release | None = None,
        sources: Sequence[Source] = (),
        checked: bool = True,
        **more: Any,  # Any: the configuration's own fields, and fake_agent's
    ) -> Iterator[Watched]:
        """Watch an agent; that every request was counted is `checked` at the end, if all of them were watched."""
        agent: Agent = fake_agent(release or self.release, sources=sources, **self.parts(mode, rules, tls, more))
        watched = Watched(agent)
        with agent:
            yield watched
            if checked:
                watched.check()

    def async_agent(
        self, mode: str = "prefer_in_cloud", *, rules: str = "", **more: Any
    ) -> AsyncAgent:  # Any: as above
        """Return an asynchronous agent, to be closed by who asked for it."""
        return fake_async_agent(self.release, **self.parts(mode, rules, None, more))
