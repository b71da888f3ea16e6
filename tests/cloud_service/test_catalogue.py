from __future__ import annotations

import math

import pytest

from cloud_service.catalogue import EVICTED, LOADING, RETURNING, UNLOADED, Catalogue, Unready
from cloud_service.errors import ModelNotFound, ModelNotReady
from cloud_service.servable import Servable, form_of
from tests.builders.backends import EchoBackend


def _ready(version: int) -> Servable:
    backend = EchoBackend()
    return Servable("m", version, f"sha256:{version}", backend, form_of(None, backend))


def _catalogue(**states: Servable | Unready) -> Catalogue:
    """`v3=...` is version 3 of the model m."""
    catalogue = Catalogue()
    for version, state in states.items():
        catalogue.put("m", int(version[1:]), state)
    return catalogue


_BROKEN = Unready("the file is damaged")


@pytest.mark.parametrize(
    ("catalogue", "version", "answers"),
    [
        pytest.param(_catalogue(v2=_ready(2), v10=_ready(10)), "", 10, id="highest number, not last in the alphabet"),
        pytest.param(_catalogue(v1=_ready(1), v2=_BROKEN), "", 1, id="a broken newer one is passed over"),
        pytest.param(_catalogue(v1=_ready(1), v2=LOADING), "", 1, id="so is one that is loading"),
        pytest.param(_catalogue(v1=_ready(1), v2=_ready(2)), "1", 1, id="an older one, when asked for"),
    ],
)
def test_which_version_answers(catalogue: Catalogue, version: str, answers: int) -> None:
    assert catalogue.resolve("m", version).version == answers


@pytest.mark.parametrize(
    ("catalogue", "version"),
    [
        pytest.param(_catalogue(v1=_BROKEN), "", id="no version is ready"),
        pytest.param(_catalogue(v1=_ready(1), v2=_BROKEN), "2", id="the one asked for is broken"),
        pytest.param(_catalogue(v1=LOADING), "1", id="it is loading"),
    ],
)
def test_a_known_model_without_a_ready_version_is_not_ready(catalogue: Catalogue, version: str) -> None:
    with pytest.raises(ModelNotReady):
        catalogue.resolve("m", version)


@pytest.mark.parametrize("version", ["3", "01", " 1", "latest", "-1", "1.0"])
def test_an_unknown_version_is_not_found(version: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        _catalogue(v1=_ready(1)).resolve("m", version)
    assert caught.value.version == version


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(ModelNotFound) as caught:
        _catalogue(v1=_ready(1)).resolve("n")
    assert (caught.value.model, caught.value.version) == ("n", None)


def test_problems_name_each_version_that_cannot_answer() -> None:
    assert _catalogue(v1=_ready(1), v2=_BROKEN, v3=LOADING).problems() == [
        ("m", 2, "the file is damaged"),
        ("m", 3, LOADING.reason),
    ]


def test_a_version_that_has_loaded_is_no_problem_any_more() -> None:
    catalogue = _catalogue(v1=LOADING)
    assert catalogue.models() == {"m": False}
    catalogue.put("m", 1, _ready(1))
    assert catalogue.models() == {"m": True}
    assert catalogue.problems() == []


@pytest.mark.parametrize("state", [EVICTED, RETURNING])
def test_a_version_that_made_room_keeps_its_place_as_the_highest(state: Unready) -> None:
    catalogue = _catalogue(v1=_ready(1), v2=state)
    with pytest.raises(ModelNotReady):
        catalogue.resolve("m")
    assert catalogue.resolve("m", "1").version == 1


def test_who_loads_is_told_of_a_call_for_a_version_without_room_and_of_no_other() -> None:
    missed: list[tuple[str, int]] = []
    catalogue = _catalogue(v1=_BROKEN, v2=RETURNING, v3=EVICTED)
    catalogue.missed = lambda model, version: missed.append((model, version))
    for version in ("1", "2", "3", ""):
        with pytest.raises(ModelNotReady):
            catalogue.resolve("m", version)
    assert missed == [("m", 3)] * 2


def test_it_is_remembered_when_a_version_was_last_asked_for() -> None:
    now = [5.0]
    catalogue = Catalogue(now=lambda: now[0])
    catalogue.put("m", 1, _ready(1))
    catalogue.put("m", 2, _ready(2))
    catalogue.resolve("m")
    now[0] = 7.0
    catalogue.put("m", 2, _ready(2))
    assert (catalogue.last_asked("m", 1), catalogue.last_asked("m", 2)) == (-math.inf, 5.0)


@pytest.mark.parametrize(
    ("states", "lacking"),
    [
        pytest.param({}, "there is no model in the repository; add", id="there is no model"),
        pytest.param({"v1": _ready(1)}, "", id="one that answers"),
        pytest.param({"v1": _ready(1), "v2": _BROKEN}, "", id="with a broken version beside it"),
        pytest.param({"v1": LOADING}, "m cannot answer, and should", id="one that loads"),
        pytest.param({"v1": EVICTED}, "", id="one without room comes when it is called"),
        pytest.param({"v1": UNLOADED}, "unloaded by request", id="all were unloaded: nothing can answer"),
    ],
)
def test_what_the_whole_lacks(states: dict[str, Servable | Unready], lacking: str) -> None:
    told = _catalogue(**states).lacking()
    assert lacking in told
    assert bool(told) is bool(lacking)


def test_of_many_models_that_cannot_answer_a_few_are_named() -> None:
    catalogue = Catalogue()
    for name in "edcba":
        catalogue.put(name, 1, LOADING)
    assert catalogue.lacking() == "a, b, c and 2 more cannot answer, and should; see not_ready"


def test_a_model_that_was_unloaded_on_purpose_is_not_missed() -> None:
    catalogue = _catalogue(v1=_ready(1))
    catalogue.put("n", 1, UNLOADED)
    assert not catalogue.lacking()
    assert catalogue.models() == {"m": True, "n": False}


def test_the_index_tells_each_version_in_the_protocols_words() -> None:
    catalogue = _catalogue(v1=_ready(1), v2=_BROKEN, v3=LOADING)
    catalogue.note("m", 1, "newer files failed")
    assert [(entry.version, entry.state.value, entry.reason) for entry in catalogue.index()] == [
        (1, "READY", "newer files failed"),
        (2, "UNAVAILABLE", "the file is damaged"),
        (3, "LOADING", LOADING.reason),
    ]


def test_a_removed_version_is_unknown_and_with_the_last_one_its_model() -> None:
    catalogue = _catalogue(v1=_ready(1), v2=_ready(2))
    catalogue.remove("m", 2)
    assert catalogue.resolve("m").version == 1
    catalogue.remove("m", 1)
    with pytest.raises(ModelNotFound) as caught:
        catalogue.resolve("m")
    assert caught.value.version is None
