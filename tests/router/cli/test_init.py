"""`nearfar-policy init`: what it writes is a policy without a warning, with every field and its reason beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.cli import main
from router.cli.templates import TEMPLATES
from router.document import PolicyDocument, json_schema
from router.toml.document import read_model

SET = re.compile(r"^#(?=\[|[a-z_]+ = )", re.MULTILINE)


@pytest.fixture(params=TEMPLATES)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    assert main(["init", str(path), "--template", request.param]) == 0
    return path


def test_a_start_has_no_warnings_and_decides(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--strict", str(written)]) == 0
    for label in ("public", "secret"):
        assert main(["decide", str(written), "--label", label]) == 0
        assert "\nPlan: " in capsys.readouterr().out


def test_a_start_sets_what_its_template_says(written: Path) -> None:
    values = tomllib.loads(written.read_text(encoding="utf-8"))
    wanted = dict(TEMPLATES[values["name"]].values)
    assert {key: values[key] for key in wanted} == wanted


def test_every_field_of_the_schema_is_there_with_its_words(written: Path) -> None:
    text = " ".join(line.removeprefix("# ") for line in written.read_text(encoding="utf-8").splitlines())
    for name, field in _leaves(json_schema()):
        assert re.search(rf"(^|[ #]){name} = ", text) or f" {name}: " in text, name
        assert field["description"] in text, name


def _leaves(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    tables = (table for name, table in schema["$defs"].items() if name != "Condition")
    for table in (schema, *tables):
        for name, field in table.get("properties", {}).items():
            if "$ref" not in str(field) and name not in ("labels", "stale_after_s"):
                yield name, field


def test_every_comment_that_is_a_field_has_a_value_that_may_stand_there(written: Path) -> None:
    """With all of them set the document is of the right form; whether they go together is for its author."""
    values = tomllib.loads(SET.sub("", written.read_text(encoding="utf-8")))
    document, faults = read_model(values, PolicyDocument)
    assert faults == []
    assert document is not None
    assert set(values) == {field.alias or name for name, field in PolicyDocument.model_fields.items()}


def test_it_never_writes_over_a_file_unless_it_is_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("mine", encoding="utf-8")
    assert main(["init", str(path)]) == 2
    assert capsys.readouterr().err == f"nearfar-policy: {path}: File exists\n"
    assert path.read_text(encoding="utf-8") == "mine"
    assert main(["init", str(path), "--force"]) == 0
    assert path.read_text(encoding="utf-8") != "mine"


def test_it_can_be_printed_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-", "--name", "photos", "--template", "promise"]) == 0
    values = tomllib.loads(capsys.readouterr().out)
    assert (values["name"], values["version"], values["promise"]["max_loss"]) == ("photos", 1, 0.01)


def test_a_name_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "p.toml"), "--name", "two words"]) == 1
    assert "name: a letter and at most 63" in capsys.readouterr().err
    assert not (tmp_path / "p.toml").exists()
