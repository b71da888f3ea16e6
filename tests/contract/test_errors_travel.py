"""Every error can go from one process to another, and tells there what it told here.

An app that has an agent in each worker of a pool gets its errors pickled. An exception whose constructor takes more
than its message cannot be made again from that, which nobody notices in one process; in a `multiprocessing.Pool` the
caller then waits for ever."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from cloud_service.errors import (
    BindError,
    CloudError,
    LoadFailed,
    ModelNotFound,
    ModelNotReady,
    NotByRequest,
    RunFailed,
    SettingsError,
    UnservableModel,
)
from edge_agent.errors import (
    AgentError,
    AllTargetsFailed,
    ConfigError,
    DeadlineExceeded,
    InputError,
    NoFeasibleTarget,
    ReleaseError,
    SignalError,
    UnknownLabel,
)
from nearfar_wire.errors import (
    DigestMismatch,
    ManifestError,
    MissingExtra,
    ModelFileError,
    ParameterError,
    TensorError,
    WireError,
)
from nearfar_wire.status import Code
from router.choosing.closed import Closed, Constraint
from router.errors import Fault, PolicyError, RouterError
from router.running.attempt import Failure

FAILURES = [Failure("cloud", Code.UNAVAILABLE.value, "gone")]
CLOSED = [Closed("device", Constraint.MODE, "mode only_in_cloud closes the device")]
ERRORS: list[Exception] = [
    ConfigError("targets.cloud", "no", document="agent.toml", line=3, more=[Fault("models", "none", 1)]),
    ReleaseError("digits", "unreadable"),
    UnknownLabel("no such label"),
    InputError("digits", "pixels", "is missing"),
    InputError("digits", None, "is no mapping"),
    SignalError("battery_pct", "150"),
    NoFeasibleTarget("digits", [Closed("cloud", Constraint.BREAKER, "it failed too often")], {"cloud": 27.5}),
    AllTargetsFailed("digits", FAILURES, CLOSED),
    DeadlineExceeded("digits", 50.0, FAILURES),
    TensorError("x", "is FP64"),
    ParameterError("priority", "is text"),
    ManifestError("manifest.toml", "inputs[0]", "unknown"),
    ModelFileError("it is cut off", "export it again"),
    DigestMismatch("model.onnx", "sha256:a", "sha256:b"),
    MissingExtra("images", "image"),
    PolicyError("rules[2].when", "no", source="policy.toml", line=7, key="rtt", more=[Fault("mode", "what?")]),
    SettingsError("grpc", "no port", "a flag"),
    BindError("127.0.0.1:1"),
    UnservableModel("no graph"),
    RunFailed(),
    ModelNotFound("m", "3"),
    LoadFailed("m", ["no file"]),
    ModelNotReady("m"),
    NotByRequest(),
]


def _told(error: Exception) -> tuple[type[Exception], str, dict[str, object]]:
    return type(error), str(error), vars(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_arrives_as_it_was_sent(error: Exception) -> None:
    assert _told(pickle.loads(pickle.dumps(error))) == _told(error)
    assert _told(copy.deepcopy(error)) == _told(error)


def _kinds(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


@pytest.mark.parametrize("root", [AgentError, WireError, RouterError, CloudError])
def test_no_error_travels_in_a_way_of_its_own(root: type[Exception]) -> None:
    assert {kind.__name__ for kind in _kinds(root) if kind.__reduce__ is not root.__reduce__} == set()
    assert root.__reduce__ is not Exception.__reduce__


def _fail() -> None:
    raise InputError("digits", "pixels", "is missing")


@pytest.mark.wide
def test_an_error_of_a_worker_process_is_raised_where_it_is_waited_for() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        error = pool.submit(_fail).exception(timeout=60)
    assert isinstance(error, InputError)
    assert (error.model, error.tensor, error.problem) == ("digits", "pixels", "is missing")
