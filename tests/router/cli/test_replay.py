"""`nearfar-policy replay`: which recorded decisions would be others, why, and what they would have come to."""

from __future__ import annotations

import gzip
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.cascade.audits import AuditRecord, to_line
from router.choosing.engine import decide
from router.cli import main
from router.cli.audit_lines import read_audits
from router.cli.shadows import Shadows
from router.rules.compile import compile_policy
from router.telling.record import Record, to_json
from router.telling.shadow import beside
from router.types import Kind
from tests.router.offpolicy.logs import EXPLORING, log_of
from tests.router.situations import HEAD, policy_of, situation, target

HASTY = HEAD + "worth.second = 3.0\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + 'mode = "only_on_device"\n', encoding="utf-8")
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Four requests of which three went to the cloud; the fourth was secret."""
    path = tmp_path / "records.jsonl"
    lines = [
        to_json(decide(policy_of(), situation(label=label))) for label in ("public", "public", "internal", "secret")
    ]
    path.write_text("\n".join([*_numbered(lines), "", ""]), encoding="utf-8")
    return path


def _numbered(lines: list[str]) -> list[str]:
    return [line.replace('"r-1"', f'"r-{number}"') for number, line in enumerate(lines)]


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explored") / "explored.jsonl"
    lines = [record.model_dump_json(by_alias=True) for record in log_of(EXPLORING, 1400, 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _json(*arguments: object) -> dict[str, Any]:
    path = Path(str(arguments[0])).with_name("out.json")
    assert main(["replay", *map(str, arguments), "--json", str(path)]) == 0
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def test_it_counts_what_another_policy_would_have_done_and_says_why(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(records), "--policy", str(policy)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0] == "4 records"
    assert lines[2] == (
        f"3 of 4 decisions (75.0%) are others under policy test version 1 ({policy}); 0 are the same on other terms"
    )
    assert lines[3].split() == ["count", "from", "to", "because"]
    assert lines[4].split(maxsplit=3) == ["3", "cloud", "device", "mode only_on_device instead of auto"]
    assert f"  r-0 ({records}:1)" in lines


def test_it_warns_loudly_of_what_a_replay_cannot_know(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(records), "--policy", str(policy)]) == 0
    said = capsys.readouterr().out
    assert "WARNING: these are figures of the world that the logged policy made." in said
    assert "replayed latencies, energy and costs are WRONG: simulate" in said
    assert "WARNING" in _json(records, "--policy", policy)["warning"]


def test_a_log_that_explored_nothing_gets_no_estimate_and_advice(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.write_text("\n".join(_numbered([to_json(decide(policy_of(), situation()))] * 3)), encoding="utf-8")
    log = records.with_name("log.jsonl")
    plain = [record.model_dump_json(by_alias=True) for record in log_of(policy_of(), 200, 1)]
    log.write_text("\n".join(plain), encoding="utf-8")
    assert main(["replay", str(log), "--policy", str(policy)]) == 0
    said = capsys.readouterr().out
    assert "No estimate: what it does otherwise was never done: the log is deterministic there." in said
    assert "Simulate (nearfar-policy simulate), or explore: with [exploration] share = 0.05 in the policy" in said
    assert "SNIPS" not in said
    assert main(["replay", str(records), "--policy", str(policy)]) == 0
    assert "No estimate: no record says" in capsys.readouterr().out


@pytest.mark.wide
def test_a_log_that_explored_is_weighed(tmp_path: Path, explored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hasty = tmp_path / "hasty.toml"
    hasty.write_text(HASTY, encoding="utf-8")
    assert main(["replay", str(explored), "--policy", str(hasty)]) == 0
    said = capsys.readouterr().out
    assert "effective samples in 1,400 records" in said
    assert [line.split()[0] for line in said.splitlines() if "±" in line][:8] == [
        "cost", "misses", "failures", "on_device", "latency", "energy", "money", "bytes",
    ]  # fmt: skip
    assert "no weight was cut" in said
    assert "its direct model is what the decisions themselves expected" in said
    estimates = _json(explored, "--policy", hasty)["policies"][0]["estimates"]
    assert estimates["refused"] is None
    assert estimates["effective_differing"] >= 100
    [latency] = [each for each in estimates["figures"] if each["name"] == "latency"]
    assert latency["snips"]["value"] < 0.7 * latency["logged"]["value"]
    assert latency["dr"]["low"] < latency["dr"]["value"] < latency["dr"]["high"]


@pytest.mark.wide
def test_weights_are_cut_only_where_that_is_asked_for_and_it_is_told(
    tmp_path: Path, explored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hasty = tmp_path / "hasty.toml"
    hasty.write_text(HASTY, encoding="utf-8")
    assert main(["replay", str(explored), "--policy", str(hasty), "--clip", "2"]) == 0
    said = capsys.readouterr().out
    assert "Largest weight 2," in said
    assert "weights were cut to it, which is a bias" in said


@pytest.mark.wide
def test_the_same_seed_gives_the_same_figures_and_another_one_other_intervals(tmp_path: Path, explored: Path) -> None:
    hasty = tmp_path / "hasty.toml"
    hasty.write_text(HASTY, encoding="utf-8")
    one, same, other = (_json(explored, "--policy", hasty, *seed) for seed in ([], ["--seed", 1], ["--seed", 2]))
    assert one == same != other
    assert [f["ips"]["value"] for f in one["policies"][0]["estimates"]["figures"]] == [
        f["ips"]["value"] for f in other["policies"][0]["estimates"]["figures"]
    ]


def test_several_policies_stand_side_by_side_and_the_one_that_was_in_force_tells_more(tmp_path: Path) -> None:
    dear, cheap = tmp_path / "dear.toml", tmp_path / "cheap.toml"
    priced = "targets.cloud.usd_per_request = 0.01\n"
    dear.write_text(HEAD + priced + "worth.dollar = 100.0\n", encoding="utf-8")
    cheap.write_text(HEAD + priced, encoding="utf-8")
    log = tmp_path / "log.jsonl"
    log.write_text(to_json(decide(policy_of(priced + "worth.dollar = 100.0\n"), situation())), encoding="utf-8")
    alone = _json(log, "--policy", cheap)["policies"]
    both = _json(log, "--policy", cheap, "--policy", dear)["policies"]
    assert [each["because"] for each in alone[0]["changes"]] == ["cost: wrong answers"]
    assert [each["because"] for each in both[0]["changes"]] == ["cost: dollars"]
    assert both[1]["changes"] == []
    [example] = both[0]["changes"][0]["examples"]
    assert example["request"] == "r-1"
    assert example["place"] == f"{log}:1"
    assert example["would_turn_it_back"]


@pytest.mark.wide
def test_files_are_read_packed_too_and_from_standard_input(
    policy: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = _json(records, "--policy", policy)
    packed = records.with_name("records.jsonl.gz")
    packed.write_bytes(gzip.compress(records.read_bytes()))
    assert _counts(_json(packed, "--policy", policy)) == _counts(plain)
    for content in (records.read_bytes(), packed.read_bytes()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
        out = records.with_name("piped.json")
        assert main(["replay", "-", "--policy", str(policy), "--json", str(out)]) == 0
        assert _counts(json.loads(out.read_text("utf-8"))) == _counts(plain)


def _counts(told: dict[str, Any]) -> object:
    return told["records"]["read"], [(each["from"], each["to"], each["count"]) for each in _changes(told)]


def _changes(told: dict[str, Any]) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = told["policies"][0]["changes"]
    return changes


def test_several_files_are_one_log_and_what_stands_in_two_of_them_counts_once(
    tmp_path: Path, policy: Path, records: Path
) -> None:
    older = tmp_path / "records.jsonl.1"
    lines = records.read_text("utf-8").splitlines()
    older.write_text("\n".join(lines[:3]) + "\n", encoding="utf-8")
    told = _json(older, records, "--policy", policy)
    assert told["records"]["read"] == 4
    assert told["records"]["repeated"] == 3


def test_of_audited_requests_it_is_told_who_would_have_been_right(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, audits = tmp_path / "log.jsonl", tmp_path / "audits.jsonl"
    lines = [to_json(decide(policy_of(), situation())).replace('"r-1"', f'"r-{number}"') for number in range(40)]
    log.write_text("\n".join(lines), encoding="utf-8")
    digest = "sha256:" + "0" * 64
    audit = {
        "id": "", "model": "m", "device_digest": digest, "remote_digest": digest, "preprocessing_digest": digest,
        "at_utc": 1.0, "answer": 0, "confidence": 0.5, "kept": False, "disagree": 1,
    }  # fmt: skip
    unlabelled = [json.dumps(audit | {"id": f"r-{number}"}) for number in range(20)]
    labelled = [json.dumps(audit | {"id": f"r-{n}", "device_right": 0, "remote_right": 1}) for n in range(8)]
    audits.write_text("\n".join([*unlabelled, *labelled, "{}"]), encoding="utf-8")
    told = _json(log, "--policy", policy, "--audits", audits)
    judged = told["policies"][0]["audited"]
    assert (judged["compared"], judged["labelled"]) == (20, 8)
    assert (judged["wrong"]["value"], judged["wrong_as_logged"]["value"]) == (1.0, 0.0)
    assert told["audits"]["bad"][0]["count"] == 1
    said = capsys.readouterr().out
    assert "20 of the requests were audited, 8 of them have labels:" in said
    assert "1 of 29 lines of audits are left out:" in said
    assert main(["replay", str(log), "--policy", str(policy), "--audits", str(audits), "--strict"]) == 1
    assert capsys.readouterr().err.startswith(f"nearfar-policy: {audits}:29: not an audit record")


def test_an_audit_in_which_a_key_stands_twice_is_left_out(tmp_path: Path) -> None:
    """The last one counted, without a word."""
    digest = "sha256:" + "0" * 64
    one = AuditRecord(
        id="r-1",
        model="m",
        device_digest=digest,
        remote_digest=None,
        preprocessing_digest=digest,
        at_utc=1.0,
        answer=1,
        confidence=0.5,
        kept=True,
        disagree=0,
    )
    path = tmp_path / "audits.jsonl"
    spaced = json.dumps(json.loads(to_line(one)) | {"id": "r-2"})
    path.write_text(f'{to_line(one)[:-1]},"kept":false}}\n{to_line(one)}\n{spaced}\n', encoding="utf-8")
    found, lines = read_audits([path])
    assert (set(found), found["r-1"].kept) == ({"r-1", "r-2"}, True)
    assert dict(lines.bad) == {'not an audit record: the key "kept" stands there twice': 1}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["records"], id="no policy"),
        pytest.param(["--policy", "p"], id="no records"),
        pytest.param(["records", "--policy", "p", "--clip", "0"], id="weights cut to nothing"),
        pytest.param(["records", "--policy", "p", "--clip", "nan"], id="weights cut to no number"),
        pytest.param(["records", "--policy", "p", "--clip", "much"], id="weights cut to a word"),
        pytest.param(["records", "--policy", "p", "--seed", "x"], id="no seed"),
    ],
)
def test_called_wrongly_it_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A word where a weight was wanted was "an invalid _weight value", by the name of a function of ours."""
    with pytest.raises(SystemExit) as exited:
        main(["replay", *arguments])
    assert exited.value.code == 2
    said = capsys.readouterr().err
    assert said.endswith("--help\n")
    assert " _" not in said


