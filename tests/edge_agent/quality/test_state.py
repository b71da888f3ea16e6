"""What audits have told is kept whole, or not at all."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_agent.quality.state import Books, load_books, save_books
from router.cascade.drift import begin_drift
from tests.builders.certificates_of_loss import certificate


def test_nothing_is_left_beside_a_file_that_cannot_be_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One more file was left each time: on Windows wherever another program had the file open."""
    path, promised = tmp_path / "quality-m.json", certificate()
    books = Books({}, begin_drift(promised.reference.edges, promised.reference.counts, 0.01))
    save_books(path, promised, books)
    assert load_books(path, promised) == books
    path.unlink()
    path.mkdir()
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        save_books(path, promised, books)
    assert [file.name for file in tmp_path.iterdir()] == ["quality-m.json"]
    assert "cannot be written" in caplog.text
