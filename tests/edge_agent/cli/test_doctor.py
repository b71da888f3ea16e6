from __future__ import annotations

import socket
from pathlib import Path

import grpc
import pytest
import trustme

from edge_agent.testing import CloudModel, FakeCloud
from nearfar_wire.digest import digest_of
from router.types import SIGNALS
from tests.builders.agents import SMALL, policy_text
from tests.builders.clouds import running_cloud
from tests.builders.repositories import write_repository
from tests.edge_agent.cli.conftest import FULL_MODEL, Desk, Ran, Run, target

pytestmark = pytest.mark.wide

_SAVING = policy_text(
    more="""
[[rules]]
name = "save-battery"
when = { battery_pct = { less_than = 20 }, charging = false }
mode = "only_on_device"
""",
    mode="prefer_in_cloud",
)


def _closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


# -- what it lists -----------------------------------------------------------------------------------------------------


def test_every_signal_has_value_source_age_and_cost(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        ran = run("doctor", "--config", desk.config(target(cloud)), "--json")
    signals = {signal["name"]: signal for signal in ran.json["signals"]}
    of_targets = {name for name, described in SIGNALS.items() if described.per_target}
    assert set(signals) >= {*SIGNALS} - of_targets | {"rtt_ms", "rtt_ms.cloud"}
    for name in ("memory_free_mb", "cpu_load", "rtt_ms.cloud"):
        assert signals[name]["fresh"], name
        assert signals[name]["source"]
        assert signals[name]["age_s"] >= 0
        assert signals[name]["cost_s"] > 0


def test_a_target_that_answers_is_measured_and_its_models_are_ready(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        ran = run("doctor", "--config", desk.config(target(cloud)), "--json")
    (found,) = ran.json["targets"]
    assert (found["name"], found["kind"], found["endpoint"]) == ("cloud", "cloud", cloud.address)
    assert (found["transport"], found["breaker"], found["problem"]) == ("plaintext", "closed", None)
    assert 0 < found["rtt_ms"] < 1000
    (served,) = ran.json["models"][0]["served"]
    assert (served["model"], served["version"], served["problem"]) == ("tiny", "1", None)
    assert cloud.calls["ModelInfer"] == 0, "it makes no request"


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        pytest.param({}, "MODEL_NOT_FOUND", id="not there"),
        pytest.param({"tiny": CloudModel({}, version="2")}, "MODEL_NOT_FOUND", id="another version"),
        pytest.param({"tiny": CloudModel({}, ready=False)}, "MODEL_NOT_READY", id="not ready"),
    ],
)
def test_a_model_that_a_target_cannot_answer_for_is_told(
    run: Run, desk: Desk, models: dict[str, CloudModel], problem: str
) -> None:
    with FakeCloud(models) as cloud:
        ran = run("doctor", "--config", desk.config(target(cloud)), "--json")
    assert ran.json["models"][0]["served"][0]["problem"] == problem
    assert ran.code == 0, "the device answers"


def test_a_cloud_with_another_model_is_found_out_before_its_answers_are_refused(
    run: Run, desk: Desk, tmp_path: Path
) -> None:
    models = write_repository(tmp_path / "models", {"tiny": SMALL})
    with running_cloud(models) as cloud:
        targets = f'[targets.cloud]\naddress = "{cloud.target}"\n'
        ran = run("doctor", "--config", desk.config(targets), "--json")
        words = run("doctor", "--config", desk.config(targets))
    (served,) = ran.json["models"][0]["served"]
    assert served["problem"] == "BAD_RESPONSE"
    assert served["digest"] == digest_of(SMALL)
    assert served["wanted_digest"] not in (None, served["digest"])
    assert "but this release was made with" in words.out


def test_the_device_model_is_told_with_digest_and_provider(run: Run, desk: Desk) -> None:
    (model,) = run("doctor", "--config", desk.config(), "--json").json["models"]
    assert (model["name"], model["version"], model["why_not"]) == ("tiny", 7, "")
    assert model["provider"] == "CPUExecutionProvider"
    assert model["device_digest"].startswith("sha256:")


def test_why_another_provider_runs_a_model_is_told(run: Run, desk: Desk) -> None:
    wanted = '[device]\nproviders = ["NoSuchExecutionProvider", "CPUExecutionProvider"]\n'
    (model,) = run("doctor", "--config", desk.config(wanted), "--json").json["models"]
    assert model["provider"] == "CPUExecutionProvider"
    why = "not on NoSuchExecutionProvider: this machine offers CPUExecutionProvider"
    assert model["why_provider"] == why
    lines = run("doctor", "--config", desk.config(wanted)).out.splitlines()
    runs = next(place for place, line in enumerate(lines) if "runs it on CPUExecutionProvider" in line)
    assert lines[runs + 1].strip() == why


