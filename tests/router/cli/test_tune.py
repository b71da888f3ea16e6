"""`nearfar-policy tune`: what it writes, when it writes nothing, and how it goes on where it was interrupted."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path

import pytest

from router.cli import main
from router.cli.searching import Journal
from router.rules.compile import compile_policy

pytestmark = pytest.mark.wide  # each runs whole simulations

SCENARIO = """\
schema = 1
name = "{name}"
duration_s = 60

[device]
model = "phone-midrange"

[links.home]
radio = "{radio}"
up = {{ table = "{trace}" }}
down = 40
rtt_ms = 20

[targets.cloud]
server = "cpu-16"
rtt_ms = {rtt}
usd_per_request = 0.0002

[models.vision]
device_ms = 20
service_ms = {{ cloud = 20 }}
upload_bytes = 20000
answers = {{ accuracy = {{ device = 0.7, cloud = 0.95 }} }}

[[workload]]
name = "camera"
model = "vision"
deadline_ms = 600
labels = {{ public = 0.8, secret = 0.2 }}
arrivals = {{ per_s = 2 }}
"""
# It asks for far too little: every answer that is not sure is worth a call, and not every request is.
START = """\
# Ours: see the wiki.
schema = 1
name = "shop"
version = 7
mode = "auto"

[escalation]
below = 0.05     # hardly ever

[targets.cloud]
usd_per_request = 0.0002

[worth]          # in wrong answers
second = 0.3
dollar = 1000.0
"""
ONLY = "escalation.below,worth.second,backup"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "pace.csv").write_text("".join(f"{at},{8 + at % 7}\n" for at in range(60)), encoding="utf-8")
    for name, rtt in (("street", 30), ("park", 45)):
        text = SCENARIO.format(name=name, radio="wifi", trace="pace.csv", rtt=rtt)
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    (tmp_path / "start.toml").write_text(START, encoding="utf-8")
    return tmp_path


def _tune(desk: Path, *arguments: str, output: str = "tuned.toml", evaluations: int = 9) -> int:
    given = ["--policy", str(desk / "start.toml"), "-o", str(desk / output), "--evaluations", str(evaluations)]
    first = [] if arguments and not arguments[0].startswith("-") else [str(desk / "street.toml")]
    return main(["tune", *first, *arguments, *given, "--workers", "1"])


def test_a_better_policy_is_written_with_what_each_number_was_and_gains(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _tune(desk, "--only", ONLY) == 0
    told = capsys.readouterr()
    written = (desk / "tuned.toml").read_text(encoding="utf-8")
    policy = compile_policy(written.encode())
    assert (policy.name, policy.version) == ("shop", 8)
    assert "# Ours: see the wiki." in written
    assert "# hardly ever" in written
    words = " ".join(line.removeprefix("# tuned:").strip() for line in written.splitlines())
    assert re.search(r"was 0\.\d+; chosen for cost: held out 0\.\d+ less .*, in training 0\.\d+ less", words)
    assert "# tuned: looked at: first 60% of street; held out: the rest; seed 1" in written
    assert "# tuned: score in street, held out: " in written
    assert "could be learnt, at most; no policy could know the other " in told.out
    assert "# tuned: above the bound are 0." in written
    assert "wrote " in told.out and "version 8" in told.out
    assert told.err == ""
    assert not (desk / "tuned.toml.journal").exists()
    before, after = tomllib.loads(START), tomllib.loads(written)
    assert {key for key in after if after[key] != before.get(key)} <= {"version", "escalation", "worth", "backup"}


@pytest.mark.wide
def test_a_fixed_seed_writes_the_same_file_byte_for_byte(desk: Path) -> None:
    assert _tune(desk, "--only", ONLY, output="one.toml") == _tune(desk, "--only", ONLY, output="other.toml") == 0
    assert (desk / "one.toml").read_bytes() == (desk / "other.toml").read_bytes()


@pytest.mark.wide
def test_the_number_of_workers_changes_nothing(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _tune(desk, "--only", ONLY, output="one.toml") == 0
    given = ["--policy", str(desk / "start.toml"), "-o", str(desk / "many.toml"), "--evaluations", "9"]
    monkeypatch.setattr("router.cli.workers._WORTH_S", 0.0)
    assert main(["tune", str(desk / "street.toml"), "--only", ONLY, *given, "--workers", "3"]) == 0
    assert (desk / "one.toml").read_bytes() == (desk / "many.toml").read_bytes()


@pytest.mark.wide
def test_a_scenario_of_its_own_decides_where_one_is_held_out(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _tune(desk, "--only", ONLY, "--held-out", str(desk / "park.toml")) == 0
    told = capsys.readouterr().out
    assert "looked at: street; held out: park; seed 1" in told
    assert "score in park, held out: " in told
    assert "weak:" not in told


def test_a_stretch_that_is_the_same_again_is_called_weak(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (desk / "street.toml").read_text(encoding="utf-8").replace('{ table = "pace.csv" }', "9")
    (desk / "street.toml").write_text(text, encoding="utf-8")
    _tune(desk, "--only", ONLY, evaluations=3)
    assert "weak: the rest of street is the same again but for chance" in capsys.readouterr().out


def test_where_nothing_is_better_nothing_is_written(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _tune(desk, "--only", "retry.max_ms") == 3
    told = capsys.readouterr().out
    assert "no change is better where the search looked" in told
    assert "start.toml stays as it is; nothing was written" in told
    assert not (desk / "tuned.toml").exists()


def test_a_constraint_that_nothing_can_hold_is_told_with_how_near_one_can_come(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _tune(desk, "--only", ONLY, "--subject-to", "wrong<=0.01", "--subject-to", "misses<=0.5") == 4
    told = capsys.readouterr().out
    assert "wrong<=0.01 cannot be held in street, first 60%: the nearest of " in told
    assert "misses" not in told
    assert not (desk / "tuned.toml").exists()


@pytest.mark.wide
def test_a_constraint_is_held_where_it_can_be(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # It waits for nobody, and so keeps what is wrong.
    (desk / "start.toml").write_text(START.replace("second = 0.3", "second = 3.0"), encoding="utf-8")
    assert _tune(desk, "--only", ONLY, "--objective", "wrong", "--subject-to", "escalations<=0.5") == 0
    assert "wrong, subject to escalations<=0.5" in (desk / "tuned.toml").read_text(encoding="utf-8")


@pytest.mark.wide
def test_privacy_promises_and_rules_stay_as_they_are(desk: Path) -> None:
    body = '\n[labels]\npublic = ["device", "cloud"]\nsecret = ["device"]\n\n[promise]\nmax_loss = 0.1\n'
    rule = '\n[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 15 } }\nmode = "only_on_device"\n'
    (desk / "start.toml").write_text(START + body + rule, encoding="utf-8")
    assert _tune(desk, evaluations=30) in (0, 3)
    if (desk / "tuned.toml").exists():
        before, after = tomllib.loads(START + body + rule), tomllib.loads((desk / "tuned.toml").read_text())
        for untouched in ("name", "mode", "labels", "promise", "rules"):
            assert after[untouched] == before[untouched]


@pytest.mark.wide
def test_what_could_not_be_put_in_force_is_not_written(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no version after the last one."""
    (desk / "start.toml").write_text(START.replace("version = 7", f"version = {2**53}"), encoding="utf-8")
    assert _tune(desk, "--only", ONLY) == 1
    assert "tuned.toml: line " in capsys.readouterr().err
    assert not (desk / "tuned.toml").exists()


