"""What the reference says of fields, codes, metrics, errors and commands is what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_agent.config import AgentConfig
from router.document import json_schema
from tests.docs.blocks import pages
from tests.docs.fields import field_tables
from tests.docs.generated import PARTS, POLICY_SCHEMA, rewritten
from tests.docs.notes import AGENT_NOTES, AGENT_TITLES

_MARK = re.compile(r"<!-- generated: ([\w -]+) -->")
_REFERENCE = [page for page in pages() if _MARK.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", _REFERENCE, ids=lambda page: page.name)
def test_the_reference_says_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # Word by word: a help text that another Python wraps otherwise says the same.
    assert rewritten(text).split() == text.split(), "write it again: python -m tests.docs.generated"


def test_every_part_that_can_be_written_stands_somewhere() -> None:
    standing = [name for page in _REFERENCE for name in _MARK.findall(page.read_text(encoding="utf-8"))]
    assert sorted(standing) == sorted(PARTS)


def test_the_schema_beside_the_reference_is_the_documents() -> None:
    written = POLICY_SCHEMA.read_text(encoding="utf-8")
    assert json.loads(written) == json_schema(), "write it again: python -m tests.docs.generated"


def test_a_field_without_words_is_refused() -> None:
    notes = {key: words for key, words in AGENT_NOTES.items() if key != "SignalsConfig.battery_s"}
    with pytest.raises(AssertionError, match=r"nothing says what SignalsConfig\.battery_s is"):
        field_tables(AgentConfig, notes, AGENT_TITLES)


def test_words_for_no_field_are_refused() -> None:
    with pytest.raises(AssertionError, match=r"SignalsConfig\.grace"):
        field_tables(AgentConfig, {**AGENT_NOTES, "SignalsConfig.grace": "Old."}, AGENT_TITLES)
