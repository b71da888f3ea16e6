"""What was asked for: which server, with which requests, in which loop. Checked before anything is sent.

A load generator is a weapon to whoever is at the other end: another machine is loaded only when that is said in so many
words, and a token goes to one only encrypted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cloud_service.bench.arrivals import Rhythm
from cloud_service.config import Address
from cloud_service.errors import SettingsError

__all__ = ["Closed", "Open", "Options", "Tls"]


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM; without `ca` the certificates that gRPC brings are trusted."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """`concurrency` callers, each of whom asks again as soon as it was answered."""

    concurrency: int


@dataclass(frozen=True, slots=True)
class Open:
    """`rate` requests a second, whatever becomes of them."""

    rate: float
    rhythm: Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See the module. Raises SettingsError: for options that contradict each other."""

    target: Address
    model: str
    loop: Closed | Open
    seconds: float
    warm_up_s: float = 0.0
    version: str = ""
    rows: int = 1
    free: int = 32
    input: Path | None = None
    deadline_s: float | None = None
    priority: int = 0
    processes: int = 1
    connections: int = 1
    tls: Tls | None = None
    token: str | None = field(default=None, repr=False)
    beyond_loopback: bool = False

    def __post_init__(self) -> None:
        if not (self.target.is_loopback or self.beyond_loopback):
            raise SettingsError(
                "target",
                f"{self.target} is another machine, which this load may bring down; "
                "pass --beyond-loopback if it is yours to load",
            )
        if self.token is not None and self.tls is None and not self.target.is_loopback:
            raise SettingsError("token_file", "the token would be readable on its way; use --tls or --ca with it")
        if isinstance(self.loop, Closed) and self.loop.concurrency < self.processes:
            raise SettingsError(
                "processes",
                f"{self.processes} of them cannot share {self.loop.concurrency} callers; raise --concurrency",
            )
        if self.tls is not None and (self.tls.certificate is None) != (self.tls.key is None):
            raise SettingsError("cert", "a certificate and its key belong together; give --cert and --key, or neither")
