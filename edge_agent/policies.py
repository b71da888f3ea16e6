"""The policy in force, and its file. The last good one stays in force whatever becomes of the file.

`refresh` reads the file and puts it in force whole, or keeps what was and says why; who calls it, and how often, is the
watcher's affair (a thread of the agent's). A file that is still being written is read again until it stands still: half
a policy can be a valid one. A version lower than the highest that was in force is not taken: going back is a new one
with the old text. Another text under the same version is taken, because each receipt and record names a policy by its
digest as well; but whoever counts devices by version takes two policies for one, so it is told.

Only a policy that harms is taken back by itself, where it or the one before it says what harm is: then the one before
it is in force again, and the text that harmed is not taken a second time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import ConfigError
from edge_agent.policy_guard import Guard
from edge_agent.settled import look, read
from nearfar_wire.digest import digest_of
from router.errors import PolicyError
from router.rules.compile import built_in_policy, compile_policy
from router.rules.policy import Policy
from router.types import Kind

__all__ = ["PolicyFile", "PolicyStatus", "Watcher"]

_log = logging.getLogger("nearfar.agent")

# Texts that did harm, so that none of them is taken again while the agent runs.
_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """Which policy is in force, and what is wrong with the file, if anything is."""

    name: str
    version: int
    digest: str
    problem: str | None
    """None while the file holds the policy in force."""
    warning: str | None = None
    """What is odd about how it came into force; None where nothing is."""


class PolicyFile:
    """See the module. `on_change` is told each policy that replaces another, `on_outcome` how each reload went."""

    def __init__(
        self,
        path: Path | None,
        targets: Mapping[str, Kind],
        *,
        on_change: Callable[[Policy], None],
        on_outcome: Callable[[str], None],
        pause: Callable[[float], object] = time.sleep,
        guard: Guard | None = None,
    ) -> None:
        """Put the file's policy in force (None: the built-in one). Raises ConfigError: for one that cannot be."""
        self._guard = guard
        self._taken_back: deque[str] = deque(maxlen=_REMEMBERED)
        self._path = path
        self._targets = targets
        self._on_change = on_change
        self._on_outcome = on_outcome
        self._pause = pause
        self._lock = threading.Lock()
        self._problem: str | None = None
        self._warning: str | None = None
        self._seen_digest = ""
        self.current: Policy
        """The policy in force, replaced whole. A request reads it once and keeps what it read."""
        if path is None:
            self.current = built_in_policy()
            self._highest = self.current.version
            return
        try:
            content = read(path)
            self.current = compile_policy(content, source=str(path), targets=targets)
        except OSError as error:
            raise ConfigError("policy", f"{path} cannot be read: {error.strerror or error}") from error
        except PolicyError as error:
            raise ConfigError.of(error) from error
        self._seen_digest = digest_of(content)
        self._highest = self.current.version

    @property
    def status(self) -> PolicyStatus:
        """What is in force, and what is wrong with the file."""
        policy = self.current
        return PolicyStatus(policy.name, policy.version, policy.digest, self._problem, self._warning)

    def refresh(self) -> None:
        """Look at how the policy in force does, and at the file; put what that holds in force if it is new and good."""
        if self._path is None:
            return
        with self._lock:
            self._take_back_if_harmful()
            found = look(self._path, self._targets, self._seen_digest, self._pause)
            if found is None:
                return
            if found.policy is None:
                self._keep(found.problem, seen=found.seen)
            else:
                self._adopt(found.policy, found.seen)

    def _take_back_if_harmful(self) -> None:
        harm = None if self._guard is None else self._guard.look()
        if harm is None:
            return
        harmful, (proven, why) = self.current, harm
        self._taken_back.append(harmful.digest)
        self._problem = f"version {harmful.version} was taken back: {why}"
        self._on_change(proven)
        self.current = proven
        self._warning = None
        self._on_outcome("taken_back")
        _log.error("policy %s %s; version %d is in force again", harmful.name, self._problem, proven.version)

    def _adopt(self, policy: Policy, digest: str) -> None:
        current = self.current
        if policy.digest == current.digest:
            self._seen_digest, self._problem = digest, None
            return  # a broken file was put right again
        if policy.digest in self._taken_back:
            self._keep(f"version {policy.version} did harm, and was taken back before", seen=digest)
            return
        if policy.version < self._highest:
            once = "is" if self._highest == current.version else "was"
            self._keep(f"version {policy.version} is older than {self._highest}, which {once} in force", seen=digest)
            return
        self._seen_digest, self._problem, self._warning = digest, None, None
        if policy.version == current.version:
            self._warning = (
                f"version {policy.version} was in force with another text: raise the version with each change"
            )
            _log.warning("policy %s: %s", policy.name, self._warning)
        self._on_change(policy)
        self.current = policy
        self._highest = policy.version
        if self._guard is not None:
            self._guard.replaced(current, policy)
        self._on_outcome("adopted" if self._warning is None else "adopted_under_same_version")
        _log.info("policy %s version %d is in force (%s)", policy.name, policy.version, policy.digest)

    def _keep(self, problem: str, *, seen: str) -> None:
        self._seen_digest, self._problem = seen, problem
        self._on_outcome("refused")
        _log.warning("%s; policy %s version %d stays in force", problem, self.current.name, self.current.version)


class Watcher:
    """Calls `refresh` every `interval_s` on a thread of its own, until stopped."""

    def __init__(self, refresh: Callable[[], None], interval_s: float) -> None:
        self._refresh = refresh
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nearfar-policy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; safe twice."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self._refresh()
