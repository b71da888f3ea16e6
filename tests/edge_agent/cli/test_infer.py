from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.testing import FakeCloud, Script
from nearfar_wire.status import Code
from tests.builders.agents import PIXELS, policy_text
from tests.edge_agent.cli.conftest import FULL_MODEL, Desk, Run, target

_INPUT = ("--input", "pixels=[[1, 2, 3, 4]]")
_IN_CLOUD = policy_text("only_in_cloud")


def test_it_prints_outputs_target_reason_and_receipt(run: Run, desk: Desk) -> None:
    ran = run("infer", "tiny", "--config", desk.config(), *_INPUT)
    assert (ran.code, ran.err) == (0, "")
    output, target, reason, *receipt = ran.out.splitlines()
    assert output.startswith("probabilities FP32 [1, 3]: [[0.")
    assert target == "target: device"
    assert reason.startswith("reason: device: ")
    assert "nothing left the device" in receipt[0]


def test_an_array_file_asks_what_the_same_numbers_ask(run: Run, desk: Desk, tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", PIXELS)
    from_file = run("infer", "tiny", "--config", desk.config(), "--input", f"pixels={tmp_path / 'pixels.npy'}")
    typed = run("infer", "tiny", "--config", desk.config(), *_INPUT)
    assert from_file.out.splitlines()[0] == typed.out.splitlines()[0]


def test_json_is_one_object_with_everything(run: Run, desk: Desk) -> None:
    ran = run("infer", "tiny", "--config", desk.config(), *_INPUT, "--json", "--privacy", "secret")
    assert ran.code == 0
    assert set(ran.json) == {"outputs", "target", "reason", "receipt"}
    assert ran.json["outputs"]["probabilities"]["shape"] == [1, 3]
    receipt = ran.json["receipt"]
    assert (receipt["label"], receipt["sent"], receipt["sent_bytes"]) == ("secret", [], 0)


def test_explain_adds_the_whole_decision(run: Run, desk: Desk) -> None:
    arguments = ("infer", "tiny", "--config", desk.config(), *_INPUT, "--explain")
    assert "Plan: device." in run(*arguments).out
    document = run(*arguments, "--json").json
    assert "Plan: device." in document["explanation"]
    assert document["record"]["decision"]["choice"] == "device"


@pytest.mark.wide
def test_it_says_what_left_the_device_and_where_to(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}) as cloud:
        config = desk.config(target(cloud), policy=_IN_CLOUD)
        ran = run("infer", "tiny", "--config", config, *_INPUT, "--privacy", "public", "--json")
    assert ran.json["target"] == "cloud"
    assert ran.json["outputs"]["probabilities"]["data"] == [[0.125, 0.25, 0.625]]
    (sent,) = ran.json["receipt"]["sent"]
    assert (sent["target"], sent["endpoint"]) == ("cloud", cloud.address)
    assert sent["size_bytes"] > PIXELS.nbytes


@pytest.mark.wide
def test_no_answer_is_exit_code_1_and_one_line(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}, Script(fails=Code.OVERLOADED)) as cloud:
        config = desk.config(target(cloud), policy=_IN_CLOUD)
        ran = run("infer", "tiny", "--config", config, *_INPUT, "--privacy", "public", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "OVERLOADED" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.wide
def test_the_deadline_is_the_one_that_was_given(run: Run, desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}, Script(delay_s=60)) as cloud:
        config = desk.config(target(cloud), policy=_IN_CLOUD)
        ran = run("infer", "tiny", "--config", config, *_INPUT, "--privacy", "public", "--deadline-ms", "80")
    assert ran.code == 1
    assert "no answer within 80 ms" in ran.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(
            ("tinny", *_INPUT), "no model 'tinny' is configured; did you mean \"tiny\"?", id="an unknown model"
        ),
        pytest.param(("tiny",), "'pixels': is missing", id="a missing input"),
        pytest.param(("tiny", *_INPUT, "--input", "more=1"), "'more': is not wanted", id="an extra input"),
        pytest.param(("tiny", "--input", "pixels=[[1]]"), "has shape [1, 1]", id="a wrong shape"),
        pytest.param(("tiny", "--input", 'pixels="a"'), "no UINT8 array", id="a wrong type"),
        pytest.param(("tiny", "--input", "pixels"), "NAME=VALUE", id="no value"),
        pytest.param(("tiny", *_INPUT, "--privacy", "publik"), 'did you mean "public"', id="an unknown label"),
    ],
)
def test_a_request_that_cannot_be_used_is_exit_code_2_and_one_line(
    run: Run, desk: Desk, arguments: tuple[str, ...], problem: str
) -> None:
    ran = run("infer", "--config", desk.config(), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert ran.err.count("\n") == 1


def test_a_deadline_in_the_past_is_exit_code_1(run: Run, desk: Desk) -> None:
    ran = run("infer", "tiny", "--config", desk.config(), *_INPUT, "--deadline-ms", "-1")
    assert ran.code == 1
    assert "the deadline has already passed" in ran.err


def test_a_device_model_that_does_not_load_is_told_beside_what_comes_of_it(
    run: Run, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.home.release(promised="sha256:" + "0" * 64)
    ran = run("infer", "tiny", "--config", desk.config(), *_INPUT)
    assert ran.code == 1
    assert "cannot run on the device" in caplog.text
    assert "no target may or can answer" in ran.err
