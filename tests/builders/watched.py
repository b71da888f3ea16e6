"""An agent under watch: whatever a test does with it, some things must hold of every request, and of their sum."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from edge_agent import Agent, AgentError, Cancellation, Result

__all__ = ["GRACE_S", "Watched"]

# What a thread may take to be woken on a busy machine, several times over; the promise is "a small grace".
GRACE_S = 0.5


class Watched:
    """Infers by `agent`, and checks that a request ends once, in time, and is counted by how it ended."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._lock = threading.Lock()
        self._answered: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._errors = 0

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Any],  # Any: also what no agent takes
        *,
        deadline_ms: Any = 1000.0,
        privacy: Any = "public",
        cancellation: Cancellation | None = None,
    ) -> Result:
        """As Agent.infer, for a request whose device run is short."""
        began = time.monotonic()
        try:
            result = self.agent.infer(
                model, inputs, deadline_ms=deadline_ms, privacy=privacy, cancellation=cancellation
            )
        except AgentError:
            with self._lock:
                self._errors += 1
            raise
        else:
            receipt = result.receipt
            with self._lock:
                self._answered[result.target] = self._answered.get(result.target, 0) + 1
                for sent in receipt.sent:
                    self._sent[sent.target] = self._sent.get(sent.target, 0) + sent.size_bytes
            return result
        finally:
            limit_s = deadline_ms / 1000 if isinstance(deadline_ms, int | float) and abs(deadline_ms) < 1e12 else 1.0
            assert not time.monotonic() - began > max(0.0, limit_s) + GRACE_S, "it ended late"

    def check(self) -> None:
        """Every request of the agent's went through here, ended once and was counted once."""
        totals = self.agent.core.metrics.totals()
        outcomes = totals["outcomes"]
        assert isinstance(outcomes, dict)
        assert totals["requests"] == sum(outcomes.values()) == sum(self._answered.values()) + self._errors
        assert outcomes["answered"] == sum(self._answered.values())
        sent = totals["sent_bytes"]
        assert isinstance(sent, dict)
        # What a request sent that ended in an error stands in no receipt.
        assert all(sent.get(target, 0) >= size_bytes for target, size_bytes in self._sent.items())
        if not self._errors:
            assert {target: size for target, size in sent.items() if size} == self._sent
