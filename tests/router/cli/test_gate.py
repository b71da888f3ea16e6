"""`nearfar-policy gate`: its verdicts are exit codes, and nothing that is at fault looks like one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from router.cli import main
from tests.router.cli.test_simulate import POLICY, SCENARIO

pytestmark = pytest.mark.wide  # each runs whole simulations

FAULT = 3


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "minute.toml").write_text(SCENARIO.replace("duration_s = 20", "duration_s = 120"), encoding="utf-8")
    (tmp_path / "home.down").write_text("1\n2\n2\n3\n", encoding="utf-8")
    for name, mode in (("near", "only_on_device"), ("far", "prefer_in_cloud")):
        (tmp_path / f"{name}.toml").write_text(POLICY.format(name=name, mode=mode), encoding="utf-8")
    return tmp_path


def _gate(desk: Path, baseline: str, candidate: str, *arguments: str, scenario: str = "minute.toml") -> int:
    paths = ["--baseline", str(desk / f"{baseline}.toml"), "--candidate", str(desk / f"{candidate}.toml")]
    return main(["gate", *paths, "--workers", "1", "--seeds", "3", str(desk / scenario), *arguments])


def test_a_better_policy_ends_with_0(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _gate(desk, "near", "far") == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0] == "candidate far version 1, against near version 1"
    assert "3 seeds of each of: minute" in lines[1]
    assert lines[-1] == "verdict: accept"
    assert any(line.startswith("accept  minute  cost falls ") for line in lines)
    assert told.err == ""


def test_a_worse_policy_ends_with_1_and_says_by_what(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _gate(desk, "far", "near") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "verdict: reject, for cost, accuracy_loss"


def test_what_cannot_be_told_ends_with_2_and_says_what_it_would_take(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "minute.toml").write_text(SCENARIO, encoding="utf-8")
    assert _gate(desk, "near", "far") == 2
    told = capsys.readouterr().out
    assert "requests would tell" in told
    seeds = int(told.split("--seeds ")[1].split()[0])
    assert seeds > 3


def test_where_nobody_has_to_be_better_the_same_is_enough(desk: Path) -> None:
    # With so few requests nothing can be told of one in two hundred.
    margins = ["--margin", "accuracy_loss=0.05", "--margin", "misses=0.05"]
    assert _gate(desk, "far", "far", "--goal", "not-worse", *margins) == 0
    assert _gate(desk, "far", "far", *margins) == 1


def test_looser_privacy_is_rejected_whatever_it_gains(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = POLICY.format(name="near", mode="prefer_in_cloud") + '[labels]\npublic = ["cloud"]\nsecret = ["device"]\n'
    (desk / "near.toml").write_text(closed, encoding="utf-8")
    (desk / "far.toml").write_text(closed.replace('secret = ["device"]', 'secret = ["device", "cloud"]'))
    assert _gate(desk, "near", "far", "--goal", "not-worse") == 1
    told = capsys.readouterr().out
    assert 'label "secret" may now be seen by cloud' in told
    assert told.splitlines()[-1] == "verdict: reject, for privacy"


def test_the_verdict_and_all_figures_are_written(desk: Path) -> None:
    code = _gate(desk, "near", "far", "--subject-to", "misses<=0.5", "--json", str(desk / "out.json"))
    told: Any = json.loads((desk / "out.json").read_text(encoding="utf-8"))
    assert (code, told["verdict"], told["goal"], told["alpha"]) == (0, "accept", "better", 0.05)
    assert (told["baseline"]["name"], told["candidate"]["name"]) == ("near", "far")
    assert told["candidate"]["digest"].startswith("sha256:")
    assert told["margins"] == {"cost": "1%", "accuracy_loss": "0.005", "misses": "0.005"}
    assert told["subject_to"] == ["misses<=0.5"]
    cost = next(criterion for criterion in told["criteria"] if criterion["asked"]["name"] == "cost")
    assert cost["low"] < cost["found"] < cost["high"] < 0
    assert cost["requests"] == told["requests"] > 300


def test_a_target_s_kind_is_the_scenario_s(desk: Path) -> None:
    """A policy that agents and `simulate` take, because they know the target, was refused: its kind was wanted."""
    hall = (desk / "minute.toml").read_text(encoding="utf-8").replace("targets.cloud]", 'targets.hall]\nkind = "fog"')
    (desk / "minute.toml").write_text(hall.replace("{ cloud", "{ hall").replace("cloud = 0.9", "hall = 0.9"))
    for name, mode in (("near", "only_on_device"), ("far", "prefer_in_cloud")):
        dear = POLICY.format(name=name, mode=mode) + "[targets.hall]\nusd_per_request = 0.0001\n"
        (desk / f"{name}.toml").write_text(dear, encoding="utf-8")
    assert _gate(desk, "near", "far") == 0


@pytest.mark.parametrize("place", ["nowhere/out.json", "minute.toml", "far.toml"])
def test_figures_that_cannot_be_written_are_refused_before_anything_runs(
    desk: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """It was told after all the runs, instead of the verdict; and what was judged could be written over."""
    assert _gate(desk, "near", "far", "--json", str(desk / place)) == FAULT
    told = capsys.readouterr()
    assert told.out == ""
    assert place in told.err
    assert (desk / "far.toml").read_text(encoding="utf-8").startswith("schema = 1")


def test_alpha_says_how_sure_it_has_to_be(desk: Path) -> None:
    for alpha, name in (("0.25", "loose.json"), ("0.0001", "strict.json")):
        _gate(desk, "near", "far", "--alpha", alpha, "--json", str(desk / name))
    loose, strict = (
        json.loads((desk / name).read_text(encoding="utf-8"))["criteria"][1] for name in ("loose.json", "strict.json")
    )
    assert loose["found"] == strict["found"]
    assert loose["high"] < strict["high"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--objective", "speed"], 'there is no measure "speed"'),
        (["--margin", "cost"], "is no margin"),
        (["--subject-to", "cost"], "is no limit"),
        (["--seeds", "2"], "2 is not a whole number from 3 to 1000: of fewer runs nobody can tell"),
        (["--alpha", "1"], "is no number from 0.0001 to 0.25"),
        (["--goal", "worse"], "invalid choice"),
        (["--wat"], "unrecognized arguments: --wat; see nearfar-policy gate --help"),
        (["missing.toml"], "No such file"),
        (["near.toml"], "near.toml"),
    ],
)
def test_whatever_is_at_fault_ends_with_a_code_that_no_verdict_has(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """argparse ends with 2, which a pipeline would have taken for inconclusive."""
    arguments = [str(desk / each) if each.endswith(".toml") else each for each in arguments]
    try:
        code: object = _gate(desk, "near", "far", *arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == FAULT
    told = capsys.readouterr()
    assert said in told.err
    assert "verdict" not in told.out


@pytest.mark.parametrize("missing", ["--baseline", "--candidate"])
def test_both_policies_have_to_be_named(desk: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--baseline", str(desk / "near.toml"), "--candidate", str(desk / "far.toml")]
    at = given.index(missing)
    with pytest.raises(SystemExit) as ended:
        main(["gate", str(desk / "minute.toml"), *given[:at], *given[at + 2 :]])
    assert ended.value.code == FAULT
    assert missing in capsys.readouterr().err


def test_a_policy_at_fault_is_no_reason_to_reject_it(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ended with 1, as if the candidate had been tried."""
    (desk / "far.toml").write_text("schema = 1\n", encoding="utf-8")
    assert _gate(desk, "near", "far") == FAULT
    assert "far.toml" in capsys.readouterr().err


def test_two_scenarios_of_one_name_are_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _gate(desk, "near", "far", str(desk / "minute.toml")) == FAULT
    assert 'two of the scenarios are called "minute"' in capsys.readouterr().err


def test_a_verdict_that_nobody_reads_to_its_end_is_none(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`nearfar-policy gate ... | head -1` had ended with 0, which is accept."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as broken:
        monkeypatch.setattr("sys.stdout", broken)
        assert _gate(desk, "far", "near", "--seeds", "3") == FAULT


def test_other_commands_end_as_before_where_they_are_called_wrongly(desk: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", str(desk / "near.toml"), "--wat"])
    assert ended.value.code == 2
