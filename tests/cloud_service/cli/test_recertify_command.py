"""`nearfar-cloud recertify` as a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.cli import main
from router.cascade.certificate import Certificate, parse_certificate
from router.cascade.learn import Method
from tests.builders.audit_files import audits, write_audits
from tests.builders.certified_release import certified_release


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The certificate of a release in the working directory, with two files of audits beside it."""
    monkeypatch.chdir(tmp_path)
    old = certified_release(Path("release"))
    write_audits(Path("one.jsonl"), audits(old, 600))
    write_audits(Path("two.jsonl"), audits(old, 300, seed=1, device_right=None, remote_right=None))
    return old


def written() -> Certificate:
    return parse_certificate(Path("release/certificate.json").read_bytes(), "c")


def test_a_new_certificate_is_written_and_told(old: Certificate, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recertify", "release", "--audits", "one.jsonl", "--alpha", "0.2"]) == 0
    told = capsys.readouterr().out
    kept = sum(record.kept for record in audits(old, 600))
    assert f"600 audits used, {kept} of them kept on the device" in told
    assert "costs at most so much accuracy" in told and "20.00%" in told and "not covered:" in told
    assert written().method is Method.LABELS


def test_alpha_and_delta_are_those_before_unless_given(old: Certificate) -> None:
    assert main(["recertify", "release", "--audits", "one.jsonl"]) == 0
    assert [(p.alpha, p.delta) for p in written().promises] == [(0.01, 0.1), (0.02, 0.1), (0.05, 0.1)]
    flags = ["--alpha", "0.3", "--alpha", "0.2", "--delta", "0.05"]
    assert main(["recertify", "release", "--audits", "one.jsonl", *flags]) == 0
    assert [(p.alpha, p.delta) for p in written().promises] == [(0.2, 0.05), (0.3, 0.05)]


def test_several_files_count_and_labels_of_some_are_used_when_asked_for(
    old: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["--audits", "one.jsonl", "--audits", "two.jsonl", "--alpha", "0.2"]
    assert main(["recertify", "release", *both]) == 0
    told = capsys.readouterr().out
    assert "900 audits used" in told and "600 say who was right; as not all do, agreement is what is promised" in told
    assert "so much agreement with the full model" in told
    assert written().method is Method.AGREEMENT
    assert main(["recertify", "release", *both, "--labelled"]) == 0
    assert "600 audits used" in (told := capsys.readouterr().out) and "300 without a label" in told
    assert written().method is Method.LABELS


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none", "--audits", "one.jsonl"], "none is no release"),
        (["release", "--audits", "none.jsonl"], "none.jsonl cannot be read: No such file"),
        (["release", "--audits", "one.jsonl", "--alpha", "0.001"], "needs"),
        (["release", "--audits", "two.jsonl", "--labelled"], "0 audits of this release can be used"),
    ],
    ids=["no-release", "no-file", "too-few", "no-labels"],
)
def test_a_refusal_is_one_line_and_exit_code_1_and_changes_nothing(
    old: Certificate, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recertify", *arguments]) == 1
    captured = capsys.readouterr()
    assert told in captured.err and captured.err.startswith("nearfar-cloud: ") and captured.err.count("\n") == 1
    assert written() == old
    assert list(Path("release").glob("certificate.*.json")) == []


@pytest.mark.parametrize("wrong", [["--alpha", "2"], ["--delta", "x"], ["--audit", "one.jsonl"]], ids="-".join)
def test_a_call_that_argparse_refuses_is_exit_code_2(old: Certificate, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["recertify", "release", "--audits", "one.jsonl", *wrong])
    assert caught.value.code == 2
