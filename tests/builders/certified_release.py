"""A certified release on disk whose model is no model: for whoever reads its documents and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloud_service.publish.release import manifest_toml
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.certificate import Certificate, to_json
from tests.builders.certificates_of_loss import REMOTE, certificate

__all__ = ["certified_release"]

MODEL = b"a model, as far as its digest goes"


def certified_release(folder: Path, **changed: Any) -> Certificate:
    """Write a release into `folder` and return its certificate; `changed` are fields of that."""
    manifest = Manifest.model_validate(
        {
            "schema": 1,
            "name": "m",
            "version": 1,
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
            "device": {"file": "m.onnx", "digest": digest_of(MODEL)},
            "remote": {"model": "m", "version": "1", "digest": REMOTE},
            "score": {"output": "y"},
            "certificate": "certificate.json",
        }
    )
    of_files = {"device_digest": digest_of(MODEL), "preprocessing_digest": preprocessing_digest(manifest)}
    made = certificate(**of_files, **changed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m.onnx").write_bytes(MODEL)
    (folder / "manifest.toml").write_bytes(manifest_toml(manifest))
    (folder / "certificate.json").write_bytes(to_json(made))
    return made
