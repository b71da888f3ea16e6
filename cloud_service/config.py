"""How one service is set: checked once, when it enters, and never changed after.

The fields are the one list of what can be set: the command's flags, the variables of the environment and the keys of
the file are made from them, and so is the reference. What only makes sense together is refused apart.
Plaintext is kept on this machine: an address beyond loopback is refused unless the operator asks for it in so many
words, because anyone who can reach it could then read and use the models."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from cloud_service.errors import SettingsError
from router.naming import did_you_mean

__all__ = ["OFF", "Address", "Settings", "read_settings"]

OFF: Final = "off"
_MIN_SECRET: Final = 16


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


def _one_a_core(given: dict[str, Any]) -> int:  # Any: the fields before this one, as pydantic hands them over
    return max(1, _usable_cores() // int(given.get("processes", 1)))


def _address(value: object) -> object:
    return Address.parse(value) if isinstance(value, str) else value


def _address_or_off(value: object) -> object:
    return None if value == OFF else _address(value)


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("the path is empty")
    return value


def _no_flag(value: object) -> object:
    # To pydantic true is also the number 1, which nobody who writes `threads = true` means.
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")  # noqa: TRY004 - what pydantic turns into its own error
    return value


def _names(value: object) -> object:
    # A flag or a variable is one text.
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _MIN_SECRET:
        raise ValueError(f"shorter than {_MIN_SECRET} characters, which can be guessed")
    return secret


def _described(schema: dict[str, Any]) -> None:  # Any: a JSON document
    schema["type"] = "string"
    schema["default"] = str(Address(**schema["default"]))


_AS_TEXT: Final = (WithJsonSchema({}), Field(json_schema_extra=_described))
Listen = Annotated[Address, BeforeValidator(_address), *_AS_TEXT]
ListenOrOff = Annotated[Address | None, BeforeValidator(_address_or_off), *_AS_TEXT]
Number = BeforeValidator(_no_flag)
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False), Number]
Algorithm = Literal["EdDSA", "ES256", "ES384", "PS256", "RS256"]


class Settings(BaseModel):
    """See the module. A field's docstring is its help."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    models: Annotated[Path, BeforeValidator(_not_empty)]
    """The repository: NAME/VERSION/model.onnx below it."""

    # 8000 to 8002 are what this protocol's users expect.
    grpc: Listen = Address("127.0.0.1", 8001)
    """Where inference is served over gRPC."""
    rest: ListenOrOff = Address("127.0.0.1", 8000)
    """Where inference is served over REST, or off."""
    http: Listen = Address("127.0.0.1", 8002)
    """The operations port: /metrics, /livez and /readyz, never inference."""
    plaintext_beyond_loopback: bool = False
    """Allow addresses that other machines can reach without TLS, where the network is trusted."""
    # Apart from the other, so that letting Prometheus in never lets plaintext inference out.
    operations_beyond_loopback: bool = False
    """Allow an operations port that other machines can reach; it is plaintext, and holds counts and models' names."""

    tls_certificate: Path | None = None
    """PEM file of the service's certificate chain; with it gRPC and REST speak TLS alone."""
    tls_key: Path | None = None
    """PEM file of the certificate's private key."""
    tls_client_ca: Path | None = None
    """PEM file of the authorities whose client certificates are let in; with it every client needs one."""
    token_keys: Path | None = None
    """File of the public keys, PEM or JWKS, that bearer tokens are verified with; with it every caller needs one."""
    token_algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1), BeforeValidator(_names)] = (
        "EdDSA",
        "ES256",
        "RS256",
    )
    """Algorithms that a token may be signed by. None of them is symmetric: whoever verifies could sign."""
    token_audience: str | None = None
    """What a token's `aud` has to name; without it only a token without `aud` is taken."""
    token_issuer: str | None = None
    """What a token's `iss` has to be; without it any issuer with a known key is taken."""
    token_tenant_claim: str = "tenant"  # noqa: S105 - a claim's name
    """The claim that names the tenant; a token without it is its subject's own."""
    administrators: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    """Callers, by the name in their credential, who may load and unload models."""
    admin_token: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """A bearer token that is an administrator and nothing else. Not a flag: others can read a command's flags."""
    revoked: Path | None = None
    """File of names that are refused, one a line: a token's `sub` or `jti`, or one in a client's certificate."""
    tenants: Path | None = None
    """File of what each tenant may use (TOML); without it nobody has a quota."""

    processes: Annotated[int, Field(ge=1, le=256), Number] = 1
    """Processes that serve behind the same ports. More than one where Python itself is the limit; on Linux alone."""
    threads: Annotated[int, Field(ge=1, le=1024), Number] = Field(default_factory=_one_a_core)
    """Runs at once in one process, each on one thread; without it one a core, shared out among the processes."""
    # Beyond some tens a core can only make callers wait for a late answer.
    max_in_flight: Annotated[int, Field(ge=1, le=1 << 16), Number] = 64
    """Inferences in work in one process, waiting ones included; more are refused."""
    # Room for a batch of 24 decoded 224x224 RGB float images. At most max_in_flight + 64 calls have a message here,
    # 2 GiB; BYTES of many short elements take several times that in the runs that are under way.
    max_message_bytes: Annotated[int, Field(ge=1 << 10, le=1 << 30), Number] = 16 << 20
    """The longest request and the longest answer."""
    longest_call_s: Seconds = 60.0
    """The deadline of a call that brings none, and the most that one can bring: nothing may hold a thread for ever."""
    # Kubernetes kills 30 s after it asks; this leaves it time to take the address out of its lists.
    drain_s: Seconds = 20.0
    """How long calls in work may go on after the service was told to stop."""
    batching: bool = True
    """Run requests that wait for the same model together. A model's serving.toml has the last word on its own."""
    # Tens of closed-loop callers on two cores wait 140 ms at a service that is well, and 400 on a machine that others
    # use, too: they are not to be refused. Who is in more of a hurry brings a deadline.
    queue_target_ms: Annotated[float, Field(gt=0, le=60_000, allow_inf_nan=False), Number] = 500.0
    """How much longer than its best a call may take through waiting, before fewer are let in."""
    poll_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False), Number] = 0.0
    """How often the repository is looked at for changes; 0 is never."""
    memory_limit_bytes: Annotated[int, Field(ge=1 << 20), Number] | None = None
    """What loaded models may take together in one process; the least recently used make room. Without it no bound."""

    log_format: Literal["json", "text"] = "text"
    """A log line as one JSON object, or as text for people."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""
    access_log: bool = False
    """Log a line for each call."""

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        encrypted = self.tls_certificate is not None
        anywhere = "--plaintext-beyond-loopback"
        for name, address, is_allowed, flag in (
            ("grpc", self.grpc, encrypted, anywhere),
            ("rest", self.rest, encrypted, anywhere),
            ("http", self.http, self.operations_beyond_loopback, "--operations-beyond-loopback"),
        ):
            if address is None or address.is_loopback or is_allowed or self.plaintext_beyond_loopback:
                continue
            raise ValueError(
                f"{name}: {address} can be reached from other machines, and this port speaks plaintext; "
                f"listen on 127.0.0.1 or [::1], or pass {flag} where the network is trusted"
            )
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for part, needs in _NEEDS.items():
            is_given = part in self.model_fields_set and getattr(self, part) not in (None, ())
            if is_given and not any(getattr(self, other) is not None for other in needs):
                raise ValueError(f"{part}: has no effect without {' or '.join(needs)}; give both, or neither")
        if self.processes > 1 and sys.platform != "linux":
            # macOS lets processes listen on one port, and gives every connection to the same of them.
            raise ValueError("processes: only Linux deals out a port's calls; start one service for each port")
        return self


# A part of what identifies a caller or encrypts, and which others it is a part of.
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "tls_certificate": ("tls_key",),
        "tls_key": ("tls_certificate",),
        "tls_client_ca": ("tls_certificate",),
        "token_algorithms": ("token_keys",),
        "token_audience": ("token_keys",),
        "token_issuer": ("token_keys",),
        "token_tenant_claim": ("token_keys",),
        "administrators": ("token_keys", "tls_client_ca"),
        "revoked": ("token_keys", "tls_client_ca"),
    }
)


def read_settings(values: Mapping[str, object], origins: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Check `values` and fill in what is not given.

    Raises SettingsError: naming the first setting that is wrong, and where `origins` says that it came from."""
    unknown = next((name for name in values if name not in Settings.model_fields), None)
    if unknown is not None:
        raise SettingsError(unknown, f"unknown{did_you_mean(unknown, Settings.model_fields)}", origins.get(unknown))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        # The input may be a secret.
        first = error.errors(include_url=False, include_input=False)[0]
        setting, problem = str(first["loc"][0]) if first["loc"] else "", first["msg"].removeprefix("Value error, ")
        if not setting:
            setting, _, problem = problem.partition(": ")
        if first["type"] == "missing":
            problem = f"not given; pass --{setting}, or set NEARFAR_CLOUD_{setting.upper()}"
        raise SettingsError(setting, problem, origins.get(setting)) from error
