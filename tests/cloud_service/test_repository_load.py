from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import UnservableModel
from cloud_service.repository.load import load
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Serving
from cloud_service.servable import Servable
from nearfar_wire.digest import digest_of
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import APP_MANIFEST, write_repository

_MODEL = softmax_mlp(pixels="FP32")


def _load(root: Path, **manifests: str) -> Servable:
    write_repository(root, {"tiny": {3: _MODEL}}, manifests)
    return load(OnnxBackend, Found("tiny", 3, root / "tiny" / "3"), Serving())


def test_a_version_knows_the_digest_of_its_file(tmp_path: Path) -> None:
    servable = _load(tmp_path)
    assert (servable.model, servable.version, servable.digest) == ("tiny", 3, digest_of(_MODEL))


def test_without_a_manifest_callers_see_the_model_file(tmp_path: Path) -> None:
    assert [spec.name for spec in _load(tmp_path).form.inputs] == ["pixels"]


@pytest.mark.parametrize("folder", ["tiny", "tiny/3"], ids=["for all versions", "beside the model"])
def test_with_a_manifest_callers_see_the_app_form(tmp_path: Path, folder: str) -> None:
    servable = _load(tmp_path, **{folder: APP_MANIFEST})
    assert [spec.name for spec in servable.form.inputs] == ["image"]
    assert [spec.name for spec in servable.form.outputs] == ["answer"]


def test_the_manifest_beside_the_model_wins_over_the_one_for_all_versions(tmp_path: Path) -> None:
    servable = _load(tmp_path, **{"tiny": "nonsense", "tiny/3": APP_MANIFEST})
    assert [spec.name for spec in servable.form.inputs] == ["image"]


@pytest.mark.parametrize(
    ("remote", "reason"),
    [
        pytest.param('model = "other"', "remote.model is 'other', but it lies in 'tiny'", id="another model"),
        pytest.param('model = "tiny"\nversion = "4"', "remote.version is 4, but it lies in 3", id="another version"),
        pytest.param(
            f'model = "tiny"\ndigest = "{digest_of(b"other")}"', f"the model file has {digest_of(_MODEL)}", id="digest"
        ),
        pytest.param('model = "tiny"\nsnd = "app"', "remote.snd", id="unknown key"),
    ],
)
def test_a_manifest_of_another_model_keeps_the_version_from_serving(tmp_path: Path, remote: str, reason: str) -> None:
    with pytest.raises(UnservableModel) as caught:
        _load(tmp_path, tiny=APP_MANIFEST.replace('model = "tiny"', remote))
    assert reason in caught.value.reason


def test_a_fault_of_a_manifest_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = APP_MANIFEST.replace('model = "tiny"', 'model = "tiny"\nsnd = "app"')
    line = wrong[: wrong.index("snd")].count("\n") + 1
    with pytest.raises(UnservableModel, match=rf"manifest\.toml: line {line}: remote\.snd: unknown key; did you mean"):
        _load(tmp_path, tiny=wrong)


def test_the_digest_that_the_manifest_promises_lets_the_version_serve(tmp_path: Path) -> None:
    promised = APP_MANIFEST.replace('model = "tiny"', f'model = "tiny"\nversion = "3"\ndigest = "{digest_of(_MODEL)}"')
    assert _load(tmp_path, tiny=promised).digest == digest_of(_MODEL)


def test_a_version_without_a_model_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "tiny" / "1").mkdir(parents=True)
    with pytest.raises(UnservableModel, match=r"model\.onnx cannot be read"):
        load(OnnxBackend, Found("tiny", 1, tmp_path / "tiny" / "1"), Serving())


def test_the_file_is_compared_before_the_runtime_sees_it(tmp_path: Path) -> None:
    def never(_: bytes, __: object) -> OnnxBackend:
        raise AssertionError("parsed a file whose digest is wrong")

    promised = APP_MANIFEST.replace('model = "tiny"', f'model = "tiny"\ndigest = "{digest_of(b"other")}"')
    write_repository(tmp_path, {"tiny": _MODEL}, {"tiny": promised})
    with pytest.raises(UnservableModel, match="digest"):
        load(never, Found("tiny", 1, tmp_path / "tiny" / "1"), Serving())
