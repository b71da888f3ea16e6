from __future__ import annotations

import logging

import pytest

from cloud_service.incident import record

_LOG = logging.getLogger("test")


def test_an_incident_has_classes_and_lines_and_not_a_word_of_what_the_errors_say(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        try:
            int("canary one")
        except ValueError as cause:
            raise KeyError("canary two") from cause

    with pytest.raises(KeyError) as caught:
        fail()
    incident = record(_LOG, "ModelInfer", caught.value)
    assert incident in caplog.text
    assert "KeyError at test_incident.py:" in caplog.text
    assert "from ValueError at test_incident.py:" in caplog.text
    assert "canary" not in caplog.text


def test_a_chain_that_bites_its_tail_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    record(_LOG, "loading", one)
    assert caplog.text.count("ValueError") < 5


def test_two_incidents_have_two_ids() -> None:
    assert record(_LOG, "x", ValueError()) != record(_LOG, "x", ValueError())
