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


def test_hidden_names_and_the_manifest_are_no_versions(tmp_path: Path) -> None:
    write_repository(tmp_path, {"a": b""}, {"a": ""})
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "..data").mkdir()
    (entry,) = scan(tmp_path)
    assert isinstance(entry, Found)
