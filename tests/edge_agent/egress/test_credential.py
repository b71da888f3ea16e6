"""The bearer token that goes with every call to a remote target."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from edge_agent import AllTargetsFailed, ConfigError, RemoteConfig, SignalsConfig, load_config
from edge_agent.egress.credential import credential_of
from edge_agent.egress.failure import RemoteFailure
from edge_agent.egress.remote import Remote
from nearfar_wire.status import Code
from router.types import Kind
from tests.builders.certificates import Authority
from tests.builders.clouds import running_cloud
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository
from tests.builders.scenes import Scene, X
from tests.builders.tokens import Issuer

ADDRESS = "127.0.0.1:1"
ISSUER = Issuer()
INPUTS = {"x": np.ones(1, np.float32)}


def _sent(config: RemoteConfig) -> list[str]:
    return [value for key, value in credential_of("cloud", config)() if key == "authorization"]


def test_without_a_token_nothing_is_sent() -> None:
    assert credential_of("cloud", RemoteConfig(address=ADDRESS))() == ()


def test_the_app_is_asked_for_every_call() -> None:
    tokens = iter(["one", "two"])
    given = credential_of("cloud", RemoteConfig(address=ADDRESS, token=lambda: next(tokens)))
    assert [given(), given()] == [(("authorization", "Bearer one"),), (("authorization", "Bearer two"),)]


def _failing() -> str:
    raise ValueError("a-secret")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(_failing, id="raises"),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "a\nb", id="line_break"),
        pytest.param(lambda: "a b", id="space"),
        pytest.param(lambda: "tökén", id="not_ascii"),
        pytest.param(lambda: "a" * 9000, id="huge"),
        pytest.param(lambda: None, id="none"),
    ],
)
def test_what_is_no_token_is_not_sent_and_not_told(token: Any) -> None:
    with pytest.raises(RemoteFailure) as caught:
        _sent(RemoteConfig(address=ADDRESS, token=token))
    assert caught.value.code is Code.UNAUTHENTICATED
    assert "a-secret" not in str(caught.value)


def test_a_file_is_read_again_once_it_has_changed_and_stays_in_use_while_it_is_gone(tmp_path: Path) -> None:
    seconds = itertools.count(step=2)
    file = tmp_path / "token"
    file.write_text("one\n")
    given = credential_of("cloud", RemoteConfig(address=ADDRESS, token_file=file), now=lambda: next(seconds))
    seen = [given()]
    file.unlink()
    seen.append(given())
    file.write_text("no token\n")
    seen.append(given())
    fresh = tmp_path / "fresh"
    fresh.write_text("two\n")
    os.replace(fresh, file)
    seen.append(given())
    assert [metadata[0][1] for metadata in seen] == ["Bearer one"] * 3 + ["Bearer two"]


@pytest.mark.parametrize("content", [None, "", "two words", "a" * 9000], ids=["gone", "empty", "words", "huge"])
def test_a_file_without_a_token_is_told_before_anything_runs(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        credential_of("cloud", RemoteConfig(address=ADDRESS, token_file=file))
    assert caught.value.path == "targets.cloud.token_file"


def test_a_token_is_in_no_text_of_a_configuration_and_cannot_be_written_in_one(tmp_path: Path) -> None:
    config = RemoteConfig(address=ADDRESS, token=lambda: "a-secret")
    assert "token=" not in repr(config)
    assert "token" not in config.model_dump()
    with pytest.raises(ValidationError, match="two ways to the same"):
        RemoteConfig(address=ADDRESS, token=lambda: "a-secret", token_file=tmp_path)
    document = tmp_path / "agent.toml"
    document.write_text(
        'schema = 1\n[models.a]\nrelease = "a"\n[targets.cloud]\naddress = "127.0.0.1:1"\ntoken = "a-secret"\n'
    )
    with pytest.raises(ConfigError, match="token_file") as caught:
        load_config(document)
    assert "a-secret" not in str(caught.value)


def test_a_token_file_lies_beside_the_document(tmp_path: Path) -> None:
    document = tmp_path / "agent.toml"
    document.write_text(
        'schema = 1\n[models.a]\nrelease = "a"\n[targets.cloud]\naddress = "127.0.0.1:1"\ntoken_file = "t"\n'
    )
    assert load_config(document).targets["cloud"].token_file == tmp_path / "t"


def _answered(remote: Remote) -> Code | None:
    ended = threading.Event()
    flight = remote.call("echo", "", "id", INPUTS, timeout_s=10, on_done=ended.set)
    assert ended.wait(15)
    try:
        flight.result()
    except RemoteFailure as failure:
        return failure.code
    return None


@pytest.mark.wide
def test_every_call_carries_the_token_over_tls_and_a_refused_one_is_a_security_failure(tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ours")
    chain, key = ours.issue("127.0.0.1")
    keys, file = tmp_path / "keys.pem", tmp_path / "token"
    keys.write_bytes(ISSUER.public_pem)
    file.write_text(ISSUER.token())
    models = write_repository(tmp_path / "models", {"echo": identity()})
    with running_cloud(models, tls_certificate=chain, tls_key=key, token_keys=keys) as cloud:

        def remote(**more: Any) -> Remote:  # Any: RemoteConfig's fields
            return Remote("cloud", Kind.CLOUD, RemoteConfig(address=cloud.target, tls=ours.tls(), **more))

        known, unknown = remote(token_file=file), remote(token=lambda: "wrong")
        try:
            assert _answered(known) is None
            assert known.round_trip_s() > 0
            assert known.ask_for_model("echo", "")
            assert _answered(unknown) is Code.UNAUTHENTICATED
            with pytest.raises(RemoteFailure, match="check token_file") as caught:
                unknown.round_trip_s()
            assert caught.value.of("cloud").security
        finally:
            known.close()
            unknown.close()


@pytest.mark.wide
def test_a_token_is_in_no_record_and_no_error(tmp_path: Path) -> None:
    unprobed = SignalsConfig(round_trip_s=15)
    with Scene(tmp_path) as scene:
        targets = {"cloud": scene.remote(token=lambda: "a-secret")}
        with scene.agent("prefer_in_cloud", targets=targets, signals=unprobed) as watched:
            result = watched.infer("tiny", X)
            told = repr(result) + repr(watched.agent.last(10)) + repr(watched.agent.core.config)
        assert result.target == "cloud"
        failing = {"cloud": scene.remote(token=_failing)}
        with (
            scene.agent("only_in_cloud", targets=failing, signals=unprobed) as watched,
            pytest.raises(AllTargetsFailed, match="UNAUTHENTICATED") as caught,
        ):
            watched.infer("tiny", X)
    assert "a-secret" not in told + str(caught.value)