@pytest.mark.wide
def test_line_ends_of_another_system_are_kept(desk: Path) -> None:
    (desk / "start.toml").write_bytes(START.replace("\n", "\r\n").encode())
    assert _tune(desk, "--only", ONLY) == 0
    written = (desk / "tuned.toml").read_bytes()
    assert written.count(b"\r\n") == written.count(b"\n")


# -- interrupted -------------------------------------------------------------------------------------------------------


def _interrupted_after(lines: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have Ctrl-C pressed once so many runs are written down; returns those that are made."""
    made: list[str] = []
    add = Journal.add

    def adding(self: Journal, part: str, point: object, blocks: object) -> None:
        if len(made) >= lines:
            raise KeyboardInterrupt
        made.append(f"{part}{point}")
        add(self, part, point, blocks)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Journal, "add", adding)
    return made


@pytest.mark.wide
def test_what_was_interrupted_goes_on_and_comes_to_the_same(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _tune(desk, "--only", ONLY, output="whole.toml") == 0
    with monkeypatch.context() as pressed:
        first = _interrupted_after(5, pressed)
        assert _tune(desk, "--only", ONLY) == 130
    told = capsys.readouterr().err
    assert "interrupted; the same command goes on from " in told and "tuned.toml.journal" in told
    journal = desk / "tuned.toml.journal"
    with journal.open("ab") as file:
        file.write(b'{"part": "street, first 60%", "point": "{\\"a')  # what was being written when the plug was pulled
    with monkeypatch.context() as counted:
        second = _interrupted_after(1000, counted)
        assert _tune(desk, "--only", ONLY) == 0
    assert not set(first) & set(second), "something was run twice"
    assert (desk / "whole.toml").read_bytes() == (desk / "tuned.toml").read_bytes()
    assert not journal.exists()


@pytest.mark.wide
@pytest.mark.parametrize(
    ("changed", "differ"),
    [
        (["--seed", "3"], "seed"),
        (["--objective", "energy"], "objective"),
        (["--only", "worth"], "knobs"),
        (["--evaluations", "13"], "evaluations"),
    ],
)
def test_the_journal_of_another_search_is_refused(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changed: list[str], differ: str
) -> None:
    with monkeypatch.context() as pressed:
        _interrupted_after(2, pressed)
        assert _tune(desk, "--only", ONLY) == 130
    kept = (desk / "tuned.toml.journal").read_bytes()
    given = ["--policy", str(desk / "start.toml"), "-o", str(desk / "tuned.toml"), "--evaluations", "9"]
    only = [] if differ == "knobs" else ["--only", ONLY]
    assert main(["tune", str(desk / "street.toml"), *given, *only, *changed, "--workers", "1"]) == 1
    told = capsys.readouterr().err
    assert "tuned.toml.journal: it is the journal of another search: " in told
    assert differ in told
    assert (desk / "tuned.toml.journal").read_bytes() == kept


def test_a_trace_that_has_changed_since_is_another_search(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as pressed:
        _interrupted_after(2, pressed)
        assert _tune(desk, "--only", ONLY) == 130
    (desk / "pace.csv").write_text("0,5\n10,6\n", encoding="utf-8")
    assert _tune(desk, "--only", ONLY) == 1
    assert "another search: scenarios, held out differ" in capsys.readouterr().err


def test_a_damaged_journal_is_told_and_not_gone_on_with(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "tuned.toml.journal").write_text("{}\n", encoding="utf-8")
    assert _tune(desk, "--only", ONLY) == 1
    assert "it is no journal of a search" in capsys.readouterr().err


# -- called wrongly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--objective", "latncy"], 'there is no measure "latncy"; did you mean "latency"?'),
        (["--subject-to", "mises<=0.1"], 'did you mean "misses"?'),
        (["--subject-to", "misses=0.1"], "is no limit"),
        (["--only", "escalaton"], 'there is no knob "escalaton"; did you mean "escalation"?'),
        (["--only", "promise"], "promise is never tuned"),
        (["--evaluations", "0"], "0 is not a whole number from 1 to 5000"),
        (["--seed", "-1"], "-1"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_runs(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        _tune(desk, *arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_scenario_that_is_not_there_or_names_what_is_not_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _tune(desk, "comuter-4g") == 2
    assert 'did you mean "commuter-4g"?' in capsys.readouterr().err
    (desk / "pace.csv").unlink()
    assert _tune(desk) == 1
    assert 'links.home.up.table: there is no file "pace.csv" beside the scenario' in capsys.readouterr().err


def test_a_scenario_of_many_devices_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _tune(desk, "stampede") == 1
    assert "tune looks at one" in capsys.readouterr().err


def test_a_scenario_in_which_nothing_is_asked_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (desk / "street.toml").read_text(encoding="utf-8").replace("per_s = 2", "per_s = 0")
    (desk / "street.toml").write_text(text, encoding="utf-8")
    assert _tune(desk) == 1
    assert "street, first 60%: 0 requests come in its 36 s; with fewer than 40" in capsys.readouterr().err


def test_what_is_held_out_has_to_be_another_scenario(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _tune(desk, "--held-out", str(desk / "street.toml")) == 1
    assert 'two of the scenarios are called "street"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "replaced", "said"),
    [
        ('mode = "auto"', 'mode = "atuo"', "start.toml: line 5: mode: one of"),
        ("[escalation]", '[targets.hall]\nkind = "fog"\n[escalation]', "hall"),
        ("[escalation]", '[labels]\npublik = ["device"]\n[escalation]', 'has no label "public"'),
    ],
)
def test_a_start_that_is_no_policy_here_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str], found: str, replaced: str, said: str
) -> None:
    (desk / "start.toml").write_text(START.replace(found, replaced), encoding="utf-8")
    assert _tune(desk) == 1
    assert said in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _tune(desk, output="nowhere/tuned.toml") == 2
    assert "nowhere/tuned.toml: No such file or directory" in capsys.readouterr().err
    (desk / "folder").mkdir()
    assert _tune(desk, output="folder") == 2
    assert "folder: Is a directory" in capsys.readouterr().err
    assert _tune(desk, output="start.toml") == 2
    assert "is one of the files that are read; write to another one" in capsys.readouterr().err
    assert (desk / "start.toml").read_text(encoding="utf-8") == START
    assert list(desk.glob("*.journal")) == []


def test_all_of_it_can_be_read_back(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the journal is a document of its own."""
    with monkeypatch.context() as pressed:
        _interrupted_after(3, pressed)
        assert _tune(desk, "--only", ONLY) == 130
    lines = (desk / "tuned.toml.journal").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert json.loads(lines[0])["nearfar_tune"] == 1
    assert {json.loads(line)["part"] for line in lines[1:]} == {"street, first 60%"}


def test_a_bar_on_a_terminal_never_goes_beyond_its_end(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert _tune(desk, "--only", ONLY) == 0
    counted = [(int(done), int(of)) for done, of in re.findall(r"\] (\d+) of (\d+): ", terminal.getvalue())]
    assert len({of for _, of in counted}) == 2, "a bar for searching and one for deciding"
    assert all(done < of for done, of in counted)
    deciding = [(done, of) for done, of in counted if of != counted[0][1]]
    assert deciding[-1][0] == deciding[-1][1] - 1, "and it gets there"
    assert terminal.getvalue().endswith("\r\x1b[K")
