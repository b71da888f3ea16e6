"""The file of a policy that only looks on. Whatever is wrong with it is told, and keeps no agent from starting.

As with the policy in force, the last good text counts on where a new one is broken. Unlike that one it may go back to
an older version, and change under the same one: nothing that it says is done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge_agent.policies import PolicyStatus
from edge_agent.settled import look
from router.rules.policy import Policy
from router.types import Kind

__all__ = ["ShadowFile"]

_LOG: Final = logging.getLogger("nearfar.agent")


class ShadowFile:
    """See the module. `on_outcome` hears "adopted" or "refused", once for each text."""

    def __init__(
        self,
        path: Path,
        targets: Mapping[str, Kind],
        *,
        on_outcome: Callable[[str], None],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Read the file for the first time."""
        self._path = path
        self._targets = targets
        self._on_outcome = on_outcome
        self._pause: Callable[[float], object] = _at_once
        self._lock = threading.Lock()
        self._seen = ""
        self.current: Policy | None = None
        """The last good text; None before there was one."""
        self.problem: str | None = None
        """None while the file holds what looks on."""
        self.refresh()
        self._pause = pause

    @property
    def status(self) -> PolicyStatus | None:
        """Which policy looks on, and what is wrong with its file; None before there was a good one."""
        policy = self.current
        return None if policy is None else PolicyStatus(policy.name, policy.version, policy.digest, self.problem)

    def refresh(self) -> None:
        """Look at the file, and take what it holds if that is new and good. Raises nothing."""
        with self._lock:
            found = look(self._path, self._targets, self._seen, self._pause)
            if found is None:
                return
            if found.policy is None:
                self._refuse(found.problem, seen=found.seen)
            else:
                self._take(found.policy, found.seen)

    def _take(self, policy: Policy, digest: str) -> None:
        self._seen, self.problem = digest, None
        if self.current is not None and self.current.digest == policy.digest:
            return  # a broken file was put right again
        self.current = policy
        self._on_outcome("adopted")
        _LOG.info("policy %s version %d looks on (%s)", policy.name, policy.version, policy.digest)

    def _refuse(self, problem: str, *, seen: str) -> None:
        self._seen, self.problem = seen, problem
        self._on_outcome("refused")
        goes_on = "no policy looks on" if self.current is None else f"version {self.current.version} goes on looking on"
        _LOG.warning("shadow policy: %s; %s", problem, goes_on)


def _at_once(_: float) -> None:
    """Hold no agent's start up: a file that is being written just then is read again soon."""
