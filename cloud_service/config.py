"""How one service is set: checked once, when it enters, and never changed after.

Plaintext is kept on this machine: an address beyond loopback is refused unless the operator asks for it in so many
words, because anyone who can reach it could then read and use the models."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cloud_service.errors import SettingsError

__all__ = ["Address", "Settings", "read_settings"]


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 is any free one. Written 127.0.0.1:8001, [::1]:8001 or localhost:8001."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read HOST:PORT. Raises ValueError: saying how an address is written."""
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            colon = ""
        if not (colon and host and port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8001 or [::1]:8001")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than localhost may mean anything, so it is not."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _usable_cores() -> int:
    # A container may be given fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _address(value: object) -> object:
    return Address.parse(value) if isinstance(value, str) else value


Listen = Annotated[Address, BeforeValidator(_address)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Settings(BaseModel):
    """See the module. Field names are the command line's flags."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Path
    """The repository: NAME/VERSION/model.onnx below it."""
    grpc: Listen = Address("127.0.0.1", 8001)
    http: Listen = Address("127.0.0.1", 8002)
    """The operations port: metrics and probes, never inference. 8001 and 8002 are what this protocol's users expect."""
    plaintext_beyond_loopback: bool = False
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=_usable_cores)
    """How many runs at once, each on one thread. One a core: more only take turns on the same cores."""
    max_in_flight: Annotated[int, Field(ge=1, le=1 << 16)] = 64
    """Calls in work, waiting ones included. Beyond some tens a core can only make callers wait for a late answer."""
    # Room for a batch of 24 decoded 224x224 RGB float images. At most max_in_flight + 32 calls have a message here,
    # 1.5 GiB; BYTES of many short elements take several times that in the runs that are under way.
    max_message_bytes: Annotated[int, Field(ge=1 << 10, le=1 << 30)] = 16 << 20
    """The longest request and the longest answer."""
    longest_call_s: Seconds = 60.0
    """The deadline of a call that brings none, and the most that one can bring: nothing may hold a thread for ever."""
    # Kubernetes kills 30 s after it asks; this leaves it time to take the address out of its lists.
    drain_s: Seconds = 20.0
    """How long calls in work may go on after the service was told to stop."""

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        for name, address in (("grpc", self.grpc), ("http", self.http)):
            if not (address.is_loopback or self.plaintext_beyond_loopback):
                raise ValueError(
                    f"{name}: {address} can be reached from other machines, and this service speaks plaintext; "
                    "listen on 127.0.0.1 or [::1], or pass --plaintext-beyond-loopback where the network is trusted"
                )
        return self


def read_settings(values: Mapping[str, object]) -> Settings:
    """Check `values` and fill in what is not given.

    Raises SettingsError: naming the first setting that is wrong."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first: Mapping[str, Any] = error.errors(include_url=False)[0]  # Any: pydantic's own shape
        setting = ".".join(str(part) for part in first["loc"])
        raise SettingsError(setting, str(first["msg"]).removeprefix("Value error, ")) from error
