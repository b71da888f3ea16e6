"""What was learnt of times, kept across restarts: a small file of JSON in the agent's state folder.

Written whole or not at all, now and then and at the end. What cannot be read, or was written by another version, is not
used, and that is said. What is in it is router/experience/saved.py's to say. Two agents with one folder do no harm:
whoever writes last is remembered."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_agent.experience import Experience
from router.errors import SavedError
from router.experience.saved import MAX_SAVED_BYTES
from router.types import Kind

__all__ = ["FILE_NAME", "Remembered"]

_LOG: Final = logging.getLogger("nearfar.agent")

FILE_NAME: Final = "learnt.json"
# A phone's apps are killed without a word: so much is forgotten then, which some calls teach anew.
_EVERY_S: Final = 60.0
_STOP_S: Final = 1.0


class Remembered:
    """See the module. `clock` is the agent's own, `utc` the wall's."""

    def __init__(
        self,
        path: Path,
        experience: Experience,
        targets: Mapping[str, Kind],
        models: Collection[str],
        *,
        clock: Callable[[], float],
        utc: Callable[[], float],
    ) -> None:
        self._path = path
        self._experience = experience
        self._targets = targets
        self._models = models
        self._clock = clock
        self._utc = utc
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed = False

    def load(self) -> None:
        """Add what was kept to what is known; whatever is wrong with it is logged and costs nothing else."""
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_SAVED_BYTES + 1)
            now, now_utc = self._clock(), self._utc()
            count = self._experience.restore(content, self._targets, self._models, now, now_utc)
        except FileNotFoundError:
            return
        except OSError as error:
            _LOG.warning("%s cannot be read (%s): times are learnt anew", self._path, error.strerror)
        except SavedError as error:
            _LOG.warning("%s is not used, and times are learnt anew: %s", self._path, error)
        else:
            _LOG.info("%s: times of %d models on their targets are known from before", self._path, count)

    def save(self) -> None:
        """Write what is known; a failure is logged once and costs nothing else."""
        made = self._path.with_suffix(f".{os.getpid()}-{id(self):x}.new")
        try:
            content = self._experience.saved(self._targets, self._clock(), self._utc()).encode()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # When an app is used and how far its servers are is nobody else's affair.
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            made.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                made.unlink(missing_ok=True)
            if not self._failed:
                _LOG.warning("%s cannot be written (%s): times are forgotten at the end", self._path, error.strerror)
            self._failed = True
        else:
            self._failed = False

    def start(self) -> None:
        """Write now and then, from a thread that ends with `stop`."""
        self._thread = threading.Thread(target=self._run, name="nearfar-remembered", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and write for the last time; safe twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        thread.join(_STOP_S)
        self.save()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self.save()
