"""The agent's configuration: a TOML document, or the same in code.

    schema = 1
    policy = "policy.toml"                 # left out: the built-in policy

    [models.digits]
    release = "releases/digits"            # a directory with manifest.toml and the device's model file

    [targets.cloud]                        # left out: everything stays on the device
    address = "inference.example:443"
    tls = {}                               # plaintext is for loopback addresses alone

Paths are relative to the document. What is wrong is told with its place, before anything starts."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from edge_agent.errors import ConfigError
from nearfar_wire.errors import kind_of, quoted
from router.errors import DocumentError, Fault
from router.toml.document import located, read_document
from router.types import DEVICE, SIGNALS, Kind
from router.versions import whole_number

__all__ = [
    "AgentConfig",
    "DeviceConfig",
    "ModelConfig",
    "RemoteConfig",
    "SignalsConfig",
    "TlsConfig",
    "in_file",
    "is_loopback",
    "load_config",
]

MAX_CONFIG_BYTES = 1 << 20
_CPU = "CPUExecutionProvider"
_SAMPLED = {
    "battery_pct": "battery_s",
    "cpu_load": "processor_s",
    "memory_free_mb": "memory_s",
    "temperature_c": "temperature_s",
    "link": "link_s",
    "rtt_ms": "round_trip_s",
}

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]
# A policy speaks of targets, and writes a dot between a signal and a target.
TargetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

# In TOML "C:\tiny" is a C, a colon, a tab and "iny".
_ESCAPED: Final = re.compile(r"[A-Za-z]:.*[\b\t\n\f\r]", re.DOTALL)


def _names_something(value: object) -> object:
    # Relative to the document's folder an empty path would be that folder; a NUL no system takes.
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if text == "":
        raise ValueError("the path is empty; leave the field out, or name a file")
    if isinstance(text, str) and ("\0" in text or not _is_encodable(text)):
        raise ValueError("the path holds a character that no path can hold")
    if isinstance(text, str) and _ESCAPED.match(text):
        raise ValueError(r"\ began an escape in the path; write / or \\, or put it in single quotes")
    return value


def _is_encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


FilePath = Annotated[Path, Field(strict=False), BeforeValidator(_names_something)]


# Settings of what may be left out: each does something only where one of these is there.
_SERVES: Final[Mapping[str, tuple[str, ...]]] = {
    "policy_check_s": ("policy", "shadow_policy"),
    "audits_max_mb": ("audits",),
    "records_max_mb": ("records",),
    "records_labels": ("records",),
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelConfig(_Part):
    """One model that the app may name."""

    release: FilePath
    """A directory with manifest.toml, and the device's model file where there is one."""


class DeviceConfig(_Part):
    """How models run on the device."""

    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Threads inside one run. One: the default of the runtime takes every core of the host app."""
    providers: Annotated[list[str], Field(min_length=1, max_length=8)] = ["CPUExecutionProvider"]
    """Execution providers, in order of preference. One before the CPU is used where it answers as the release's golden
    examples say, and faster than the CPU."""
    require_accelerator: bool = False
    """Refuse the model, rather than fall back to the CPU, where no provider before the CPU can be used."""
    trial: Literal["new", "never"] = "new"
    """Whether a model that is new here, on its providers, is first tried in a process of its own: "new", where `state`
    remembers the verdict or a provider before the CPU is wanted. Golden examples are asked in any case."""
    trial_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How long a trial may take. Most take a second; some accelerators compile a model for a minute first."""
    trial_memory_mb: Annotated[int, Field(ge=512, le=1 << 20)] = 4096
    """How much memory the process of a trial may have, on Linux: half of a small device's."""
    isolate: bool = False
    """Run in a worker thread, so that a deadline or a cancellation need not wait for the run; costs a hand-over."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Worker threads, used by `isolate` and by the asynchronous agent; with `process`, runs at a time."""
    process: bool = False
    """Run each model in a process of its own, so that native code that crashes does not take the app along."""


class TlsConfig(_Part):
    """Transport security; an empty table trusts the certificate authorities that gRPC brings along."""

    ca: FilePath | None = None
    """PEM file of the authorities to trust instead of those that gRPC brings along."""
    certificate: FilePath | None = None
    """PEM file of the client's own certificate chain, where the server asks for one."""
    key: FilePath | None = None
    """PEM file of its private key."""
    server_name: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The name to expect in the server's certificate, where it is not the address's host."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both, or neither")
        return self


