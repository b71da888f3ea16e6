"""`nearfar-policy`: what it prints, its exit codes, and one line for each error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.choosing.engine import decide
from router.cli import main
from router.document import json_schema
from router.telling.record import from_json, to_json
from tests.router.situations import HEAD, policy_of, situation

LOW = '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 }, charging = false }\nforbid = ["cloud"]\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + LOW, encoding="utf-8")
    return path


def _called_wrongly(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert isinstance(exited.value.code, int)
    return exited.value.code


# -- check -------------------------------------------------------------------------------------------------------------


def test_check_says_what_would_be_in_force(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(policy)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{policy}: policy test version 1, 1 rule\n{policy_of(LOW).digest}\n"
    assert said.err == ""


def test_check_tells_the_exact_place_of_a_fault(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + LOW.replace("less_than", "lss_than"), encoding="utf-8")
    assert main(["check", str(policy)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f'nearfar-policy: {policy}: line 6: rules[0].when.battery_pct: unknown key "lss_than"; '
        'did you mean "less_than"?\n'
    )


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_check_warns_and_where_told_to_be_strict_refuses(
    policy: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int
) -> None:
    policy.write_text(HEAD + LOW.replace("20", "-1"), encoding="utf-8")
    assert main(["check", str(policy), *options]) == code
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        f"nearfar-policy: {policy}: warning: line 6: rules[0].when: battery_pct less than -1 can never hold: "
        "battery_pct is a number from 0 to 100"
    )


def test_check_strict_passes_what_has_no_warnings(policy: Path) -> None:
    assert main(["check", "--strict", str(policy)]) == 0


def test_a_fault_with_line_ends_in_it_is_one_line(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + '"a\\nb" = 1\n', encoding="utf-8")
    assert main(["check", str(policy)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_check_tells_every_fault_a_line_each(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + 'mode = "outo"\n' + LOW.replace("less_than", "lss_than"), encoding="utf-8")
    assert main(["check", str(policy)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"nearfar-policy: {policy}: line 4: mode: one of ")
    assert second.startswith(f"nearfar-policy: {policy}: line 7: rules[0].when.battery_pct: unknown key")


def test_check_as_json_has_faults_and_warnings_with_lines(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + LOW.replace("20", "-1"), encoding="utf-8")
    assert main(["check", "--json", str(policy)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["policy"] == {"name": "test", "version": 1, "digest": told["policy"]["digest"], "rules": ["low"]}
    assert [(warning["line"], warning["path"]) for warning in told["warnings"]] == [(6, "rules[0].when")]
    policy.write_text(HEAD + "x = 1\n", encoding="utf-8")
    assert main(["check", "--json", str(policy)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["policy"] is None
    assert [(fault["line"], fault["path"]) for fault in told["faults"]] == [(4, "")]
    assert told["faults"][0]["problem"].startswith('unknown key "x"')


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(
        'schema = 1\n[models.digits]\nrelease = "digits"\n[models.tiny]\nrelease = "tiny"\n'
        '[targets.cloud]\naddress = "127.0.0.1:1"\n'
        '[targets.attic]\nkind = "fog"\naddress = "127.0.0.1:2"\n',
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ('when = { model = "digits" }\nforbid = ["attic"]', None),
        (
            'when = { model = "digit" }\nforbid = ["cloud"]',
            'line 6: rules[0].when: unknown model "digit"; did you mean "digits"?',
        ),
        (
            'when = { not = { model = { one_of = ["digits", "x"] } } }\nforbid = ["cloud"]',
            'line 6: rules[0].when: unknown model "x"; known here: digits, tiny',
        ),
        (
            'when = {}\nforbid = ["cellar"]',
            'line 7: rules[0].forbid[0]: unknown target "cellar"; known here: attic, cloud, device, fog',
        ),
        (
            'when = { "rtt_ms.cellar" = 3 }\nmode = "auto"',
            'line 6: rules[0].when: unknown target "cellar" in "rtt_ms.cellar"',
        ),
    ],
)
def test_F9_check_for_an_agent_refuses_what_speaks_of_targets_and_models_that_it_does_not_have(
    policy: Path, agent: Path, capsys: pytest.CaptureFixture[str], rule: str, fault: str | None
) -> None:
    policy.write_text(f'{HEAD}[[rules]]\nname = "r"\n{rule}\n', encoding="utf-8")
    assert main(["check", str(policy), "--agent", str(agent)]) == (0 if fault is None else 1)
    said = capsys.readouterr().err
    assert said == "" if fault is None else said.startswith(f"nearfar-policy: {policy}: {fault}")


def test_check_for_an_agent_whose_configuration_is_wrong_says_so(
    policy: Path, agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.write_text("schema = 1\n", encoding="utf-8")
    assert main(["check", str(policy), "--agent", str(agent)]) == 1
    assert capsys.readouterr().err == f'nearfar-policy: {agent}: "models" is missing\n'


# -- schema ------------------------------------------------------------------------------------------------------------


def test_schema_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


# -- decide ------------------------------------------------------------------------------------------------------------


def test_decide_tells_the_story(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readings = ["--set", "battery_pct=10", "--set", "charging=false"]
    assert main(["decide", str(policy), *readings, "--label", "personal", "--deadline-ms", "200"]) == 0
    story = capsys.readouterr().out
    assert 'label "personal", 200 ms to its deadline' in story
    assert 'cloud is closed by rule: rule "low" forbids it' in story
    assert story.endswith("Plan: device.\n")


def _decided(capsys: pytest.CaptureFixture[str], policy: Path, *options: str) -> str:
    assert main(["decide", str(policy), "--json", *options]) == 0
    return from_json(capsys.readouterr().out).decision.choice


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        pytest.param([], "device", id="no label is the strictest"),
        pytest.param(["--label", "public"], "cloud", id="label"),
        pytest.param(["--label", "public", "--rtt-ms", "2000"], "device", id="rtt"),
        pytest.param(["--label", "public", "--deadline-ms", "20"], "device", id="deadline"),
        pytest.param(["--label", "public", "--upload-bytes", "1e8"], "device", id="upload"),
        pytest.param(["--label", "public", "--model", "tiny"], "device", id="model"),
        pytest.param(["--label", "public", "--set", "charging=false", "--set", "battery_pct=5"], "device", id="set"),
        pytest.param(
            ["--label", "public", "--set", "charging=false", "--set", "battery_pct=unknown"], "cloud", id="unknown"
        ),
        pytest.param(["--label", "public", "--set", "rtt_ms.cloud=900"], "device", id="round trip to one target"),
        pytest.param(["--label", "public", "--set", "link=cellular"], "device", id="text"),
        pytest.param(["--label", "public", "--set", "link=wifi"], "cloud", id="another text"),
    ],
)
def test_each_particular_of_the_situation_counts(
    policy: Path, capsys: pytest.CaptureFixture[str], options: list[str], choice: str
) -> None:
    rules = (
        '[[rules]]\nname = "tiny"\nwhen = { model = "tiny" }\nforbid = ["cloud"]\n'
        '[[rules]]\nname = "far"\nwhen = { "rtt_ms.cloud" = { at_least = 500 } }\nforbid = ["cloud"]\n'
        '[[rules]]\nname = "dear"\nwhen = { link = "cellular" }\nforbid = ["cloud"]\n'
    )
    policy.write_text(HEAD + LOW + rules, encoding="utf-8")
    assert _decided(capsys, policy, *options) == choice


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        pytest.param(["--set", "rtt_ms=5"], "cloud", id="a short way"),
        pytest.param(["--set", "rtt_ms=2000"], "device", id="a long way"),
        pytest.param(["--set", "rtt_ms.cloud=2000"], "device", id="a long way to the cloud"),
        pytest.param(["--set", "rtt_ms=unknown"], "cloud", id="nobody knows"),
        pytest.param(["--set", "up_mbps=0.001"], "device", id="a narrow way"),
        pytest.param(["--set", "up_mbps=0"], "device", id="no way"),
        pytest.param(["--set", "up_mbps.cloud=100"], "cloud", id="a wide way"),
        pytest.param(["--set", "queue_ms=3000"], "device", id="a queue"),
        pytest.param(["--rtt-ms", "2000", "--set", "rtt_ms=2000"], "device", id="the same twice"),
    ],
)
def test_what_is_set_of_the_network_is_what_the_cloud_s_time_comes_from(
    policy: Path, capsys: pytest.CaptureFixture[str], options: list[str], choice: str
) -> None:
    """Rules read it, and the prediction went by --rtt-ms alone, whatever --set said."""
    policy.write_text(HEAD, encoding="utf-8")
    assert _decided(capsys, policy, "--label", "public", *options) == choice


def test_two_round_trips_are_refused(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", str(policy), "--rtt-ms", "5", "--set", "rtt_ms.cloud=900"]) == 1
    assert "--rtt-ms and --set rtt_ms say two things" in capsys.readouterr().err


def test_decide_uses_the_policy_s_own_cloud(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + '[targets.frankfurt]\nkind = "cloud"\np_wrong = 0.01\n', encoding="utf-8")
    assert _decided(capsys, policy, "--label", "public") == "frankfurt"


@pytest.mark.parametrize(
    ("reading", "problem"),
    [
        ("battery_pct", "'battery_pct' is not SIGNAL=VALUE, such as battery_pct=10"),
        ("batery_pct=5", 'no signal is called "batery_pct"; did you mean "battery_pct"?'),
        ("battery_pct=500", "battery_pct is a number from 0 to 100, or unknown, not '500'"),
        ("battery_pct=nan", "battery_pct is a number from 0 to 100, or unknown, not 'nan'"),
        ("battery_pct=full", "battery_pct is a number from 0 to 100, or unknown, not 'full'"),
        ("charging=1", "charging is true, false or unknown, not '1'"),
        ("link=5g", "link is one of ethernet, wifi, cellular, none, or unknown, not '5g'"),
        ("battery_pct.cloud=5", 'no signal is called "battery_pct.cloud"'),
    ],
)
def test_a_reading_that_is_none_is_refused(
    policy: Path, capsys: pytest.CaptureFixture[str], reading: str, problem: str
) -> None:
    assert _called_wrongly("decide", str(policy), "--set", reading) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert said.count("\n") == 1


# -- explain -----------------------------------------------------------------------------------------------------------


def test_explain_tells_why_and_what_would_have_changed_it(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    situation = ["--set", "battery_pct=10", "--set", "charging=false", "--label", "public"]
    assert main(["explain", str(policy), *situation]) == 0
    story, _, changes = capsys.readouterr().out.partition("What would have changed it, each thing alone:\n")
    assert 'cloud is closed by rule: rule "low" forbids it' in story
    assert "  in the cloud, else device, if battery_pct were at least 20 % (it is 10 %)\n" in changes
    assert "  in the cloud, else device, if charging were true (it is false)\n" in changes


def test_explain_says_so_where_nothing_would_have_changed_it(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(HEAD + "[labels]\nnobody = []\n", encoding="utf-8")
    assert main(["explain", str(policy)]) == 0
    assert capsys.readouterr().out.endswith("each thing alone:\n  nothing that was tried\n")


def test_explain_as_json(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(policy), "--json", "--label", "public", "--set", "charging=false"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert from_json(json.dumps(told["decision"])).decision.choice == "cloud"
    (battery,) = [change for change in told["changes"] if change["name"] == "battery_pct"]
    assert (battery["now"], battery["unit"], battery["side"], battery["choice"]) == (None, "%", "is", "device")


def test_explain_decides_again_in_a_recorded_situation(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = tmp_path / "records.jsonl"
    made = [decide(policy_of(), situation(label=label)) for label in ("secret", "public")]
    records.write_text("\n".join(map(to_json, made)), encoding="utf-8")
    assert main(["explain", str(policy), "--record", str(records), "--line", "2"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Decided again: the record is of another policy, {policy_of().digest[:19]}.\n")
    assert 'Request r-1 for m: label "public"' in told
    assert '  on the device alone, if label were "secret" (it is "public")\n' in told


_WARM = to_json(decide(policy_of(), situation(readings={"battery_pct": "warm"})))
"""A word where a rule compares numbers: it ended in a traceback."""


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"{}\n", "1", "line 1: not a decision record of version"),
        (b"{}\n", "2", "there are 1 lines, and line 2 was asked for"),
        (b"\xff\n", "1", "line 1: not UTF-8"),
        (b"x" * 2_000_000, "1", "line 1: not a decision record: longer than"),
        (_WARM.encode(), "1", "line 1: cannot have been: battery_pct is a number from 0 to 100"),
    ],
)
def test_explain_refuses_what_is_no_record(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, line: str, problem: str
) -> None:
    records = tmp_path / "records.jsonl"
    records.write_bytes(content)
    assert main(["explain", str(policy), "--record", str(records), "--line", line]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"nearfar-policy: {records}: {problem}")
    assert said.count("\n") == 1


def test_no_terminal_obeys_what_a_message_quotes(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "\x1b[31mred")]) == 2
    assert main(["explain", str(policy), "--record", str(tmp_path / "\u202ered")]) == 2
    said = capsys.readouterr().err
    assert "\\x1b[31mred: No such file" in said and "\\u202ered: No such file" in said
    assert "\x1b" not in said and "\u202e" not in said


# -- diff --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.toml"
    path.write_text(
        HEAD.replace("version = 1", "version = 2")
        + LOW.replace("20", "30")
        + '[labels]\npublic = ["device", "cloud"]\n',
        encoding="utf-8",
    )
    return path


def test_diff_tells_looser_privacy_first_then_what_differs_and_what_comes_of_it(
    policy: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", str(policy), str(other)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "PRIVACY IS LOOSER: a request without a label may now be seen by cloud",
        "test version 1 -> test version 2",
    ]
    assert (
        "  rules.low.when: battery_pct less than 20 and charging equals false -> "
        "battery_pct less than 30 and charging equals false"
    ) in lines
    told = next(i for i, line in enumerate(lines) if "situations that were tried are decided otherwise" in line)
    assert int(lines[told].split()[0]) == sum(int(line.split()[0]) for line in lines[told + 1 :: 2]) > 0


def test_a_situation_that_diff_names_is_decided_otherwise_indeed(
    policy: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["diff", str(policy), str(other), "--json"])
    for moved in json.loads(capsys.readouterr().out)["decided_otherwise"]:
        options = moved["such_as"].split()
        assert _decided(capsys, policy, *options) != _decided(capsys, other, *options)


def test_diff_finds_the_situations_between_two_lines_that_rules_draw(
    policy: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other.write_text(HEAD + LOW.replace("20", "21"), encoding="utf-8")
    main(["diff", str(policy), str(other), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [(moved["from"], moved["to"]) for moved in told["decided_otherwise"]] == [
        ("in the cloud, else device", "on the device alone")
    ]
    assert "battery_pct=20" in told["decided_otherwise"][0]["such_as"]


@pytest.mark.parametrize(
    ("options", "code"),
    [([], 0), (["--exit-code"], 1), (["--refuse-looser"], 3), (["--exit-code", "--refuse-looser"], 3)],
)
def test_diff_can_end_with_a_code(policy: Path, other: Path, options: list[str], code: int) -> None:
    assert main(["diff", str(policy), str(other), *options]) == code
    assert main(["diff", str(policy), str(policy), *options]) == 0


def test_diff_of_what_means_the_same(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(policy), str(policy)]) == 0
    said = capsys.readouterr().out
    assert "no difference in what they mean" in said
    assert "\n0 of " in said


# -- called wrongly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["chekc"],
        ["check"],
        ["check", "p", "--strickt"],
        ["decide", "p", "--deadline-ms", "0"],
        ["decide", "p", "--deadline-ms", "soon"],
        ["decide", "p", "--rtt-ms", "nan"],
        ["explain", "p", "--line", "0"],
        ["replay", "p"],
    ],
    ids=" ".join,
)
def test_called_wrongly_it_says_so_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _called_wrongly(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("nearfar-policy")
    assert said.endswith("--help\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "decide", "diff", "explain"])
def test_a_file_that_is_not_there_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "nowhere.toml")
    assert main([command, path, *([path] if command == "diff" else [])]) == 2
    assert capsys.readouterr().err == f"nearfar-policy: {path}: No such file or directory\n"


@pytest.mark.parametrize("kind", ["scenario", "device", "radio", "server"])
def test_schema_prints_what_a_simulation_is_written_in(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--of", kind]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["title"] == f"nearfar {kind}"
    assert told["additionalProperties"] is False
    assert all(field["description"] for field in told["properties"].values())


def test_a_link_that_is_said_is_the_one_whose_energy_counts(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was read, and the energy told was that of the link which the policy assumes where nothing tells."""
    policy.write_text('schema = 1\nname = "p"\nversion = 1\nworth.joule = 0.1\n', encoding="utf-8")
    told = []
    for link in ("wifi", "cellular"):
        assert main(["decide", str(policy), "--label", "public", "--set", f"link={link}"]) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if "cloud, cost" in line])
    assert all(told) and told[0] != told[1]


@pytest.mark.parametrize("said", [["--label", "secret"], ["--set", "battery_pct=5"], ["--rtt-ms", "9"]])
def test_a_recorded_situation_and_an_imagined_one_do_not_mix(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], said: list[str]
) -> None:
    """What was said of it was ignored without a word."""
    records = tmp_path / "records.jsonl"
    records.write_text(to_json(decide(policy_of(), situation())) + "\n", encoding="utf-8")
    assert main(["explain", str(policy), "--record", str(records), *said]) == 1
    assert f"{said[0]} says something of an imagined situation" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["explain", "--line"], ["decide", "--deadline-ms"], ["decide", "--rtt-ms"]])
def test_a_word_where_a_number_is_wanted_is_told_in_words(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It was "an invalid _amount value", by the name of a function of ours."""
    command, name = option
    with pytest.raises(SystemExit) as exited:
        main([command, name, "ten", "policy.toml"])
    assert exited.value.code == 2
    said = capsys.readouterr().err
    assert f"argument {name}: ten is no" in said
    assert "number" in said


def test_the_command_says_which_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("nearfar ")
