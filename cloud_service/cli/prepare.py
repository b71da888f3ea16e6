"""`nearfar-cloud prepare`: from a trained model and some data to a release, with what it promises.

Tables go to stdout, or to stderr where the figures go to stdout; progress goes to stderr. Exit code 0 when a release
was written, 1 when it could not be, 2 when the command was called wrongly; nothing is written but whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud_service.cli.prepare_flags import refuse_idle
from cloud_service.errors import SettingsError
from cloud_service.outputs import STDOUT, refuse_early
from cloud_service.publish.errors import PublishError
from nearfar_wire.errors import quoted
from router.errors import DocumentError
from router.naming import did_you_mean
from router.toml.document import parse_document

if TYPE_CHECKING:
    from cloud_service.publish.data import Examples
    from cloud_service.publish.ends import Ends
    from cloud_service.publish.measure import DeviceClass
    from cloud_service.publish.options import PrepareOptions
    from cloud_service.publish.sandbox import Ports

__all__ = ["prepare_release"]

# Flags of files, and of a folder, that are read.
_READ: Final = ("model", "data", "device_model", "labels_file", "tokenizer", "device_tokenizer", "device_class")
_MAX_CLASS_BYTES: Final = 64 << 10
_MAX_LENGTH: Final = 128
"""Tokens of a text, where nobody says otherwise."""


def prepare_release(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    """Make a release as the flags say, print what it promises and return the exit code.

    Raises SettingsError: called wrongly. Raises PublishError: no release can be made of this."""
    from cloud_service.publish.prepare import prepare
    from cloud_service.publish.telling import figures
    from cloud_service.publish.terminal import show_prepared, watch

    refuse_idle(given)
    refuse_early("--json", given["json"], [given[name] for name in _READ])
    options = _options(given)
    with watch() as progress:
        made = prepare(options, progress=progress)
    show_prepared(made, stderr=given["json"] == STDOUT)
    if given["json"] is not None:
        _write(given["json"], json.dumps(figures(made), indent=2) + "\n")
    return 0


def _write(path: Path, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"the release is written, and {path} cannot be: {error.strerror or error}"
        raise PublishError(problem, "name another file with --json") from error


def _options(given: Mapping[str, Any]) -> PrepareOptions:  # Any: as above
    from cloud_service.publish.labels import read_label_names
    from cloud_service.publish.measure import THIS_MACHINE
    from cloud_service.publish.options import ALPHAS, PrepareOptions

    names = None if given["labels_file"] is None else read_label_names(given["labels_file"])
    model: Path = given["model"]
    device_class = given["device_class"]
    return PrepareOptions(
        name=given["name"] or model.stem,
        model=_content(model, "the model"),
        examples=_examples(given, names),
        out=given["out"],
        version=given["version"],
        device_model=None if given["device_model"] is None else _content(given["device_model"], "the device model"),
        ends=lambda ports: _ends(given, ports),
        task=given["task"],
        tolerance=given["tolerance"],
        output=given["output"],
        device_output=given["device_output"],
        score=given["score"],
        score_output=given["score_output"],
        alphas=tuple(given["alpha"] or ALPHAS),
        delta=given["delta"],
        label_names=names,
        drop_layers=given["drop_layers"],
        ship=given["ship"],
        device=THIS_MACHINE if device_class is None else _device_class(device_class),
        patience_s=given["patience"],
        seed=given["seed"],
        report=not given["no_report"],
        repeats=given["repeats"],
        golden=given["golden"],
    )


def _examples(given: Mapping[str, Any], names: list[str] | None) -> Examples:  # Any: as above
    from cloud_service.publish.archive import read_npz
    from cloud_service.publish.reading import read_pictures, read_sentences

    path: Path = given["data"]
    columns = {"labels": given["labels"], "groups": given["groups"], "times": given["time"]}
    classes, labelled = given["task"] == "classification", not given["no_labels"]
    if path.suffix.lower() == ".npz":
        return read_npz(path, **columns, names=names, classes=classes, labelled=labelled)
    if given["recipe"] == "image":
        if any(columns.values()):
            raise SettingsError("--labels", "names a column, as --groups and --time do; a folder of pictures has none")
        if given["pixels"]:
            raise SettingsError("--pixels", "wants an .npz with UINT8 pixels; a folder has files, as the app hands in")
        if labelled and not classes:
            problem = f"folders are classes, and {given['task']} has none; give --no-labels, or an .npz"
            raise SettingsError("--task", problem)
        return read_pictures(path, names, labelled=labelled)
    if given["recipe"] == "text":
        return read_sentences(path, names, **columns, classes=classes, labelled=labelled)
    raise SettingsError("--data", f"{path}: tensors are in an .npz; pictures and texts want --recipe image or text")


def _ends(given: Mapping[str, Any], ports: Ports) -> Ends:  # Any: as above
    from cloud_service.publish.ends import Pictures, Plain, Sentences, Tried
    from cloud_service.publish.recipes.pictures import PictureRecipe
    from cloud_service.publish.recipes.sentences import Tokenizer
    from cloud_service.publish.sandbox import Sandbox

    if given["recipe"] == "tensors":
        return Plain(ports.inputs)
    if given["recipe"] == "image":
        recipe = PictureRecipe("pixels" if given["pixels"] else "encoded", fuse=not given["no_fuse"])
        normalise = {"full": given["normalise"], "own": given["device_normalise"]}
        sizes = {"full": given["size"], "own": given["device_size"]}
        return Pictures(
            recipe,
            Tried(Sandbox(limit_s=given["patience"])),
            {origin: how for origin, how in normalise.items() if how is not None},
            {origin: size for origin, size in sizes.items() if size is not None},
        )
    if given["tokenizer"] is None:
        raise SettingsError("--tokenizer", "is wanted with --recipe text: what the model was trained with")
    length = given["max_length"] or _MAX_LENGTH
    tokenizers = {"full": Tokenizer("tokenizer.json", _content(given["tokenizer"], "the tokenizer"), length)}
    own = given["device_tokenizer"]
    tokenizers["own"] = (
        tokenizers["full"]
        if own is None
        else Tokenizer("device-tokenizer.json", _content(own, "the device's tokenizer"), length)
    )
    return Sentences(tokenizers)


def _device_class(path: Path) -> DeviceClass:
    from cloud_service.publish.measure import DeviceClass

    try:
        document = parse_document(_content(path, "the device class"), source=str(path), max_bytes=_MAX_CLASS_BYTES)
    except DocumentError as error:
        raise SettingsError("--device-class", str(error)) from error
    known = {"name": str, "threads": int, "slower": (int, float), "memory_limit_mb": int}
    for key, value in document.items():
        if key not in known:
            raise SettingsError("--device-class", f"{path}: unknown key {quoted(key)}{did_you_mean(key, known)}")
        if isinstance(value, bool) or not isinstance(value, known[key]):  # type: ignore[arg-type]
            raise SettingsError("--device-class", f"{path}: {key}: not {value!r}")
    if not document.get("name"):
        raise SettingsError("--device-class", f'{path}: name is wanted, such as name = "phone-2022"')
    if not (1 <= document.get("threads", 1) <= 64 and 0.01 <= document.get("slower", 1) <= 1000):
        raise SettingsError("--device-class", f"{path}: threads is 1 to 64, slower 0.01 to 1000")
    limit = document.get("memory_limit_mb")
    if limit is not None and limit < 64:
        raise SettingsError("--device-class", f"{path}: memory_limit_mb is 64 or more: the runtime alone needs that")
    return DeviceClass(
        name=document["name"],
        threads=document.get("threads", 1),
        slower=float(document.get("slower", 1)),
        memory_limit_bytes=DeviceClass().memory_limit_bytes if limit is None else limit << 20,
    )


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(what, f"{path} cannot be read: {error.strerror or error}") from error
