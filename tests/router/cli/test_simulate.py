"""`nearfar-policy simulate`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from router.cli import main

pytestmark = pytest.mark.wide  # each runs whole simulations

SCENARIO = """\
schema = 1
name = "minute"
about = "A minute at home."
duration_s = 20

[device]
model = "phone-midrange"

[links.home]
radio = "wifi"
up = 20
down.mahimahi = "home.down"
rtt_ms = 8

[targets.cloud]
server = "cpu-2"
rtt_ms = 20

[models.vision]
device_ms = 20
service_ms = { cloud = 20 }
upload_bytes = 20000
answers = { accuracy = { device = 0.75, cloud = 0.9 } }

[[workload]]
name = "camera"
model = "vision"
deadline_ms = 500
arrivals = { per_s = 2 }
"""
POLICY = 'schema = 1\nname = "{name}"\nversion = 1\nmode = "{mode}"\n'


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "minute.toml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "home.down").write_text("1\n2\n2\n3\n", encoding="utf-8")
    for name, mode in (("near", "only_on_device"), ("far", "only_in_cloud")):
        (tmp_path / f"{name}.toml").write_text(POLICY.format(name=name, mode=mode), encoding="utf-8")
    return tmp_path


def _simulate(desk: Path, *arguments: str) -> int:
    return main(["simulate", str(desk / "minute.toml"), *arguments])


def _figures(desk: Path, *arguments: str) -> Any:  # Any: a JSON document
    assert _simulate(desk, "--json", str(desk / "out.json"), *arguments) == 0
    return json.loads((desk / "out.json").read_text(encoding="utf-8"))


def test_policies_stand_above_the_baselines_in_one_table(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _simulate(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "far.toml")) == 0
    told = capsys.readouterr()
    first = [line.split("  ")[0].strip() for line in told.out.splitlines()]
    rows = [name for name in first if name and not name.startswith("-")][2:]
    assert told.out.startswith("minute: ")
    assert "A minute at home." in told.out
    assert rows[:2] == ["near", "far"]
    assert {"always-device", "always-cloud", "random", "prefer-cloud", "latency-argmin"} <= set(rows)
    assert any(row.startswith("best cascade of ") for row in rows)
    assert "upper bound" in rows
    assert told.err == ""


def test_what_else_a_policy_did_and_how_often_its_rules_applied_is_told(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = '[[rules]]\nname = "{}"\nwhen = {{ battery_pct = {{ {} }} }}\nmode = "only_on_device"\n'
    (desk / "near.toml").write_text(
        POLICY.format(name="near", mode="auto")
        + rule.format("low", "less_than = 5")
        + rule.format("any", "at_least = 5"),
        encoding="utf-8",
    )
    told = _figures(desk, "--policy", str(desk / "near.toml"))["policies"][0]
    assert (told["rules"]["low"]["value"], told["rules"]["any"]["value"]) == (0.0, 1.0)
    said = capsys.readouterr().out.splitlines()
    assert "near: of 100 requests its rules applied: low to 0.0, any to 100.0" in said
    assert any(line.startswith("near: of 100 requests 0.0 backed up by the device, 0.0 hedged, ") for line in said)


def test_all_figures_are_written_with_their_intervals(desk: Path) -> None:
    told = _figures(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "far.toml"))
    near, far = told["policies"]
    assert (near["policy"], far["policy"]) == ("near", "far")
    assert near["shares"]["device"]["value"] == 1.0
    assert far["shares"]["cloud"]["value"] == 1.0
    assert told["least_possible_cost"] <= min(row["cost"]["value"] for row in told["policies"] + told["baselines"])
    assert max(near["score"], far["score"]) <= 1.0
    assert far["cost"]["low"] < far["cost"]["value"] < far["cost"]["high"]
    assert far["size_bytes"]["value"] > near["size_bytes"]["value"] == 0.0
    assert told["scenario"]["name"] == "minute"
    assert "Huang" in told["scenario"]["sources"]["wifi.tail_s"]
    assert near["digest"].startswith("sha256:")


@pytest.mark.wide
def test_equal_seeds_give_equal_figures_and_others_other_ones(desk: Path) -> None:
    once, again, other = _figures(desk), _figures(desk, "--seed", "1"), _figures(desk, "--seed", "2")
    assert once == again
    assert once["policies"] != other["policies"]


@pytest.mark.wide
def test_without_a_policy_the_one_that_is_built_in_runs(desk: Path) -> None:
    assert [row["policy"] for row in _figures(desk)["policies"]] == ["built-in"]


def test_a_scenario_that_ships_is_called_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "comuter-4g"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nearfar-policy: comuter-4g: No such file, nor a scenario that ships; did you mean")
    assert '"commuter-4g"' in told


@pytest.mark.parametrize(
    ("found", "replaced", "said"),
    [
        ('model = "phone-midrange"', 'model = "phone"', 'device.model: the catalogue has no device "phone"'),
        ("home.down", "office.down", 'there is no file "office.down" beside the scenario'),
        ('model = "vision"', 'model = "visions"', 'no model "visions"'),
    ],
)
def test_a_scenario_that_names_what_is_not_there_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str], found: str, replaced: str, said: str
) -> None:
    (desk / "minute.toml").write_text(SCENARIO.replace(found, replaced, 1), encoding="utf-8")
    assert _simulate(desk) == 1
    assert said in capsys.readouterr().err


def test_a_policy_that_speaks_of_a_target_which_the_scenario_lacks_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "near.toml").write_text(
        POLICY.format(name="near", mode="auto") + '[targets.hall]\nkind = "fog"\n', encoding="utf-8"
    )
    assert _simulate(desk, "--policy", str(desk / "near.toml")) == 1
    assert "hall" in capsys.readouterr().err


def test_a_policy_without_the_label_that_requests_bear_is_refused_as_the_agent_refuses_them(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ran, and its row was one of requests that an agent would not have answered."""
    (desk / "near.toml").write_text(
        POLICY.format(name="near", mode="auto") + '[labels]\npublik = ["device"]\n', encoding="utf-8"
    )
    assert _simulate(desk, "--policy", str(desk / "near.toml")) == 1
    said = 'policy near has no label "public", which requests of camera bear; did you mean "publik"?'
    assert said in capsys.readouterr().err


