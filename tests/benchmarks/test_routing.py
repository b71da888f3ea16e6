"""The routing benchmark on a short day: what it says of each rule, and that it holds together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.routing import main
from benchmarks.routing.days import day as load_day
from benchmarks.routing.days import names, recorded
from benchmarks.routing.measuring import COLUMNS, Day, contenders, measure, runs
from benchmarks.routing.table import ranked, summary_lines
from tests.router.cli.test_simulate import POLICY, SCENARIO


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("day")
    (folder / "minute.toml").write_text(SCENARIO, encoding="utf-8")
    (folder / "home.down").write_text("1\n2\n2\n3\n", encoding="utf-8")
    (folder / "mine.toml").write_text(POLICY.format(name="mine", mode="only_on_device"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def day(folder: Path) -> Day:
    seen: list[str] = []
    (found,) = measure([str(folder / "minute.toml")], [1, 2], [folder / "mine.toml"], seen.append)
    assert len(seen) == runs([str(folder / "minute.toml")], 2, [folder / "mine.toml"])
    return found


@pytest.mark.wide
def test_all_that_run_are_told_and_once_each(day: Day, folder: Path) -> None:
    shown = [row.name for row in day.rows]
    assert len(shown) == len(set(shown))
    expected = {name for name, kind in contenders(day.name, [folder / "mine.toml"]).items() if kind != "threshold"}
    assert expected < set(shown)
    kinds = {row.kind for row in day.rows}
    assert kinds == {"nearfar", "given", "peer", "baseline", "oracle", "bound"}


@pytest.mark.wide
def test_scores_count_from_the_best_fixed_choice_to_the_bound_and_only_who_knows_more_is_above_it(day: Day) -> None:
    scores = {row.name: row.score for row in day.rows}
    fixed = [score for name, score in scores.items() if name.startswith(("always-", "best ", "cascade-"))]
    assert max(score for score in fixed if score is not None) == pytest.approx(0.0)
    assert scores["bound"] == pytest.approx(1.0)
    for row in day.rows:
        assert row.score is not None
        if row.kind not in ("oracle", "bound"):
            assert row.score <= 1.0
    known = scores["bound that knows who is right"]
    assert known is not None and known > 1.0
    assert scores["oracle"] is not None and scores["oracle"] <= known


def test_what_does_the_same_comes_to_the_same(day: Day, folder: Path) -> None:
    by_name = {row.name: row.figures for row in day.rows}
    assert by_name[str(folder / "mine.toml")] == by_name["always-device"] == by_name["firebase-only-on-device"]
    assert by_name["sedna-ibt"]["accuracy_loss"].value < by_name["always-device"]["accuracy_loss"].value


def test_figures_have_intervals(day: Day) -> None:
    for row in day.rows:
        assert set(row.figures) == (set(COLUMNS) if row.kind != "bound" else {"cost"})
    random = next(row for row in day.rows if row.name == "random")
    assert random.figures["cost"].low < random.figures["cost"].value < random.figures["cost"].high


def test_rules_are_ranked_by_their_median(day: Day) -> None:
    rules = ranked([day])
    medians = [rule.scores[0] for rule in rules]
    assert medians == sorted(medians, reverse=True)
    by_name = {row.name: row for row in day.rows}
    assert all(rule.means["cost"] == by_name[rule.name].figures["cost"].value for rule in rules if rule.kind == "peer")
    assert any("best fixed threshold" in line for line in summary_lines([day]))


@pytest.mark.wide
def test_one_command_prints_writes_and_draws(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written: Any
    drawn, figures = folder / "out.svg", folder / "out.json"
    given = [str(folder / "minute.toml"), "--workers", "1", "--json", str(figures), "--svg", str(drawn)]
    assert main(given) == 0
    told = capsys.readouterr()
    assert "scores, days: 1; 0 is the best" in told.out
    assert told.err == ""
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert {rule["name"] for rule in written[0]["rules"]} >= {"nearfar", "xybrid", "bound"}
    picture = ElementTree.fromstring(drawn.read_text(encoding="utf-8"))
    labels = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"nearfar", "sedna-cross-entropy", "bound"} <= labels


def test_days_are_those_that_ship_without_recorded_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEARFAR_DATA", raising=False)
    found = names()
    assert "commuter-4g" in found
    assert "stampede" not in found, "a fleet is another question"


@pytest.mark.parametrize("arguments", [["nowhere"], ["--seeds", "0"]])
def test_what_there_is_not_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "python -m benchmarks.routing: error" in capsys.readouterr().err


@pytest.mark.data
def test_every_recorded_link_is_a_day() -> None:
    found = recorded()
    assert len(found) >= 9
    for name in found:
        assert len(load_day(name).setting.servers) == 1
