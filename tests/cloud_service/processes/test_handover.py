from __future__ import annotations

from pathlib import Path

from cloud_service.config import Settings, read_settings
from cloud_service.processes.handover import pack, unpack


def test_settings_arrive_as_they_were_sent_the_secret_and_the_worked_out_included(tmp_path: Path) -> None:
    sent = read_settings(
        {
            "models": tmp_path,
            "grpc": "[::1]:7001",
            "rest": "off",
            "threads": 3,
            "administrators": "a,b",
            "admin_token": "correct horse battery staple",
            "token_keys": "keys.pem",
            "token_algorithms": "EdDSA",
        }
    )
    line = pack(sent)
    assert line.count(b"\n") == 1
    assert unpack(line) == sent
    assert unpack(line).model_fields_set >= sent.model_fields_set


def test_what_nobody_set_is_not_sent_as_if_it_was(tmp_path: Path) -> None:
    received = unpack(pack(Settings(models=tmp_path)))
    assert "token_audience" not in received.model_fields_set
