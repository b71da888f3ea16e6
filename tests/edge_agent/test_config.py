"""The agent's configuration: what is wrong is told with its place, and every field that stands there does something."""

from __future__ import annotations

import copy
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from edge_agent import Agent, AgentConfig, ConfigError, RemoteConfig, load_config
from edge_agent.config import MAX_CONFIG_BYTES, checked, is_loopback
from nearfar_wire.status import Code
from router.telling.record import from_json
from router.types import Kind
from tests.builders.agents import PIXELS, Home, golden_npz, policy_text
from tests.builders.onnx_models import bomb
from tests.builders.waiting import eventually

MODEL = '[models.tiny]\nrelease = "tiny"\n'
LOCAL = "127.0.0.1:1"


def _cloud(address: str, *lines: str, name: str = "cloud") -> str:
    return "\n".join([f"{MODEL}[targets.{name}]", f"address = '{address}'", *lines])


def _load(folder: Path, text: str) -> AgentConfig:
    path = folder / "agent.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


# -- what is wrong, and where ------------------------------------------------------------------------------------------

WRONG = {
    "no_toml": ("schema = = 1", "", "not TOML"),
    "nothing": ("", "", '"models" is missing'),
    "no_models": ("models = {}", "models", "1 entry at least"),
    "future_schema": (f"schema = 2\n{MODEL}", "schema", "1"),
    "schema_that_is_a_flag": (f"schema = true\n{MODEL}", "schema", "1 is wanted, not true"),
    "schema_with_a_point": (f"schema = 1.0\n{MODEL}", "schema", "1 is wanted, not 1.0"),
    "typo": (f"polcy = 'x'\n{MODEL}", "", 'unknown key "polcy"; did you mean "policy"?'),
    "typo_within": (f"{MODEL}[device]\nthread = 2", "device", 'unknown key "thread"; did you mean "threads"?'),
    "typo_deep": (
        _cloud("a:1", "tls = { certificat = 'x' }"), "targets.cloud.tls", 'did you mean "certificate"?',
    ),
    "duplicate_key": (f"{MODEL}[device]\nthreads = 1\nthreads = 2", "device", 'duplicate key "threads"'),
    "duplicate_table": (f"{MODEL}{MODEL}", "models", 'duplicate key "tiny"'),
    "model_without_release": ("[models.tiny]\n", "models.tiny", '"release" is missing'),
    "model_that_is_no_name": ('[models."a b"]\nrelease = "x"', "models", '"a b" is not a name'),
    "flag_for_a_number": (f"{MODEL}[device]\nthreads = true", "device.threads", "a whole number"),
    "text_for_a_number": (f"{MODEL}[device]\nthreads = '1'", "device.threads", "write it without quotes"),
    "number_for_a_flag": (f"{MODEL}[device]\nisolate = 1", "device.isolate", "true or false"),
    "no_threads": (f"{MODEL}[device]\nthreads = 0", "device.threads", "at least 1"),
    "no_providers": (f"{MODEL}[device]\nproviders = []", "device.providers", "1 entry at least"),
    "nan": (f"default_deadline_ms = nan\n{MODEL}", "default_deadline_ms", "finite"),
    "infinity": (f"max_deadline_ms = inf\n{MODEL}", "max_deadline_ms", "finite"),
    "negative": (f"{MODEL}[signals]\nbattery_s = -1.0", "signals.battery_s", "above 0"),
    "deadlines_cross": (
        f"default_deadline_ms = 20.0\nmax_deadline_ms = 10.0\n{MODEL}", "default_deadline_ms", "than max_deadline_ms",
    ),
    "ipv6_without_brackets": (_cloud("::1:8001"), "targets.cloud.address", "in brackets, such as [::1]:8001"),
    "tls_is_a_flag": (_cloud("a.example:1", "tls = true"), "targets.cloud.tls", "not true: write {} where"),
    "no_server_name": (_cloud("a.b:1", "tls = { server_name = '' }"), "targets.cloud.tls.server_name", "at least"),
    "an_accelerator_that_nobody_named": (
        f"{MODEL}[device]\nrequire_accelerator = true", "device.require_accelerator", "names no accelerator before",
    ),
    "a_provider_after_the_cpu": (
        f"{MODEL}[device]\nproviders = ['CPUExecutionProvider', 'CoreMLExecutionProvider']",
        "device.providers", "'CoreMLExecutionProvider' stands after the CPU, which runs every model",
    ),
    "size_of_no_records": (f"records_max_mb = 8\n{MODEL}", "records_max_mb", "does nothing without records"),
    "labels_of_no_records": (f"records_labels = ['a']\n{MODEL}", "records_labels", "does nothing without records"),
    "size_of_no_audits": (f"audits_max_mb = 8\n{MODEL}", "audits_max_mb", "does nothing without audits"),
    "looking_at_no_policy": (
        f"policy_check_s = 1.0\n{MODEL}", "policy_check_s", "does nothing without policy or shadow_policy",
    ),
    "one_file_for_two": (f"audits = 'x'\nrecords = 'x'\n{MODEL}", "audits", "give audits one of their own"),
    "no_port": (_cloud("localhost"), "targets.cloud.address", "HOST:PORT"),
    "port_zero": (_cloud("localhost:0"), "targets.cloud.address", "1 to 65535"),
    "port_too_high": (_cloud("localhost:65536"), "targets.cloud.address", "1 to 65535"),
    "address_is_a_url": (_cloud("http://x:1"), "targets.cloud.address", "HOST:PORT"),
    "target_without_kind": (_cloud(LOCAL, name="gpu"), "targets.gpu", 'add kind = "fog" or kind = "cloud"'),
    "second_device": (_cloud(LOCAL, name="device"), "targets.device", "the device is this machine"),
    "cloud_that_is_fog": (_cloud(LOCAL, "kind = 'fog'"), "targets.cloud.kind", 'named "cloud" is of that kind'),
    "certificate_without_key": (
        _cloud("a:1", "tls = { certificate = 'x' }"), "targets.cloud.tls", "certificate and key go together",
    ),
    "messages_without_limit": (_cloud(LOCAL, "max_message_bytes = -1"), "targets.cloud.max_message_bytes", "1_024"),
    "older_than_it_counts": (f"{MODEL}[signals]\nprocessor_s = 60.0", "signals.processor_s", "counts for 5 s"),
    "A12_plaintext_to_a_name": (
        _cloud("inference.example:8001"),
        "targets.cloud.tls", "plaintext to inference.example:8001 would show requests to the network; add tls = {}",
    ),
    "A12_plaintext_to_an_address": (_cloud("10.0.0.5:8001"), "targets.cloud.tls", "plaintext"),
    "A12_plaintext_to_everybody": (_cloud("0.0.0.0:8001"), "targets.cloud.tls", "plaintext"),
    "A12_a_name_that_looks_like_loopback": (_cloud("127.0.0.1.example:1"), "targets.cloud.tls", "plaintext"),
    "empty_path": (f"policy = ''\n{MODEL}", "policy", "the path is empty; leave the field out, or name a file"),
    "empty_path_of_a_release": ("[models.tiny]\nrelease = ''", "models.tiny.release", "the path is empty"),
    "path_of_windows_in_double_quotes": (f'state = "C:\\tools"\n{MODEL}', "state", "began an escape in the path"),
    "path_with_a_nul": (f'state = "a\\u0000b"\n{MODEL}', "state", "a character that no path can hold"),
    "endless": ("#" * (MAX_CONFIG_BYTES + 1), "", "longer than"),
    "F4_deep": ("a = " + "[" * 5000, "", ""),
    "not_utf8": ("\udcff", "", "not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_exact_place(tmp_path: Path, text: str, place: str, problem: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    error = caught.value
    assert (error.path, problem in error.problem) == (place, True), error
    assert str(error).startswith(f"{path}: ")
    assert (error.code, error.retryable, error.source) == (Code.INVALID_INPUT, False, "config")


@pytest.mark.parametrize("path", [None, 7, b"agent.toml", {"models": {}}], ids=repr)
def test_what_is_no_path_is_refused_as_everything_else_is(path: Any) -> None:
    """`from_config(None)` was a TypeError of pathlib's."""
    with pytest.raises(ConfigError, match=r"the path of a file is wanted, not .*; an AgentConfig goes to Agent"):
        Agent.from_config(path)


@pytest.mark.parametrize("path", ["a\0b", "\ud800"], ids=ascii)
def test_a_name_that_no_file_can_have_is_refused_too(path: str) -> None:
    """These were errors of Python's own, of two kinds."""
    with pytest.raises(ConfigError, match="cannot be read: no file has such a name"):
        Agent.from_config(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end is looked for")
def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    """It was read whole before its size was looked at."""
    with pytest.raises(ConfigError, match="longer than"):
        load_config(Path("/dev/zero"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent\.toml: cannot be read: No such file"):
        load_config(tmp_path / "agent.toml")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("localhost:1", True),
        ("127.0.0.1:1", True),
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost.example:1", False),
        ("[::2]:1", False),
        ("[fe80::1]:1", False),
        ("192.168.0.1:1", False),
        ("unix:1", False),
        ("127.0.0.1,10.0.0.1:1", False),
        ("ipv4:127.0.0.1:1", False),
    ],
)
def test_A12_loopback_is_known_without_asking_anybody(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("line", "place", "problem"),
    [
        ("policy = 'nope.toml'", "policy", "cannot be read: No such file"),
        ("records = '.'", "records", "is a folder; the name of a file in it is wanted"),
        ("audits = '.'", "audits", "is a folder; the name of a file in it is wanted"),
        ("state = 'agent.toml'", "state", "is a file; a folder is wanted"),
        (
            "targets.cloud = { address = '127.0.0.1:1', token_file = 'nope' }",
            "targets.cloud.token_file",
            "cannot be read",
        ),
        (
            "targets.cloud = { address = 'a.example:1', tls = { ca = 'nope.pem' } }",
            "targets.cloud.tls.ca",
            "cannot be read",
        ),
    ],
)
def test_what_is_found_once_it_is_put_to_use_is_told_with_its_line_too(
    home: Home, line: str, place: str, problem: str
) -> None:
    """A file that was not there was told of "configuration", and not of the file and the line that name it."""
    path = home.root / "agent.toml"
    path.write_text(f"schema = 1\n{line}\n[models.tiny]\nrelease = '{home.release().as_posix()}'\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Agent.from_config(path)
    assert (caught.value.path, caught.value.line) == (place, 2)
    assert str(caught.value).startswith(f"{path}: line 2: {place}: ")
    assert problem in caught.value.problem


def test_a_label_to_be_recorded_that_the_policy_has_not_is_logged(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was recorded then, and nothing said why."""
    config = home.config(records=home.root / "records.jsonl", records_labels=["publik", "personal"])
    with Agent(config):
        pass
    told = [record.message for record in caplog.records if "records_labels" in record.message]
    assert len(told) == 1
    assert told[0].endswith("has no label 'publik'; did you mean \"public\"?")


def test_what_is_wrong_in_code_is_told_as_it_is_in_a_file(home: Home) -> None:
    config = home.config(remotes={"cloud": RemoteConfig(address="inference.example:1")})
    with pytest.raises(ConfigError, match=r"configuration: targets\.cloud\.tls: plaintext to inference\.example:1"):
        Agent(config)
    with pytest.raises(ValidationError, match="thread"):
        AgentConfig.model_validate({"models": {"tiny": {"release": "x"}}, "device": {"thread": 1}})


def test_a_configuration_in_code_is_the_same_as_in_a_file(tmp_path: Path) -> None:
    text = (
        'schema = 1\npolicy = "p.toml"\njournal_size = 7\n[models.tiny]\nrelease = "r"\n[targets.edge]\nkind = "fog"\n'
        'address = "edge.example:443"\ntls = { ca = "ca.pem", server_name = "edge" }\n[device]\nthreads = 2\n'
    )
    assert _load(tmp_path, text) == checked(
        AgentConfig.model_validate(
            {
                "schema": 1,
                "policy": tmp_path / "p.toml",
                "journal_size": 7,
                "models": {"tiny": {"release": tmp_path / "r"}},
                "targets": {
                    "edge": {
                        "kind": "fog",
                        "address": "edge.example:443",
                        "tls": {"ca": tmp_path / "ca.pem", "server_name": "edge"},
                    }
                },
                "device": {"threads": 2},
            }
        )
    )


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    far = tmp_path / "far"
    config = _load(
        tmp_path,
        f'policy = "deep/p.toml"\n[models.a]\nrelease = "../r"\n[models.b]\nrelease = "{far.as_posix()}"\n'
        '[targets.cloud]\naddress = "a:1"\ntls = { ca = "ca.pem", certificate = "c.pem", key = "c.key" }\n',
    )
    assert config.policy == tmp_path / "deep/p.toml"
    assert (config.models["a"].release, config.models["b"].release) == (tmp_path / "../r", far)
    tls = config.targets["cloud"].tls
    assert tls is not None
    assert (tls.ca, tls.certificate, tls.key) == (tmp_path / "ca.pem", tmp_path / "c.pem", tmp_path / "c.key")


# -- every field does something ----------------------------------------------------------------------------------------

Effect = Callable[[Agent], object]


def _inferred(agent: Agent, **more: Any) -> Any:  # Any: as Agent.infer
    return agent.infer("tiny", {"pixels": PIXELS}, **more).decision.situation


def _left_ms(agent: Agent, deadline_ms: float | None) -> object:
    situation = _inferred(agent, deadline_ms=deadline_ms)
    return round((situation.request.deadline - situation.now) * 1000, 3)


def _interval_of(signal: str) -> Effect:
    return lambda agent: next(health.interval_s for health in agent.core.sampler.health() if signal in health.names)


def _remembered(agent: Agent) -> int:
    for _ in range(9):
        _inferred(agent)
    return len(agent.last(100))


def _uses_workers(agent: Agent) -> bool:
    _inferred(agent)
    return agent.core._pool is not None


def _adopts_by_itself(agent: Agent) -> bool:
    path = agent.core.config.policy
    assert path is not None
    path.write_text(policy_text(version=2), encoding="utf-8")
    try:
        eventually(lambda: agent.policy.version == 2, within_s=1)
    except AssertionError:
        return False
    finally:
        path.write_text(policy_text(), encoding="utf-8")
    return True


def _session(agent: Agent) -> Any:  # Any: onnxruntime publishes no types
    return agent.core.release("tiny").runtime.runtime._session  # type: ignore[union-attr]


def _door(agent: Agent) -> Any:  # Any: a Remote, loaded lazily
    assert agent.core.door is not None
    return agent.core.door.remotes


def _runs(agent: Agent) -> bool:
    return agent.core.release("tiny").runtime is not None


def _labels_recorded(agent: Agent) -> list[str | None]:
    path = agent.core.config.records
    assert path is not None
    path.unlink(missing_ok=True)
    for label in ("public", "personal"):
        agent.infer("tiny", {"pixels": PIXELS}, privacy=label)
    agent.close()
    lines = path.read_text("utf-8").splitlines()
    return [from_json(line).decision.situation.request.label for line in lines]


# By the field's path: two values, and what differs between agents that have them.
FIELDS: dict[str, tuple[object, object, Effect]] = {
    "schema": (1, 2, lambda _: "started"),
    "models.tiny.release": ("tiny", "other", lambda agent: agent.core.release("tiny").device_digest),
    "policy": (None, "policy.toml", lambda agent: agent.policy.name),
    "policy_check_s": (0.01, 60.0, _adopts_by_itself),
    "targets.edge.kind": ("fog", "cloud", lambda agent: _door(agent)["edge"].kind),
    "targets.edge.address": ("127.0.0.1:1", "127.0.0.1:2", lambda agent: _door(agent)["edge"].endpoint),
    "targets.edge.tls.ca": (None, "nowhere.pem", lambda _: "started"),
    "targets.edge.tls.certificate": (None, "nowhere.pem", lambda _: "started"),
    "targets.edge.tls.key": (None, "nowhere.key", lambda _: "started"),
    "targets.edge.tls.server_name": (None, "edge", lambda agent: sorted(map(str, _door(agent)["edge"]._options))),
    "targets.edge.token_file": (None, "nowhere.token", lambda _: "started"),
    "targets.edge.token": (None, "a-secret", lambda _: "started"),
    "targets.edge.max_message_bytes": (
        4096, 8192, lambda agent: _inferred(agent).targets[1].upload_limit_bytes,
    ),
    "targets.edge.probe_timeout_s": (0.5, 1.0, lambda agent: _door(agent)["edge"]._probe_timeout_s),
    "device.threads": (1, 2, lambda agent: _session(agent).get_session_options().intra_op_num_threads),
    "device.providers": (["CPUExecutionProvider"], ["AzureExecutionProvider"], _runs),
    "device.require_accelerator": (False, True, _runs),
    "device.trial": ("never", "new", _runs),
    "device.trial_s": (60.0, 1e-9, _runs),
    "device.trial_memory_mb": (512, 4096, _runs),
    "device.isolate": (False, True, _uses_workers),
    "device.process": (False, True, lambda agent: type(agent.core.release("tiny").runtime.runtime).__name__),
    "device.workers": (1, 3, lambda agent: agent.core.pool.workers),
    "signals.battery_s": (30.0, 20.0, _interval_of("battery_pct")),
    "signals.processor_s": (1.0, 2.0, _interval_of("cpu_load")),
    "signals.memory_s": (1.0, 2.0, _interval_of("memory_free_mb")),
    "signals.temperature_s": (1.0, 2.0, _interval_of("temperature_c")),
    "signals.link_s": (1.0, 2.0, _interval_of("link")),
    "signals.round_trip_s": (1.0, 2.0, _interval_of("rtt_ms.edge")),
    "default_deadline_ms": (500.0, 600.0, lambda agent: _left_ms(agent, None)),
    "max_deadline_ms": (2000.0, 3000.0, lambda agent: _left_ms(agent, 1e9)),
    "journal_size": (3, 5, _remembered),
    "audits": (None, "audits.jsonl", lambda agent: agent.core._qualities["tiny"]._log is None),
    "audits_max_mb": (1, 2, lambda agent: agent.core._qualities["tiny"]._log._max_bytes),
    "records": (None, "records.jsonl", lambda agent: agent.core._records is None),
    "records_max_mb": (1, 2, lambda agent: agent.core._records._half_bytes),
    "records_labels": (["public"], ["public", "personal"], _labels_recorded),
    "shadow_policy": (None, "policy.toml", lambda agent: agent.shadow()),
    "state": (None, "state", lambda agent: agent.core._qualities["tiny"]._state),
}  # fmt: skip
# What else stands in the document while one field changes, where it has to.
BESIDE: dict[str, dict[str, object]] = {
    "audits_max_mb": {"audits": "audits.jsonl"},
    "records_max_mb": {"records": "records.jsonl"},
    "records_labels": {"records": "records.jsonl"},
    "policy_check_s": {"policy": "policy.toml"},
    "targets.edge.tls.certificate": {"targets.edge.tls.key": "nowhere.key"},
    "targets.edge.tls.key": {"targets.edge.tls.certificate": "nowhere.pem"},
    "device.require_accelerator": {"device.providers": ["NoSuchExecutionProvider"]},
    # In a process of its own the hungry model does not get what it wants, in this one it does.
    "device.trial": {"models.tiny.release": "hungry", "state": "state", "device.trial_memory_mb": 512},
    "device.trial_memory_mb": {"models.tiny.release": "hungry", "state": "state"},
    "device.trial_s": {"models.tiny.release": "tried"},
}


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every field by its path; the one model is called "tiny" and the one target "edge"."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        inner = _part(field.annotation)
        if inner is None:
            yield path
        else:
            keyed = {"models": ".tiny", "targets": ".edge"}.get(path, "")
            yield from _paths(inner, f"{path}{keyed}.")


def _part(annotation: Any) -> type[BaseModel] | None:  # Any: a type form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, Union, UnionType):
        return next(filter(None, map(_part, get_args(annotation))), None)
    return None


def test_no_field_stands_in_the_configuration_without_a_row_that_shows_what_it_does() -> None:
    assert sorted(FIELDS) == sorted(_paths(AgentConfig))


def _put(document: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    if value is not None:
        document[last] = value


@pytest.mark.wide
@pytest.mark.parametrize("path", FIELDS)
def test_a_field_changed_alone_changes_something(home: Home, path: str) -> None:
    home.policy(policy_text())
    (home.release()).rename(home.root / "tiny")
    other = home.release(model=None)
    other.rename(home.root / "other")
    if BESIDE.get(path, {}).get("models.tiny.release"):
        (home.release(golden=golden_npz())).rename(home.root / "tried")
        (home.release(model=bomb(floats=150 << 20))).rename(home.root / "hungry")
    base: dict[str, Any] = tomllib.loads(
        'schema = 1\n[models.tiny]\nrelease = "tiny"\n[targets.edge]\nkind = "fog"\naddress = "127.0.0.1:1"\ntls = {}\n'
    )
    one, another, effect = FIELDS[path]
    seen = []
    for value in (one, another):
        document = copy.deepcopy(base)
        for beside, beside_value in BESIDE.get(path, {}).items():
            _put(document, beside, beside_value)
        parents = path.split(".")
        if value is None and path in BESIDE:
            _drop(document, parents)
        _put(document, path, value)
        seen.append(_effect(home.root, document, effect))
    assert seen[0] != seen[1]


def _drop(document: dict[str, Any], path: list[str]) -> None:
    for part in path[:-1]:
        document = document[part]
    document.pop(path[-1], None)


def _effect(folder: Path, document: Mapping[str, Any], effect: Effect) -> object:
    path = folder / "agent.toml"
    path.write_text(_toml(document), encoding="utf-8")
    try:
        with Agent.from_config(path) as agent:
            return effect(agent)
    except ConfigError as error:
        return error.path, error.problem


def _toml(document: Mapping[str, Any], prefix: str = "") -> str:
    """Write what the tables above hold; a dotted key says where a value stands."""
    lines: list[str] = []
    for key, value in document.items():
        if isinstance(value, dict) and value:
            lines.append(_toml(value, f"{prefix}{key}."))
        else:
            shown = str(value).lower() if isinstance(value, bool) else repr(value) if value != {} else "{}"
            lines.append(f"{prefix}{key} = {shown}")
    return "\n".join(lines)


def test_kinds_come_from_names_or_are_said(home: Home) -> None:
    remotes = {
        "fog": RemoteConfig(address="127.0.0.1:1"),
        "cloud": RemoteConfig(address="127.0.0.1:1", kind="cloud"),
        "gpu": RemoteConfig(address="127.0.0.1:1", kind="fog"),
    }
    config = checked(home.config(remotes=remotes))
    assert config.kinds == {"device": Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD, "gpu": Kind.FOG}


def test_a_configuration_holds_no_number_that_is_none(home: Home) -> None:
    with pytest.raises(ValidationError):
        home.config(default_deadline_ms=math.nan)
    with pytest.raises(ValidationError):
        home.config(journal_size=np.int64(5))


def test_a_path_where_a_configuration_is_wanted_says_how_a_file_is_read() -> None:
    with pytest.raises(ConfigError, match=r"Agent\.from_config"):
        Agent("agent.toml")  # type: ignore[arg-type]  # what an app may well write