class RemoteConfig(_Part):
    """One remote target."""

    kind: Literal["fog", "cloud"] | None = None
    """Wanted where the target's name is neither."""
    address: Annotated[str, StringConstraints(pattern=r"^[^\s/]+:[0-9]{1,5}$", max_length=300)]
    """HOST:PORT."""
    tls: TlsConfig | None = None
    """Without it the address must be a loopback one."""
    token_file: FilePath | None = None
    """File of the bearer token that goes with every call; read again when it changes."""
    token: SkipJsonSchema[Callable[[], str] | None] = Field(default=None, exclude=True, repr=False)
    """In code alone, and instead of `token_file`: gives the bearer token, for every call anew, at once."""
    max_message_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 16 << 20
    """Largest message either way; finite, because a compressed message is refused only by its unpacked size."""
    probe_timeout_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How long a measurement of the round trip may take."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("token and token_file are two ways to the same: give one")
        return self

    @field_validator("token", mode="before")
    @classmethod
    def _token_is_no_text(cls, value: object) -> object:
        # A secret does not belong in a document.
        if value is not None and not callable(value):
            raise ValueError("a token is not written here: name its file with token_file")
        return value

    @field_validator("address")
    @classmethod
    def _port_in_range(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not 1 <= int(port) <= 65_535:
            raise ValueError("the port is a number from 1 to 65535")
        if ":" in host and _is_ip(host):
            # What of ::1:8001 is the port everybody reads otherwise.
            raise ValueError("an address of IPv6 stands in brackets, such as [::1]:8001")
        return value


class SignalsConfig(_Part):
    """Background sampling."""

    battery_s: Seconds = 30.0
    processor_s: Seconds = 1.0
    memory_s: Seconds = 3.0
    temperature_s: Seconds = 3.0
    link_s: Seconds = 1.0
    """How soon another network is noticed, where the app does not report it."""
    round_trip_s: Seconds = 3.0
    """Between measurements of the round trip while requests come that may go there; without such requests, none."""


class AgentConfig(_Part):
    """The whole document."""

    schema_version: Annotated[Literal[1], whole_number("1"), Field(alias="schema")] = 1
    models: Annotated[dict[ModelName, ModelConfig], Field(min_length=1)]
    policy: FilePath | None = None
    policy_check_s: Seconds = 2.0
    """How often the policy file is looked at for a new version, and that of the shadow."""
    shadow_policy: FilePath | None = None
    """File of a policy that decides every request too, and does nothing: what it would have done otherwise is counted,
    and told in the records."""
    targets: dict[TargetName, RemoteConfig] = {}
    """Remote targets by name."""
    device: DeviceConfig = DeviceConfig()
    signals: SignalsConfig = SignalsConfig()
    default_deadline_ms: Annotated[float, Field(gt=0, le=86_400_000)] = 1000.0
    """For requests that name none: a person notices a second."""
    max_deadline_ms: Annotated[float, Field(gt=0, le=86_400_000)] = 600_000.0
    """Longer deadlines are cut to this."""
    audits: FilePath | None = None
    """File to which audits are appended, for `nearfar-cloud recertify`; left out: they are counted only."""
    audits_max_mb: Annotated[int, Field(ge=1, le=10_000)] = 64
    """No more is written once the file has so many megabytes."""
    records: FilePath | None = None
    """File to which every decision and its outcome is appended, for `nearfar-agent watch` and `nearfar-policy replay`;
    left out: the last ones are kept in memory only."""
    records_max_mb: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Of records, in megabytes: the older half is kept as FILE.1, and what is older still is dropped."""
    records_labels: list[str] | None = None
    """Privacy labels whose requests are recorded, where records are to leave the device, say. A request with another
    label, or with none, is not written down then; left out: all are."""
    state: FilePath | None = None
    """Folder in which audits, verdicts on models and what was learnt of times are remembered across restarts; left out:
    begun anew each time."""
    journal_size: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """Decision records kept in memory."""

    def kind_of(self, name: str) -> Kind:
        """Return the kind of the remote target `name`."""
        return Kind(self.targets[name].kind or name)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Every target by name, the device first."""
        return {DEVICE: Kind.DEVICE, **{name: self.kind_of(name) for name in self.targets}}


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Tell whether HOST:PORT is this machine itself, without asking a name server."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_config(path: Path) -> AgentConfig:
    """Read a configuration file; relative paths in it become relative to its folder.

    Raises ConfigError: with the line and the place of the first fault."""
    try:
        # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError("", f"cannot be read: {error.strerror or error}", document=str(path)) from error
    except ValueError as error:  # a NUL, or half a character
        raise ConfigError("", "cannot be read: no file has such a name", document=ascii(str(path))) from error
    try:
        config = read_document(content, AgentConfig, source=str(path), max_bytes=MAX_CONFIG_BYTES)
        return checked(_resolved(config, path.parent))
    except DocumentError as error:
        raise ConfigError.of(error, str(path)) from error
    except ConfigError as error:
        raise _in_file(error, path, content) from error


def in_file(error: ConfigError, path: Path) -> ConfigError:
    """Return `error`, which was found once the parts of the configuration were put to use, with its place in the file
    that it was read from; as it is, where it speaks of something else."""
    of_the_file = error.document == "configuration" and error.path.partition(".")[0] in AgentConfig.model_fields
    try:
        return _in_file(error, path, path.read_bytes()) if of_the_file else error
    except (OSError, ValueError):  # it has gone meanwhile
        return error


def _in_file(error: ConfigError, path: Path, content: bytes) -> ConfigError:
    (told,) = located([Fault(error.path, error.problem)], content)
    return ConfigError(error.path, error.problem, document=str(path), line=told.line)


def checked(config: AgentConfig) -> AgentConfig:
    """Return `config`, whose parts agree with each other.

    Raises ConfigError: for a target without a kind, a second device, plaintext to another machine, or parts that
    contradict each other."""
    if not isinstance(config, AgentConfig):
        raise ConfigError("", f"an AgentConfig is wanted, not {kind_of(config)}; a file is read by Agent.from_config")
    for name, remote in config.targets.items():
        path = f"targets.{name}"
        if name == DEVICE:
            raise ConfigError(path, "the device is this machine and needs no address; give the target another name")
        if remote.kind is None and name not in ("fog", "cloud"):
            raise ConfigError(path, 'its kind is wanted: add kind = "fog" or kind = "cloud"')
        if remote.kind is not None and name in ("fog", "cloud") and remote.kind != name:
            raise ConfigError(f"{path}.kind", f'a target named "{name}" is of that kind, not "{remote.kind}"')
        if remote.tls is None and not is_loopback(remote.address):
            problem = f"plaintext to {remote.address} would show requests to the network; add tls = {{}}"
            raise ConfigError(f"{path}.tls", problem)
    for signal_name, field in _SAMPLED.items():
        if getattr(config.signals, field) > SIGNALS[signal_name].stale_after_s:
            holds_s = SIGNALS[signal_name].stale_after_s
            raise ConfigError(f"signals.{field}", f"a reading counts for {holds_s:g} s; sample at least as often")
    device = config.device
    if device.require_accelerator and device.providers[0] == _CPU:
        problem = "providers names no accelerator before the CPU, so that no model could be used: name one"
        raise ConfigError("device.require_accelerator", problem)
    after = device.providers[device.providers.index(_CPU) + 1 :] if _CPU in device.providers else []
    if after:
        problem = f"{quoted(after[0])} stands after the CPU, which runs every model: put it before, or leave it out"
        raise ConfigError("device.providers", problem)
    for field, parts in _SERVES.items():
        given = field in config.model_fields_set and getattr(config, field) is not None
        if given and all(getattr(config, part) is None for part in parts):
            raise ConfigError(field, f"does nothing without {' or '.join(parts)}: give that too, or leave it out")
    if config.audits is not None and config.audits == config.records:
        raise ConfigError("audits", "records are written to this file: give audits one of their own")
    if config.default_deadline_ms > config.max_deadline_ms:
        raise ConfigError("default_deadline_ms", "longer than max_deadline_ms")
    return config


def _resolved(config: AgentConfig, folder: Path) -> AgentConfig:
    models = {name: ModelConfig(release=folder / model.release) for name, model in config.models.items()}
    policy = None if config.policy is None else folder / config.policy
    targets = {
        name: remote.model_copy(
            update={
                "tls": _resolved_tls(remote.tls, folder),
                "token_file": None if remote.token_file is None else folder / remote.token_file,
            }
        )
        for name, remote in config.targets.items()
    }
    audits = None if config.audits is None else folder / config.audits
    records = None if config.records is None else folder / config.records
    state = None if config.state is None else folder / config.state
    shadow = None if config.shadow_policy is None else folder / config.shadow_policy
    files = {"policy": policy, "shadow_policy": shadow, "audits": audits, "records": records, "state": state}
    update = {"models": models, "targets": targets, **files}
    return config.model_copy(update=update)


def _resolved_tls(tls: TlsConfig | None, folder: Path) -> TlsConfig | None:
    if tls is None:
        return None
    files = {field: getattr(tls, field) for field in ("ca", "certificate", "key")}
    return tls.model_copy(update={field: None if file is None else folder / file for field, file in files.items()})
