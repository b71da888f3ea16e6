"""One agent that lives through a scene: its own link, its own policy file, and the requests at their instants.

Several lanes run side by side in this process, each request in a thread of its own: what one waits for is mostly the
network, and the processor is shared as it would be with other apps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.backtest.air import Air
from benchmarks.backtest.digits import MODEL, Example, Prepared
from benchmarks.backtest.foresight import ByRule
from benchmarks.backtest.requests import Asked, Seen, seen_of, time_of
from benchmarks.backtest.scene import CLOUD, Scene
from edge_agent import Agent, AgentConfig, AgentError, DeadlineExceeded, ModelConfig, RemoteConfig, Result
from edge_agent.demo.models import OUTPUT
from edge_agent.signals.scripted import Scripted
from edge_agent.testing import FaultyLink
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.baselines import Baseline
from router.simulate.tally import Ended
from router.types import DEVICE, Kind, Value

__all__ = ["KINDS", "Lane", "agent_at", "compiled", "decide_by_rule"]

KINDS: Final = {DEVICE: Kind.DEVICE, CLOUD: Kind.CLOUD}
_LABEL: Final = "public"
# How soon a replaced file is looked at: a scene is short.
_CHECK_S: Final = 0.2
_BOUND_S: Final = 30.0


def compiled(text: str) -> Policy:
    """Return a policy of these targets. Raises PolicyError."""
    return compile_policy(text.encode(), targets=KINDS)


def agent_at(
    address: tuple[str, int],
    prepared: Prepared,
    policy: Path,
    readings: Mapping[str, Value | None],
    records: Path | None = None,
) -> Agent:
    """Return an agent whose cloud is at `address` and whose sensors say what stands in `readings`; it writes its
    decisions into `records`, where that is given."""
    host, port = address
    config = AgentConfig(
        models={MODEL: ModelConfig(release=prepared.release)},
        targets={CLOUD: RemoteConfig(address=f"{host}:{port}")},
        policy=policy,
        policy_check_s=_CHECK_S,
        records=records,
    )
    return Agent(config, sources=[Scripted(readings)])


def decide_by_rule(agent: Agent, rule: Baseline) -> None:
    """Put a rule in the place of the agent's policy, before its first request. No app may do this: it is here to have
    the agent wait, ask and account for a rule as it does for policies."""
    dispatcher = agent.core.dispatcher
    dispatcher._around = replace(dispatcher._around, memo=ByRule(rule))


class Lane:
    """See the module. Used in a `with` statement; `policies` come one after the other, each from its instant on."""

    def __init__(
        self,
        name: str,
        policies: Sequence[tuple[float, str]],
        scene: Scene,
        prepared: Prepared,
        cloud: tuple[str, int],
        folder: Path,
        *,
        seed: int,
        rule: Baseline | None = None,
    ) -> None:
        """The first policy begins at 0; where there is a `rule`, that decides, and the policy says what things are
        worth. `folder` is the lane's own."""
        self.name = name
        self.rule = rule
        self.policies = [(at, compiled(text)) for at, text in policies]
        """(from when, policy)."""
        self._texts = policies
        self._scene = scene
        self._prepared = prepared
        self._air = Air(scene.link, seed)
        self._link = FaultyLink(cloud, carrier=self._air)
        self._file = folder / "policy.toml"
        self._log = folder / "records.jsonl"
        self._seen: dict[int, Seen] = {}
        self._agent: Agent | None = None
        self.problems: list[str] = []
        """What went wrong that was no part of the scene."""

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._replace(self._texts[0][1])
        self._link.start()
        radio = self._scene.link.radio
        try:
            readings: dict[str, Value | None] = {"link": radio.kind, "metered": radio.metered}
            self._agent = agent_at(self._link.address, self._prepared, self._file, readings, self._log)
        except BaseException:
            self._link.stop()
            raise
        if self.rule is not None:
            decide_by_rule(self._agent, self.rule)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._agent is not None:
            self._agent.close()
        self._link.stop()

    def live(self, began: float, stop: threading.Event) -> None:
        """Live through the scene, which begins at `began` of the monotonic clock. Returns when all have ended."""
        self._air.begin(began)
        waiting: list[threading.Thread] = []
        swaps = [(at, number) for number, (at, _) in enumerate(self._texts) if number]
        events: list[tuple[float, Asked | int]] = sorted(
            [*((one.at, one) for one in self._scene.asked), *swaps], key=lambda event: event[0]
        )
        for at, event in events:
            if stop.wait(max(0.0, began + at - time.monotonic())):
                break
            if isinstance(event, int):
                self._replace(self._texts[event][1])
            else:
                thread = threading.Thread(target=self._ask, args=(event,), name=f"{self.name}-{event.number}")
                thread.start()
                waiting.append(thread)
        for thread in waiting:
            thread.join(_BOUND_S)

    @property
    def seen(self) -> list[Seen]:
        """What came of the requests, in the order in which they were asked."""
        return [self._seen[number] for number in sorted(self._seen)]

    def records(self) -> list[str]:
        """Return the records of all decisions, a line of JSON each, once the agent was closed."""
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    def _replace(self, text: str) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, self._file)

    def _ask(self, asked: Asked) -> None:
        assert self._agent is not None
        example = self._prepared.examples[asked.example]
        started = time.monotonic()
        try:
            result = self._agent.infer(
                MODEL, {"pixels": example.pixels}, deadline_ms=asked.deadline_s * 1000, privacy=_LABEL
            )
        except AgentError as error:
            self._failed(asked, error, time.monotonic() - started)
        except Exception as error:  # noqa: BLE001  told with the figures: a thread's traceback would be lost between bars
            self.problems.append(f"request {asked.number}: {type(error).__name__}: {error}")
        else:
            self._answered(asked, result, example, time.monotonic() - started)

    def _answered(self, asked: Asked, result: Result, example: Example, taken_s: float) -> None:
        target, receipt = result.target, result.receipt
        up_bytes = sum(sent.size_bytes for sent in receipt.sent)
        ended = Ended(
            target,
            taken_s,
            1 - asked.truth.p_right[target],
            0.0,
            result.outcome.late,
            False,
            result.outcome.escalated,
            receipt.energy_j,
            0.0,
            up_bytes,
            sum(sent.received_bytes for sent in receipt.sent),
            number=asked.number,
        )
        decision, outcome = result.decision, result.outcome
        plan = decision.plan
        assert plan is not None
        alone = plan.legs[0].target == target and not (outcome.failures or outcome.escalated or outcome.overtaken)
        worth = self.policies[0][1].worth
        right = bool(result.outputs[OUTPUT].argmax() == example.label)
        self._seen[asked.number] = seen_of(asked, ended, worth, time_of(decision, target) if alone else None, right)

    def _failed(self, asked: Asked, error: AgentError, taken_s: float) -> None:
        late = isinstance(error, DeadlineExceeded)
        ended = Ended(None, taken_s, 0.0, 0.0, late, not late, False, 0.0, 0.0, 0, 0, number=asked.number)
        self._seen[asked.number] = seen_of(asked, ended, self.policies[0][1].worth, None)