def test_the_policy_is_told_with_digest_and_warnings(run: Run, desk: Desk) -> None:
    dead = '\n[[rules]]\nname = "dead"\nwhen = { battery_pct = { greater_than = 100 } }\nforbid = ["cloud"]\n'
    config = desk.config(policy=policy_text(more=dead))
    policy = run("doctor", "--config", config, "--json").json["policy"]
    assert (policy["name"], policy["version"], policy["problem"]) == ("test", 1, None)
    assert policy["digest"].startswith("sha256:")
    assert [warning["path"] for warning in policy["warnings"]] == ["rules[0].when"]
    assert "warning: rules[0].when: " in run("doctor", "--config", config).out


# -- what is wrong with a target ---------------------------------------------------------------------------------------


def _tls(authority: trustme.CA) -> grpc.ServerCredentials:
    certificate = authority.issue_cert("127.0.0.1")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    return grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])


def _problem(ran: Ran) -> str:
    (found,) = ran.json["targets"]
    return str(found["problem"])


def test_a_target_that_is_not_there_is_unavailable_and_the_device_still_answers(run: Run, desk: Desk) -> None:
    ran = run("doctor", "--config", desk.config(f'[targets.cloud]\naddress = "{_closed_port()}"'), "--json")
    assert _problem(ran) == "UNAVAILABLE"
    assert ran.json["models"][0]["served"][0]["problem"] == "UNAVAILABLE"
    assert ran.code == 0


def test_a_target_that_cannot_prove_who_it_is_is_a_security_error(run: Run, desk: Desk) -> None:
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(desk.home.root / "ca.pem")
    with FakeCloud({"tiny": FULL_MODEL}, credentials=_tls(trustme.CA())) as cloud:
        ran = run("doctor", "--config", desk.config(target(cloud, more='tls = { ca = "ca.pem" }')), "--json")
    assert _problem(ran) == "SECURITY_ERROR"
    assert "certificates" in ran.json["targets"][0]["detail"]


def test_a_target_that_proves_who_it_is_is_reached_over_tls(run: Run, desk: Desk) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(desk.home.root / "ca.pem")
    with FakeCloud({"tiny": FULL_MODEL}, credentials=_tls(authority)) as cloud:
        ran = run("doctor", "--config", desk.config(target(cloud, more='tls = { ca = "ca.pem" }')), "--json")
    (found,) = ran.json["targets"]
    assert (found["transport"], found["problem"]) == ("TLS", None)


# -- whether all is well -----------------------------------------------------------------------------------------------


def test_a_model_that_nobody_can_answer_for_is_exit_code_1(run: Run, desk: Desk) -> None:
    desk.home.release(promised="sha256:" + "0" * 64)
    ran = run("doctor", "--config", desk.config(f'[targets.cloud]\naddress = "{_closed_port()}"'))
    assert ran.code == 1
    assert "device  cannot run it: " in ran.out
    assert "no target can answer for it now" in ran.out


def test_a_target_that_works_and_that_no_label_may_reach_answers_for_nothing(run: Run, desk: Desk) -> None:
    desk.home.release(model=None)
    closed = policy_text(more='[labels]\nsecret = ["device"]\n')
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        assert run("doctor", "--config", desk.config(target(cloud), policy=closed)).code == 1
        assert run("doctor", "--config", desk.config(target(cloud), policy=policy_text())).code == 0


def test_with_a_label_it_is_well_if_such_requests_are_answered(run: Run, desk: Desk) -> None:
    desk.home.release(model=None)
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = desk.config(target(cloud))
        assert run("doctor", "--config", config, "--label", "public").code == 0
        assert run("doctor", "--config", config, "--label", "secret").code == 1


# -- what a request would do -------------------------------------------------------------------------------------------


