"""Where settings come from, which of them wins, and what is said where one is wrong."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest

from cloud_service.cli import main
from cloud_service.cli.effective import print_config
from cloud_service.config import Settings, read_settings
from cloud_service.errors import SettingsError
from cloud_service.sources import gather

_SECRET = "correct horse battery staple"


def _settings(flags: dict[str, object], environment: dict[str, str]) -> Settings:
    gathered = gather(flags, environment)
    return read_settings(gathered.values, gathered.origins)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text('models = "m"\nthreads = 1\nmax_in_flight = 1\ndrain_s = 1.5\n')
    environment = {"NEARFAR_CLOUD_THREADS": "2", "NEARFAR_CLOUD_MAX_IN_FLIGHT": "2", "PATH": "/bin"}
    settings = _settings({"config": str(file), "threads": "3"}, environment)
    assert (settings.threads, settings.max_in_flight, settings.drain_s) == (3, 2, 1.5)


def test_the_environment_can_name_the_file_and_its_paths_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "cloud.toml").write_text('models = "m"\ntenants = "/etc/tenants.toml"\n')
    settings = _settings({}, {"NEARFAR_CLOUD_CONFIG": str(tmp_path / "cloud.toml")})
    assert settings.models == tmp_path / "m"
    assert settings.tenants == Path("/etc/tenants.toml")


def test_everything_can_be_set_by_variables_alone() -> None:
    environment = {
        "NEARFAR_CLOUD_MODELS": "m",
        "NEARFAR_CLOUD_REST": "off",
        "NEARFAR_CLOUD_BATCHING": "false",
        "NEARFAR_CLOUD_TOKEN_KEYS": "keys.pem",
        "NEARFAR_CLOUD_ADMINISTRATORS": "alice, bob",
        "NEARFAR_CLOUD_ADMIN_TOKEN": _SECRET,
        "NEARFAR_CLOUD_DRAIN_S": "",
    }
    settings = _settings({}, environment)
    assert settings.rest is None
    assert settings.batching is False
    assert settings.administrators == ("alice", "bob")
    assert settings.drain_s == 20, "set to nothing is not set"


@pytest.mark.parametrize(
    ("flags", "environment", "file", "message"),
    [
        ({"threads": "many"}, {}, "", r"threads: .* \(from --threads\)$"),
        ({}, {"NEARFAR_CLOUD_THREADS": "0"}, "", r"threads: .* \(from the environment's NEARFAR_CLOUD_THREADS\)$"),
        ({}, {}, "threads = 0", r"threads: .* \(from .*cloud\.toml, line 1\)$"),
        (
            {},
            {},
            "poll_s = 1\nthreads = true",
            r"threads: true and false are no numbers \(from .*cloud\.toml, line 2\)$",
        ),
        ({}, {"NEARFAR_CLOUD_THRED": "1"}, "", 'NEARFAR_CLOUD_THRED: .*; did you mean "NEARFAR_CLOUD_THREADS"'),
        ({}, {}, "thread = 1", 'cloud.toml: line 1: unknown key "thread"; did you mean "threads"'),
        ({}, {}, "threads = 1\nthreads = 2", r"cloud.toml: line 2: duplicate key"),
        ({}, {}, "threads 1", r"cloud.toml: line 1: not TOML"),
        ({"config": "/does/not/exist.toml"}, {}, "", "/does/not/exist.toml cannot be read: No such file"),
        ({"log_format": "xml"}, {}, "", "log_format: .*'json' or 'text'"),
        ({"token_algorithms": "HS256", "token_keys": "k"}, {}, "", "token_algorithms: .*'EdDSA'"),
        ({"processes": "0"}, {}, "", "processes: "),
    ],
)
def test_an_error_says_where_the_value_came_from(
    tmp_path: Path, flags: dict[str, object], environment: dict[str, str], file: str, message: str
) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text(file)
    with pytest.raises(SettingsError, match=message):
        _settings({"models": "m", "config": str(path)} | flags, environment)


def test_a_secret_is_in_no_error_and_in_nothing_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        _settings({"models": "m"}, {"NEARFAR_CLOUD_ADMIN_TOKEN": "hunter2"})
    assert "hunter2" not in str(caught.value)
    gathered = gather({"models": "m"}, {"NEARFAR_CLOUD_ADMIN_TOKEN": _SECRET})
    settings = read_settings(gathered.values, gathered.origins)
    shown = print_config(settings, gathered.origins)
    assert _SECRET not in shown + repr(settings) + str(settings)
    assert '# admin_token = "********"  # the environment\'s NEARFAR_CLOUD_ADMIN_TOKEN' in shown
    with pytest.raises(SystemExit):
        main(["serve", "--admin-token", _SECRET])
    assert "--admin-token" not in capsys.readouterr().out


def test_what_is_printed_is_a_file_that_gives_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written in a code page, as on Windows, it was no TOML; where that lacked a letter the command ended early."""
    monkeypatch.setenv("NEARFAR_CLOUD_TOKEN_KEYS", "/keys.pem")
    monkeypatch.setenv("NEARFAR_CLOUD_ADMINISTRATORS", 'say "Ä", \x7f\U0001f600')
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="cp1252", newline="\r\n"))
    assert main(["serve", "--models", str(tmp_path), "--rest", "off", "--no-batching", "--print-config"]) == 0
    printed = output.getvalue().decode("utf-8")
    monkeypatch.delenv("NEARFAR_CLOUD_ADMINISTRATORS")
    monkeypatch.delenv("NEARFAR_CLOUD_TOKEN_KEYS")
    file = tmp_path / "again.toml"
    file.write_bytes(output.getvalue())
    again = _settings({"config": str(file)}, {})
    assert set(tomllib.loads(printed)) == {"models", "rest", "batching", "administrators", "token_keys"}
    assert again.administrators == ('say "Ä"', "\x7f\U0001f600")
    assert again.rest is None
    assert "# threads = " in printed, "a default is shown, and where it came from"


def test_every_setting_has_help_and_a_flag_but_the_secret(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    told = capsys.readouterr().out
    flags = {name for name in Settings.model_fields if f"--{name.replace('_', '-')} " in told.replace(",", " ")}
    assert flags == set(Settings.model_fields) - {"admin_token"}
    assert all(info.description for info in Settings.model_fields.values())
