"""What a person sees while a release is made, and after."""

from __future__ import annotations

import io
import sys

import pytest

from cloud_service.publish.recertify import Recertified
from cloud_service.publish.terminal import show_recertified, watch
from tests.builders.certificates_of_loss import certificate, promise


class Terminal(io.StringIO):
    """Takes what is drawn, and says that a person looks."""

    def isatty(self) -> bool:
        return True


def renewed(**changed: object) -> Recertified:
    given: dict[str, object] = {
        "certificate": certificate(), "used": 900, "kept": 500, "labelled": 900, "left_out": {}, "refused": ()
    }  # fmt: skip
    return Recertified(**(given | changed))  # type: ignore[arg-type]


def test_without_a_terminal_a_stage_is_told_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with watch() as progress:
        for done in range(4):
            progress("run", done, 3)
        progress("write", 0, 1)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "run: 3\n")


def test_on_a_terminal_every_stage_has_a_bar_that_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Terminal()
    monkeypatch.setattr(sys, "stderr", drawn)
    with watch() as progress:
        progress("run", 1, 3)
        progress("run", 3, 3)
        progress("write", 0, 1)
    assert "run" in drawn.getvalue() and "3/3" in drawn.getvalue() and "write" in drawn.getvalue()


def test_a_renewed_certificate_is_told_with_what_it_promises_and_what_it_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_recertified(renewed(left_out={"of another model": 3}, refused=("alpha 0.001 needs 2583 inputs",)))
    told = capsys.readouterr().out
    assert told.startswith("900 audits used, 500 of them kept on the device, 3 of another model\n")
    assert "1.00%" in told and "90%" in told and "50.0%" in told and "0.10%" in told and "258" in told
    assert "not promised: alpha 0.001 needs 2583 inputs" in told
    assert "not covered:\n  inputs unlike those calibrated on\n" in told
    assert "say who was right" not in told


def test_a_loss_in_evaluation_that_speaks_against_its_promise_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate that lost 19 % where 10 % were promised was written without a word."""
    broken = certificate(promises=[{**promise(0.01, 0.1, [0.25]), "loss": 0.05}, promise(0.02, 0.1, [0.25, 0.0])])
    show_recertified(renewed(certificate=broken))
    told = capsys.readouterr().out
    assert "evaluation speaks against the promise of 1.00%" in told
    assert "against the promise of 2.00%" not in told


def test_a_promise_that_keeps_nothing_says_so_and_what_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    show_recertified(renewed(certificate=certificate(promises=[promise(0.01, 0.1, [])])))
    told = capsys.readouterr().out
    assert "nothing" in told and "would take more examples, or a device model that is nearer to the full one" in told


@pytest.mark.parametrize(
    ("method", "words", "below"),
    [
        ("labels", "so much accuracy, over all requests", True),
        ("agreement", "so much agreement with the full model", False),
    ],
)
def test_the_words_are_those_of_what_was_compared(
    method: str, words: str, below: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cost below zero was explained where there can be none: two answers agree, or they do not."""
    show_recertified(renewed(certificate=certificate(method=method)))
    told = capsys.readouterr().out
    assert words in told
    assert ("a cost below zero" in told) == below


def test_text_from_files_is_written_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[bold]not[/bold] [link=x]covered[/link]"
    show_recertified(renewed(certificate=certificate(not_covered=[hostile], split=hostile)))
    assert capsys.readouterr().out.count(hostile) == 2