def test_the_built_in_policy_is_refused_as_others_are_where_it_lacks_a_label(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only policies out of files were looked at: without --policy all of it ran on the device, as if it were secret."""
    labelled = SCENARIO.replace("deadline_ms = 500", "deadline_ms = 500\nlabels = { ours = 1 }")
    (desk / "minute.toml").write_text(labelled, encoding="utf-8")
    assert _simulate(desk) == 1
    assert 'policy built-in has no label "ours"' in capsys.readouterr().err


@pytest.mark.parametrize("devices", [1, 3])
def test_where_no_request_comes_there_is_nothing_to_compare(
    desk: Path, capsys: pytest.CaptureFixture[str], devices: int
) -> None:
    """A fleet without requests printed a table of zeroes, and ended with 0."""
    nobody = SCENARIO.replace("per_s = 2", "per_s = 1e-9").replace("duration_s", f"devices = {devices}\nduration_s")
    (desk / "minute.toml").write_text(nobody, encoding="utf-8")
    assert _simulate(desk) == 1
    assert "no request comes in its" in capsys.readouterr().err


def test_two_policies_of_one_name_are_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["--policy", str(desk / "near.toml")] * 2
    assert _simulate(desk, *twice) == 1
    said = capsys.readouterr().err
    assert 'two of the policies are called "near v1"' in said
    assert "raise the version of one" in said


@pytest.mark.parametrize("seed", ["-1", "1.5", "many", str(1 << 63)])
def test_a_seed_that_is_none_is_told_so(desk: Path, seed: str) -> None:
    with pytest.raises(SystemExit) as ended:
        _simulate(desk, f"--seed={seed}")
    assert ended.value.code == 2


def test_whether_a_promise_was_kept_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "near.toml").write_text(
        POLICY.format(name="near", mode="auto") + "[promise]\nmax_loss = 0.05\n", encoding="utf-8"
    )
    told = _figures(desk, "--policy", str(desk / "near.toml"))["policies"][0]
    assert told["promise_broken"] is False
    assert told["max_loss"] == 0.05
    assert " kept " in capsys.readouterr().out


def test_a_fleet_s_policies_are_told_with_what_they_do_to_the_servers(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "minute.toml").write_text(SCENARIO.replace("duration_s", "devices = 3\nduration_s"), encoding="utf-8")
    told = _figures(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "far.toml"))
    near, far = told["fleets"]
    assert (near["devices"], sum(near["calls"]["cloud"])) == (3, 0)
    assert sum(far["calls"]["cloud"]) == far["outcomes"]["requests"]
    said = capsys.readouterr().out
    assert "requests of 3 devices in" in said
    assert "far: " in said and "calls to cloud" in said


@pytest.mark.parametrize("count", ["0", "-1", "two", "62", "1.5"])
def test_a_number_of_workers_that_cannot_be_is_refused(
    desk: Path, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _simulate(desk, "--workers", count)
    assert ended.value.code == 2
    assert "from 1 to 61" in capsys.readouterr().err


def test_a_run_with_one_worker_says_what_one_with_several_says(desk: Path) -> None:
    assert _figures(desk, "--workers", "1") == _figures(desk, "--workers", "2")


@pytest.mark.wide
def test_a_report_is_written_and_the_table_is_printed_all_the_same(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["--policy", str(desk / "near.toml"), "--html", str(desk / "near.html"), "--points", "2"]
    assert _simulate(desk, *told) == 0
    first = (desk / "near.html").read_text(encoding="utf-8")
    assert first.startswith("<!doctype html>")
    assert "minute" in first and "with 2 combinations" in first
    assert "always-device" in capsys.readouterr().out
    assert _simulate(desk, *told, "--workers", "1") == 0
    assert (desk / "near.html").read_text(encoding="utf-8") == first


def test_points_without_a_report_are_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _simulate(desk, "--points", "9") == 1
    assert "--points is for the report's sliders; give --html FILE as well" in capsys.readouterr().err


@pytest.mark.parametrize("points", ["-1", "2402", "some"])
def test_a_number_of_points_that_is_none_is_told_so(desk: Path, points: str) -> None:
    with pytest.raises(SystemExit) as ended:
        _simulate(desk, "--html", str(desk / "near.html"), f"--points={points}")
    assert ended.value.code == 2


def test_a_report_of_a_fleet_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "minute.toml").write_text(SCENARIO.replace("duration_s", "devices = 3\nduration_s"), encoding="utf-8")
    assert _simulate(desk, "--html", str(desk / "near.html")) == 1
    assert "--html is of one device; minute has 3" in capsys.readouterr().err


def test_of_many_requests_fewer_points_are_tried_and_it_is_told(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.report.study.MOST_UNASKED", 200)
    assert _simulate(desk, "--html", str(desk / "near.html")) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"report: [248] other weights in place of up to 81, for \d\d requests; --points 81 asks for more, and takes .*",
        said,
    )
    page = (desk / "near.html").read_text(encoding="utf-8")
    assert "There would be up to 81 if a run had fewer than " in page
    assert _simulate(desk, "--html", str(desk / "near.html"), "--points", "2") == 0
    assert "report:" not in capsys.readouterr().out
    assert "There would be up to" not in (desk / "near.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--html", "--json"])
@pytest.mark.parametrize("place", ["", "nowhere/near.html"])
def test_what_cannot_be_written_is_refused_before_anything_runs(
    desk: Path, capsys: pytest.CaptureFixture[str], option: str, place: str
) -> None:
    """Of figures it was told after all the runs, and instead of the table."""
    assert _simulate(desk, option, str(desk / place)) == 2
    told = capsys.readouterr()
    assert str(desk / Path(place).parts[0] if place else desk) in told.err
    assert told.out == ""


@pytest.mark.parametrize("option", ["--html", "--json"])
@pytest.mark.parametrize("name", ["minute.toml", "near.toml"])
def test_nothing_is_written_over_what_is_read(
    desk: Path, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    """A scenario that was named by mistake where the figures were to go was gone."""
    before = (desk / name).read_bytes()
    assert _simulate(desk, "--policy", str(desk / "near.toml"), option, str(desk / name)) == 2
    told = capsys.readouterr()
    assert (told.out, (desk / name).read_bytes()) == ("", before)
    assert f"{name}: is one of the files that are read; write to another one" in told.err


def test_a_budget_for_longer_than_the_scenario_lasts_is_told_with_what_of_it_can_be_used(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looked as if a policy kept its money back: a day's was held against a few hours."""
    budgets = "[budgets]\nmoney = { amount_usd = 1 }\nenergy = { amount_j = 10, per = 'hour' }\n"
    (desk / "near.toml").write_text(POLICY.format(name="near", mode="only_on_device") + budgets, encoding="utf-8")
    assert _simulate(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "far.toml")) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if ": its budget of " in line]
    assert said[0] == (
        "near: its budget of energy is for an hour, and the scenario lasts 20 s: about 0.6% of it is there to be used"
    )
    assert said[1].startswith("near: its budget of money is for a day, and the scenario lasts 20 s: about 0.02%")
    assert len(said) == 2


