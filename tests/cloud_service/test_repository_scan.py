from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.repository.scan import Found, Ignored, scan
from tests.builders.repositories import write_repository


def test_models_are_found_by_name_and_rising_version(tmp_path: Path) -> None:
    write_repository(tmp_path, {"b": {10: b"", 2: b""}, "a": b""})
    assert [(f.model, f.version) for f in scan(tmp_path) if isinstance(f, Found)] == [("a", 1), ("b", 2), ("b", 10)]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("README.md", "not a directory"),
        ("-model/", "not a model's name"),
        ("a model/", "not a model's name"),
        ("model/", "no version"),
        ("model/latest/", "not a version"),
        ("model/0/", "not a version"),
        ("model/01/", "not a version"),
        ("model/1", "not a version"),
    ],
)
def test_what_is_not_a_version_is_told_and_not_served(tmp_path: Path, path: str, reason: str) -> None:
    place = tmp_path / path
    if path.endswith("/"):
        place.mkdir(parents=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
    (entry,) = scan(tmp_path)
    assert isinstance(entry, Ignored)
    assert reason in entry.reason


@pytest.mark.parametrize("name", ["config.pbtxt", "model-settings.json"])
def test_what_another_server_is_told_by_is_said_not_to_be_read(tmp_path: Path, name: str) -> None:
    """Who brought a model from Triton was told that its settings were no version, and not that they did not hold."""
    write_repository(tmp_path, {"a": b""})
    (tmp_path / "a" / name).write_text("max_batch_size: 8")
    _, entry = scan(tmp_path)
    assert isinstance(entry, Ignored)
    assert "is not read; say in serving.toml" in entry.reason


def test_a_link_out_of_the_repository_is_told_and_what_it_leads_to_is_not_listed(tmp_path: Path) -> None:
    """The names of whatever a model's directory linked to stood in the log."""
    write_repository(tmp_path / "elsewhere", {"a": {1: b"", 2: b""}})
    write_repository(tmp_path / "models", {"real": b""})
    (tmp_path / "models" / "within").symlink_to("real")
    (tmp_path / "models" / "without").symlink_to(tmp_path / "elsewhere" / "a")
    found = {entry.model for entry in scan(tmp_path / "models") if isinstance(entry, Found)}
    (ignored,) = (entry for entry in scan(tmp_path / "models") if isinstance(entry, Ignored))
    assert found == {"real", "within"}
    assert (ignored.path.name, "leads out" in ignored.reason) == ("without", True)


def test_hidden_names_and_the_manifest_are_no_versions(tmp_path: Path) -> None:
    write_repository(tmp_path, {"a": b""}, {"a": ""})
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "..data").mkdir()
    (entry,) = scan(tmp_path)
    assert isinstance(entry, Found)