def test_a_file_that_is_not_there_is_told_before_any_is_read(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = records.with_name("gone.jsonl")
    assert main(["replay", str(records), str(gone), "--policy", str(policy)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"nearfar-policy: {gone}: No such file or directory\n")


def test_a_policy_at_fault_is_told(policy: Path, records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text("schema = 1\nmdoe = 3\n", encoding="utf-8")
    assert main(["replay", str(records), "--policy", str(policy)]) == 1
    assert str(policy) in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_figures_that_cannot_be_written_cost_the_page_nothing(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that was full was told without the file's name."""
    assert main(["replay", str(records), "--policy", str(policy), "--json", "/dev/full"]) == 2
    said = capsys.readouterr()
    assert "3 of 4 decisions" in said.out
    assert said.err == "nearfar-policy: /dev/full: No space left on device; what is in it is not whole\n"


def test_where_figures_cannot_be_written_is_told_before_an_hour_of_reading(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = records.parent / "nowhere" / "out.json"
    assert main(["replay", str(records), "--policy", str(policy), "--json", str(nowhere)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"nearfar-policy: {nowhere}: No such file or directory\n")


def test_figures_go_to_standard_output_alone(policy: Path, records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They went into a file that was called `-`."""
    assert main(["replay", str(records), "--policy", str(policy), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["records"]["read"] == 4
    assert "3 of 4 decisions" in said.err


def test_figures_are_not_written_over_what_is_read(
    policy: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that was named twice by mistake was replaced by its replay."""
    before = records.read_bytes()
    assert main(["replay", str(records), "--policy", str(policy), "--json", str(records)]) == 2
    said = capsys.readouterr()
    assert (said.out, records.read_bytes()) == ("", before)
    assert "is one of the files that are read; write to another one" in said.err


class _CtrlC(io.RawIOBase):
    """Somebody who presses a key instead of writing on."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise KeyboardInterrupt


def test_whoever_presses_ctrl_c_gets_one_line(
    policy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(_CtrlC())))
    assert main(["replay", "-", "--policy", str(policy)]) == 130
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "nearfar-policy: interrupted\n")


@pytest.mark.wide
def test_on_a_terminal_it_shows_how_far_it_is(
    policy: Path, explored: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["replay", str(explored), "--policy", str(policy)]) == 0
    shown = capsys.readouterr().err
    assert "records" in shown
    assert shown.endswith("\r\x1b[K")


def test_what_a_shadow_would_have_done_stands_in_the_records_and_is_told(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    acting, looking = policy_of(), compile_policy(policy.read_bytes())
    lines = []
    for label in ("public", "public", "internal", "secret"):
        acted = decide(acting, situation(label=label))
        shadow = beside(looking, decide(looking, acted.situation), acted, None)
        lines.append(to_json(acted, shadow=shadow))
    path = tmp_path / "shadowed.jsonl"
    path.write_text("\n".join([*_numbered(lines), *_numbered([to_json(decide(acting, situation()))])]), "utf-8")
    told = _json(path, "--policy", policy)
    (shadowed,) = told["shadows"]
    assert (shadowed["policy"], shadowed["policy_digest"], shadowed["records"]) == ("test", looking.digest, 4)
    assert shadowed["differences"] == [{"from": "cloud", "to": "device", "why": "mode", "count": 3}]
    said = capsys.readouterr().out
    assert "policy test version 1 looked on: it would have done otherwise in 3 of 4" in said
    assert "       3  cloud -> device (mode)" in said


def test_names_out_of_a_log_reach_no_terminal_as_they_are(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of examples and of shadows were printed as they stood there, and what clears a screen cleared it."""
    acted = decide(policy_of(), situation(target("device"), target("cloud\x1b[2J", Kind.CLOUD)))
    looking = compile_policy(policy.read_bytes())
    shadow = beside(looking, decide(looking, acted.situation), acted, None)
    hostile = replace(shadow, policy_name="next\x1b[2J", choice="device\x1b[2J")
    path = tmp_path / "shadowed.jsonl"
    path.write_text(to_json(acted, shadow=hostile), "utf-8")
    assert main(["replay", str(path), "--policy", str(policy)]) == 0
    said = capsys.readouterr().out
    assert "policy next\\x1b[2J version 1 looked on" in said
    assert "was: cloud\\x1b[2J" in said
    assert said.replace("\n", "").isprintable()


def test_whether_a_shadow_agrees_is_told_of_more_turns_than_are_told_apart() -> None:
    """Where a log had many kinds of turns, the requests on which both agreed counted among those that would have been
    done otherwise."""
    acted, shadows = decide(policy_of(), situation()), Shadows()
    agreeing = beside(policy_of(), acted, acted, None)
    for number in range(40):
        differing = replace(agreeing, choice=f"target-{number}", why="cost")
        shadows.add(Record(decision=acted, shadow=differing))
    for _ in range(7):
        shadows.add(Record(decision=acted, shadow=agreeing))
    assert "it would have done otherwise in 40 of 47" in "\n".join(shadows.lines())
    [told] = shadows.as_values()
    assert sum(difference["count"] for difference in told["differences"]) == 40


def test_of_records_on_which_nobody_looked_nothing_is_said_of_it(
    records: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _json(records, "--policy", policy)["shadows"] == []
    assert "looked on" not in capsys.readouterr().out