def test_what_of_a_budget_can_be_used_is_told_without_an_exponent(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It read: about 2e+01% of it is there to be used."""
    text = SCENARIO.replace("duration_s = 20", "duration_s = 612").replace("per_s = 2", "every_s = 300")
    (desk / "minute.toml").write_text(text, encoding="utf-8")
    budgets = "[budgets]\nenergy = { amount_j = 10, per = 'hour' }\n"
    (desk / "near.toml").write_text(POLICY.format(name="near", mode="only_on_device") + budgets, encoding="utf-8")
    assert _simulate(desk, "--policy", str(desk / "near.toml")) == 0
    assert "about 17% of it is there to be used" in capsys.readouterr().out


def test_of_a_few_requests_no_interval_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five requests are one block, of which every draw is the same: the table said ±0.0000, as if that were exact, the
    report "95 % interval: 0.1494 to 0.1494", and a promise of which one answer was lost was called broken."""
    text = SCENARIO.replace("per_s = 2", "every_s = 4")
    (desk / "minute.toml").write_text(text, encoding="utf-8")
    assert _simulate(desk, "--html", str(desk / "out.html"), "--points", "0") == 0
    said = capsys.readouterr().out
    assert "±0" not in said
    assert "Of so few requests no interval can be told: take a longer scenario." in said.splitlines()
    written = (desk / "out.html").read_text(encoding="utf-8")
    assert "per request (too few requests to tell an interval)." in written
    assert "95 % interval:" not in written


def test_two_versions_of_one_policy_are_told_apart_by_them(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tuned policy keeps its name, and could not be shown beside the one that it was made from."""
    later = POLICY.format(name="near", mode="only_in_cloud").replace("version = 1", "version = 2")
    (desk / "later.toml").write_text(later, encoding="utf-8")
    told = _figures(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "later.toml"))
    assert [row["policy"] for row in told["policies"]] == ["near v1", "near v2"]
    assert _simulate(desk, "--policy", str(desk / "near.toml"), "--policy", str(desk / "near.toml")) == 1
    assert 'two of the policies are called "near v1"' in capsys.readouterr().err
