from __future__ import annotations

import pytest

from cloud_service.catalogue import LOADING, Catalogue, Unready
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
