"""The bearer token that goes with every call to one remote target: from a file that something else keeps fresh, or from
the app. It is read for the call that it goes with, and is in no text that is ever shown.

A token that the server refuses is not fetched anew and tried again: the call failed, and the next one reads again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.config import RemoteConfig
from edge_agent.egress.failure import RemoteFailure
from edge_agent.errors import ConfigError
from nearfar_wire.status import Code

__all__ = ["Credential", "Metadata", "credential_of"]

Metadata = tuple[tuple[str, str], ...]
Credential = Callable[[], Metadata]

# As much as the service takes.
_MAX_TOKEN_BYTES: Final = 8 << 10
# A look at the file costs some microseconds, on a network's file system more.
_LOOK_AGAIN_S: Final = 1.0


def credential_of(name: str, config: RemoteConfig, *, now: Callable[[], float] = time.monotonic) -> Credential:
    """Return what gives the metadata for a call. Raises ConfigError: for a file that holds no token now."""
    if config.token_file is not None:
        return _TokenFile(f"targets.{name}.token_file", config.token_file, now)
    if config.token is not None:
        return _TokenOfTheApp(config.token)
    return tuple


class _TokenOfTheApp:
    """Asks the app. Raises RemoteFailure: for what is no token, and where the app fails; nothing was sent then."""

    __slots__ = ("_token",)

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self) -> Metadata:
        try:
            token = self._token()
        except Exception:  # noqa: BLE001 - the app's code; its words may hold the token
            raise RemoteFailure(Code.UNAUTHENTICATED, "the app's token function failed") from None
        if not (isinstance(token, str) and _is_token(token)):
            raise RemoteFailure(Code.UNAUTHENTICATED, "the app's token function gave no token")
        return _metadata(token)


class _TokenFile:
    """Reads the file again once it has changed; what is no token then leaves the last one in use."""

    __slots__ = ("_file", "_look_at", "_metadata", "_now", "_seen")

    def __init__(self, path: str, file: Path, now: Callable[[], float]) -> None:
        self._file = file
        self._now = now
        self._look_at = now() + _LOOK_AGAIN_S
        try:
            self._seen = _state(file)
            read = _read(file)
        except OSError as error:
            raise ConfigError(path, f"{file} cannot be read: {error.strerror or error}") from error
        if read is None:
            raise ConfigError(path, f"{file} holds no bearer token: one line of at most {_MAX_TOKEN_BYTES} characters")
        self._metadata = read

    def __call__(self) -> Metadata:
        now = self._now()
        if now >= self._look_at:
            self._look_at = now + _LOOK_AGAIN_S
            self._look()
        return self._metadata

    def _look(self) -> None:
        try:
            state = _state(self._file)
            if state == self._seen:
                return
            read = _read(self._file)
        except OSError:
            return  # it is being replaced; the last one may still be good
        if read is not None:
            self._seen, self._metadata = state, read


def _state(file: Path) -> tuple[int, int, int]:
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path) -> Metadata | None:
    with file.open("rb") as opened:
        content = opened.read(_MAX_TOKEN_BYTES + 2)
    token = content.decode("latin-1").strip()
    return _metadata(token) if _is_token(token) else None


def _is_token(token: str) -> bool:
    return 0 < len(token) <= _MAX_TOKEN_BYTES and token.isascii() and token.isprintable() and " " not in token


def _metadata(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)