def test_injected_values_stand_beside_the_decision_as_it_is(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = desk.config(target(cloud), policy=_SAVING)
        injected = ("--set", "battery_pct=5", "--set", "charging=false")
        ran = run("doctor", "--config", config, *injected)
        document = run("doctor", "--config", config, *injected, "--json").json
    assert ran.out.splitlines()[-1] == "  The decision changes."
    assert "What it would do with battery_pct = 5, charging = false" in ran.out
    assert document["now"]["plan"].startswith("cloud, else device")
    what_if = document["what_if"]
    assert (what_if["given"], what_if["changes"], what_if["then"]["plan"]) == (True, True, "device")
    assert what_if["then"]["record"]["decision"]["rules"] == ["save-battery"]


def test_injected_values_that_change_nothing_are_told_to_change_nothing(run: Run, desk: Desk) -> None:
    ran = run("doctor", "--config", desk.config(), "--set", "battery_pct=5")
    assert ran.out.splitlines()[-1] == "  The decision stays as it is."


def test_without_values_it_finds_some_that_change_the_decision(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        what_if = run("doctor", "--config", desk.config(target(cloud), policy=_SAVING), "--json").json["what_if"]
    assert what_if["values"] == {"battery_pct": 10.0, "charging": False}
    assert (what_if["given"], what_if["changes"]) == (False, True)


def test_it_tells_what_would_change_the_decision_each_thing_alone(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = desk.config(target(cloud), policy=_SAVING)
        text = run("doctor", "--config", config).out
        nearest = run("doctor", "--config", config, "--json").json["nearest"]
    _, _, told = text.partition("What would change it, each thing alone\n")
    assert '  on the device alone, if breaker.cloud were "open" (it is "closed")\n' in told
    (breaker,) = [change for change in nearest if change["name"] == "breaker.cloud"]
    assert (breaker["side"], breaker["at"], breaker["choice"]) == ("is", "open", "device")


def test_a_slow_round_trip_changes_a_decision_that_weighs(run: Run, desk: Desk) -> None:
    """Under the built-in policy no rule speaks of a signal; the time to answer is weighed all the same."""
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        what_if = run("doctor", "--config", desk.config(target(cloud)), "--json").json["what_if"]
    assert what_if["values"] == {"rtt_ms": 5000.0, "rtt_ms.cloud": 5000.0}
    assert what_if["changes"]


def test_where_no_value_changes_the_decision_it_says_so(run: Run, desk: Desk) -> None:
    ran = run("doctor", "--config", desk.config())
    assert "as with every other value that was tried" in ran.out.splitlines()[-1]


def test_the_request_is_for_the_model_and_label_that_were_named(run: Run, desk: Desk) -> None:
    desk.home.release("other")
    ran = run("doctor", "--config", desk.config(), "--model", "other", "--label", "secret")
    assert 'for other: label "secret"' in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("--model", "tinny"), 'did you mean "tiny"', id="an unknown model"),
        pytest.param(("--label", "publik"), 'did you mean "public"', id="an unknown label"),
        pytest.param(("--set", "batery_pct=5"), 'did you mean "battery_pct"', id="an unknown signal"),
    ],
)
def test_what_it_does_not_know_is_exit_code_2_and_one_line(
    run: Run, desk: Desk, arguments: tuple[str, ...], problem: str
) -> None:
    ran = run("doctor", "--config", desk.config(), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert ran.err.count("\n") == 1


def test_the_text_is_plain_and_its_columns_line_up(run: Run, desk: Desk, tmp_path: Path) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        text = run("doctor", "--config", desk.config(target(cloud))).out
    assert "\x1b" not in text
    lines = text.splitlines()
    signals = lines[lines.index("Signals") + 1 : lines.index("Targets") - 1]
    assert len(signals) > 10
    rows = {line.split()[0]: line for line in signals}
    assert "ethernet, wifi, cellular, none" in rows["link"]
    assert "0 to 100" in rows["battery_pct"]
    assert rows["metered"].rstrip().endswith("nothing here tells it")
    column = signals[0].index("source")
    assert all(line[column - 1] == " " and line[column] != " " for line in signals)


def test_budgets_that_were_not_remembered_are_told(run: Run, desk: Desk) -> None:
    config = desk.config(policy=policy_text(more="[budgets.bytes]\namount_mb = 1.0\n"))
    config.write_text('state = "state"\n' + config.read_text("utf-8"), "utf-8")
    (config.parent / "state").mkdir()
    (config.parent / "state" / "budgets.json").write_text("no budgets", "utf-8")
    assert "budgets were begun anew" in run("doctor", "--config", config).out


# -- a policy that only looks on ---------------------------------------------------------------------------------------


def _with_shadow(desk: Desk, cloud: FakeCloud, text: str) -> Path:
    config = desk.config(target(cloud), policy=policy_text("only_on_device"))
    (config.parent / "policy-next.toml").write_text(text, encoding="utf-8")
    config.write_text('shadow_policy = "policy-next.toml"\n' + config.read_text("utf-8"), encoding="utf-8")
    return config


def test_a_shadow_is_named_with_what_it_would_do_and_what_it_cannot_see(run: Run, desk: Desk) -> None:
    text = policy_text("prefer_in_cloud", version=3, name="next", more="[hysteresis]\ndwell_s = 5.0\n")
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = _with_shadow(desk, cloud, text)
        ran, told = run("doctor", "--config", config), run("doctor", "--config", config, "--json").json["shadow"]
    assert ran.code == 0
    assert "Shadow policy next, version 3, sha256:" in ran.out
    assert "  not seen: hysteresis: the policy in force has none" in ran.out
    assert "  would do now: cloud, else device" in ran.out and "(they part at mode)" in ran.out
    assert (told["name"], told["problem"], told["choice"]["choice"], told["choice"]["why"]) == (
        "next", None, "cloud", "mode",
    )  # fmt: skip


def test_a_shadow_whose_file_is_broken_is_told_and_the_agent_is_well(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = _with_shadow(desk, cloud, policy_text() + "lables = 1\n")
        ran, told = run("doctor", "--config", config), run("doctor", "--config", config, "--json").json
    assert ran.code == 0
    assert "Shadow policy: none looks on: " in ran.out and 'did you mean "labels"' in ran.out
    assert (told["healthy"], told["shadow"]["choice"]) == (True, None)


def test_without_a_shadow_nothing_is_said_of_one(run: Run, desk: Desk) -> None:
    config = desk.config()
    assert "hadow" not in run("doctor", "--config", config).out
    assert run("doctor", "--config", config, "--json").json["shadow"] is None
