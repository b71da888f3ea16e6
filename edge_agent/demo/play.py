"""Plays a phase: makes its conditions hold, asks about every image, and counts what left the device meanwhile.

Bytes are counted at the link, outside of the agent, and all of them: requests, measurements of the round trip, frames.
A phase begins and ends on a quiet link, so that what is counted for it was caused by it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.agent import Agent
from edge_agent.demo.day import DEADLINE_MS, Phase
from edge_agent.demo.digits import Images
from edge_agent.demo.models import OUTPUT
from edge_agent.demo.outcomes import Outcome, PhaseStats, PhaseSummary
from edge_agent.demo.release import MODEL_NAME
from edge_agent.errors import AgentError
from edge_agent.result import Result
from edge_agent.signals import Scripted
from edge_agent.testing.faults import Faults
from edge_agent.testing.link import FaultyLink
from nearfar_wire.status import Code
from router.types import Kind

__all__ = ["Answer", "CloudOutOfReach", "Played", "Player"]

# How long nothing must pass the link, on top of what it takes to cross it. Before a phase: gRPC sizes its windows by
# pings that follow traffic, on a fresh connection 0.1 s behind it and on a used one within 2 s; waiting for the latter
# would be a pause to no purpose, and a few dozen bytes of frames in a phase are told as what they are.
_QUIET_BEFORE_S: Final = 0.5
# After it: longer than the agent's interval between measurements, so that one that is due still counts.
_QUIET_AFTER_S: Final = 0.3
_SETTLE_S: Final = 10.0
_LOOK_S: Final = 0.02
_SHOW_S: Final = 0.1


class CloudOutOfReach(AgentError):
    """The cloud runs and the link is up, and still the agent gets no answer from it."""

    code = Code.UNAVAILABLE
    source = "demo"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one image. `said` is the digit that was read; neither it nor a result where there was an error."""

    said: int | None
    result: Result | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Played:
    """A phase that is over. `answers` stand in the order of the images."""

    summary: PhaseSummary
    answers: tuple[Answer, ...]

    @property
    def in_vain(self) -> int:
        """Requests whose answer was not certain, for which the cloud was asked, and it did not answer."""
        return sum(a.result is not None and a.result.outcome.certain is False for a in self.answers)

    def ruled_by(self, rule: str) -> int:
        """Return how many were decided under `rule` of the policy."""
        return sum(a.result is not None and rule in a.result.decision.rules for a in self.answers)


class Player:
    """Plays phases on one link with the same images."""

    def __init__(
        self,
        link: FaultyLink,
        images: Images,
        *,
        pace_s: float,
        on_progress: Callable[[PhaseSummary], None],
        reach_s: float = 15.0,
    ) -> None:
        """Begin at most one request every `pace_s`; `on_progress` is told ten times a second how a phase stands.

        `reach_s` bounds the wait for the cloud: gRPC pauses for up to 2 s between attempts to connect."""
        self._link = link
        self._images = images
        self._pace_s = pace_s
        self._on_progress = on_progress
        self._reach_s = reach_s

    def play(self, phase: Phase, agent: Agent, scripted: Scripted | None) -> Played:
        """Play `phase`. `scripted` None: battery and load are the machine's own.

        Raises CloudOutOfReach: when the phase should begin on a network, and there is none."""
        if scripted is not None:
            scripted.set(battery_pct=phase.battery_pct, charging=False, cpu_load=phase.cpu_load)
            agent.core.sampler.sample_now(scripted)
        if not phase.sudden:
            self._network(phase.network)
            _reach(agent, self._reach_s)
        self._settle(_QUIET_BEFORE_S)
        sent_before = self._link.bytes_up
        # Every answer is kept to be told of, which no app does: a look at all of them stops a request for 0.15 s.
        gc.collect()
        gc.freeze()
        try:
            if phase.sudden:
                self._network(phase.network)
            return self._ask(phase, agent, sent_before)
        finally:
            gc.unfreeze()

    def _ask(self, phase: Phase, agent: Agent, sent_before: int) -> Played:
        stats = PhaseStats(phase.name)
        answers: list[Answer] = []
        begin_at = shown_at = time.monotonic()
        for index in range(len(self._images)):
            time.sleep(max(0.0, begin_at - time.monotonic()))
            begin_at = time.monotonic() + self._pace_s
            answer = _answer(agent, self._images, index, phase.label)
            answers.append(answer)
            stats.add(answer.outcome)
            if time.monotonic() - shown_at > _SHOW_S:
                self._on_progress(stats.summary(bytes_sent=self._link.bytes_up - sent_before))
                shown_at = time.monotonic()
        self._settle(_QUIET_AFTER_S)
        return Played(stats.summary(bytes_sent=self._link.bytes_up - sent_before), tuple(answers))

    def _network(self, network: Faults | None) -> None:
        if network is None:
            self._link.down()
        else:
            self._link.faults = network
            self._link.up()

    def _settle(self, quiet_s: float) -> None:
        """Return when nothing has passed the link for so long, and for what a round trip takes."""
        quiet_s += 2 * self._link.faults.latency_s
        started = since = time.monotonic()
        passed = self._passed()
        while (now := time.monotonic()) - since < quiet_s and now - started < _SETTLE_S:
            time.sleep(_LOOK_S)
            if passed != (passed := self._passed()):
                since = time.monotonic()

    def _passed(self) -> tuple[int, int]:
        return self._link.bytes_up, self._link.bytes_down


def _reach(agent: Agent, within_s: float) -> None:
    """Have the agent measure everything, the round trip included, until there is one."""
    core = agent.core
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        asked_at = core.clock()
        agent.refresh()
        reading = core.sampler.snapshot().get("rtt_ms")
        if reading is not None and reading.value is not None and reading.at >= asked_at:
            return
        time.sleep(_LOOK_S)
    raise CloudOutOfReach(f"the cloud runs, but did not answer through the demo's link within {within_s:g} s")


def _answer(agent: Agent, images: Images, index: int, label: str) -> Answer:
    pixels = images.pixels[index : index + 1]
    started = time.perf_counter()
    try:
        result = agent.infer(MODEL_NAME, {"pixels": pixels}, deadline_ms=DEADLINE_MS, privacy=label)
    except AgentError as error:
        duration_ms = (time.perf_counter() - started) * 1000
        late = error.code is Code.DEADLINE_EXCEEDED or duration_ms > DEADLINE_MS
        return Answer(None, None, Outcome(None, False, duration_ms, late))
    duration_ms = (time.perf_counter() - started) * 1000
    said = int(result.outputs[OUTPUT].argmax())
    right = said == int(images.labels[index])
    return Answer(said, result, Outcome(Kind(result.target), right, duration_ms, duration_ms > DEADLINE_MS))
