from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from benchmarks.server.limit import ways
from benchmarks.server.models import MODELS, write_models
from benchmarks.server.table import goals, lines
from nearfar_wire.specs import check


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.mark.wide
@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_answers_each_row_of_a_batch_as_alone(models: Path, name: str) -> None:
    model = MODELS[name]
    session = onnxruntime.InferenceSession(models / name / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    rows = model.rows(2)
    check(model.inputs, rows)
    (together,) = session.run(None, rows)
    check(model.outputs, {model.outputs[0].name: together})
    (alone,) = session.run(None, {key: array[1:] for key, array in rows.items()})
    np.testing.assert_allclose(together[1:], alone, rtol=1e-3, atol=1e-4)
    assert np.isfinite(together).all()
    assert not np.allclose(together[0], together[1])


def test_no_way_has_more_rows_under_way_than_the_callers_have() -> None:
    assert all(way.processes * way.threads * way.rows <= 32 for way in ways(os.cpu_count() or 1, 32))


def _results(**changes: Any) -> dict[str, Any]:  # Any: JSON
    def told(**figures: float) -> dict[str, Any]:  # Any: as above
        return {name.replace("_", " "): {"median": value, "rounds": [value]} for name, value in figures.items()}

    return {
        "model": "minilm",
        "about": "",
        "throughput_rps": told(limit=100, nearfar=90, mlserver=30, mlserver_tuned=60),
        "lone_p50_ms": told(bare=10, nearfar=10.5, mlserver_in_process=11),
        "memory_mib": {"nearfar": 110, "bare": 100},
    } | changes


def test_goals_are_told_for_what_was_measured() -> None:
    reached = {goal.what.strip(): goal for goal in goals(_results())}
    assert all(goal.reached for goal in reached.values())
    assert reached["by MLServer's best setting"].value == pytest.approx(1.5)
    assert not list(goals({"model": "minilm", "about": ""}))


def test_the_protocol_alone_is_held_to_an_echo_and_to_the_least_that_any_server_does() -> None:
    figures = {"nearfar": 70, "echo": 100, "reads, runs and writes alone": 80}
    rps = {name: {"median": value, "rounds": [value]} for name, value in figures.items()}
    told = list(goals({"model": "mlp", "about": "", "throughput_rps": rps}))
    assert [(goal.value, goal.reached) for goal in told] == [(0.7, False), (0.875, True)]


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"memory_mib": {"nearfar": 130, "bare": 100}}, "memory by onnxruntime's and gRPC's alone"),
        (
            {
                "overload": {
                    "peak_rps": 100,
                    "answered_rps": 95,
                    "bare_beside_rps": 100,
                    "live_p99_ms": 30,
                    "live_p99_unloaded_ms": 10,
                    "one_batch_ms": 10,
                }
            },
            "p99 of live traffic, ms",
        ),
        (
            {
                "overload": {
                    "peak_rps": 100,
                    "answered_rps": 95,
                    "bare_beside_rps": 110,
                    "live_p99_ms": 20,
                    "live_p99_unloaded_ms": 10,
                    "one_batch_ms": 10,
                }
            },
            "by bare onnxruntime beside an echo of as many messages",
        ),
    ],
    ids=["memory", "overload", "overload beside bare"],
)
def test_a_goal_that_is_missed_is_told(changes: dict[str, Any], missed: str) -> None:  # Any: JSON
    assert [goal.what.strip() for goal in goals(_results(**changes)) if not goal.reached] == [missed]
    assert any(line.strip().startswith("MISS") for line in lines(_results(**changes)))
