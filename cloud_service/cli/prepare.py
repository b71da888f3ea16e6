"""`nearfar-cloud prepare`: from a trained model and some data to a release, with what it promises.

Tables go to stdout, progress to stderr. Exit code 0 when a release was written, 1 when it could not be, 2 when the
command was called wrongly; nothing is written but whole."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud_service.errors import SettingsError

if TYPE_CHECKING:
    from cloud_service.publish.data import Examples
    from cloud_service.publish.ends import Ends
    from cloud_service.publish.measure import DeviceClass
    from cloud_service.publish.options import PrepareOptions
    from cloud_service.publish.sandbox import Ports

__all__ = ["add_prepare", "prepare_release", "share"]

_TASKS: Final = ("classification", "multilabel", "regression", "embedding")
_SCORES: Final = ("margin", "max_probability", "energy", "value")
_RECIPES: Final = ("tensors", "image", "text")
_MAX_LENGTH: Final = 128


def add_prepare(commands: Any) -> None:  # Any: argparse keeps the class of subparsers to itself
    """Add the command to `nearfar-cloud`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "prepare",
        help="make a release of a trained model: a small one for devices, and what keeping its answers costs at most",
        description="Make a release of a trained model: compress, measure, join, certify, write.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL.onnx", help="the full model")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="PATH", help=".npz, .csv, .jsonl, or FOLDER/CLASS/*"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the release is written")
    parser.add_argument("--name", metavar="NAME", help="the model's name (default: the file's)")
    parser.add_argument("--version", type=_whole, default=1, metavar="N", help="the release's version (default: 1)")
    parser.add_argument(
        "--labels", metavar="COLUMN", help="the column with what is right; without it, agreement counts"
    )
    parser.add_argument("--no-labels", action="store_true", help="leave out what folders say is right")
    parser.add_argument(
        "--groups", metavar="COLUMN", help="examples with the same value stay in one set, as of one user"
    )
    parser.add_argument("--time", metavar="COLUMN", help="what is later is evaluated on")
    parser.add_argument(
        "--device-model", type=Path, metavar="FILE.onnx", help="a small model of your own to try as well"
    )
    parser.add_argument(
        "--recipe", choices=_RECIPES, default="tensors", help="what the app hands in (default: tensors)"
    )
    parser.add_argument("--task", choices=_TASKS, default="classification", help="default: classification")
    parser.add_argument("--tolerance", type=float, metavar="X", help="how far two answers may be apart and still agree")
    parser.add_argument("--output", metavar="NAME", help="the full model's answer (default: its first of numbers)")
    parser.add_argument("--device-output", metavar="NAME", help="the answer of --device-model")
    parser.add_argument("--score", choices=_SCORES, help="how confidence is read (default: what keeps most)")
    parser.add_argument("--score-output", metavar="NAME", help="with --score value: the output that is the confidence")
    parser.add_argument(
        "--alpha", type=share, action="append", metavar="A", help="loss to promise; again for more (default: several)"
    )
    parser.add_argument("--delta", type=share, default=0.1, metavar="D", help="risk that it is broken (default: 0.1)")
    parser.add_argument("--labels-file", type=Path, metavar="FILE", help="a label a line, in the model's order")
    parser.add_argument("--normalise", metavar="HOW", help="pictures of the full model: raw, unit, signed, imagenet")
    parser.add_argument("--device-normalise", metavar="HOW", help="those of --device-model (default: found by trying)")
    parser.add_argument("--size", type=_size, metavar="HxW", help="of the full model's pictures, where it is open")
    parser.add_argument("--device-size", type=_size, metavar="HxW", help="of those of --device-model")
    parser.add_argument("--pixels", action="store_true", help="the app hands in pixels, not JPEG or PNG files")
    parser.add_argument("--no-fuse", action="store_true", help="keep preparation out of the graphs")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="tokenizer.json of the full model")
    parser.add_argument(
        "--device-tokenizer", type=Path, metavar="FILE", help="that of --device-model (default: the same)"
    )
    parser.add_argument("--max-length", type=_whole, default=_MAX_LENGTH, metavar="N", help="tokens (default: 128)")
    parser.add_argument("--drop-layers", type=_whole, default=0, metavar="N", help="try without N layers as well")
    parser.add_argument("--ship", metavar="CANDIDATE", help="the one to ship (default: the fastest that is good)")
    parser.add_argument("--device-class", type=Path, metavar="FILE.toml", help="the device to measure for")
    parser.add_argument(
        "--patience", type=_seconds, default=300, metavar="S", help="seconds that a candidate may take (default: 300)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of every draw (default: 0)")
    parser.add_argument("--no-report", action="store_true", help="write no report.html")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def prepare_release(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    """Make a release as the flags say, print what it promises and return the exit code.

    Raises SettingsError: called wrongly. Raises PublishError: no release can be made of this."""
    from cloud_service.publish.prepare import prepare
    from cloud_service.publish.telling import figures
    from cloud_service.publish.terminal import show_prepared, watch

    options = _options(given)
    with watch() as progress:
        made = prepare(options, progress=progress)
    show_prepared(made)
    if given["json"] is not None:
        given["json"].write_text(json.dumps(figures(made), indent=2) + "\n", encoding="utf-8")
    return 0


def _options(given: Mapping[str, Any]) -> PrepareOptions:  # Any: as above
    from cloud_service.publish.measure import THIS_MACHINE
    from cloud_service.publish.options import ALPHAS, PrepareOptions
    from cloud_service.publish.reading import read_label_names

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
    )


def _examples(given: Mapping[str, Any], names: list[str] | None) -> Examples:  # Any: as above
    from cloud_service.publish.data import read_npz
    from cloud_service.publish.reading import read_pictures, read_sentences

    path: Path = given["data"]
    columns = {"labels": given["labels"], "groups": given["groups"], "times": given["time"]}
    if path.suffix.lower() == ".npz":
        return read_npz(path, **columns, classes=given["task"] == "classification")
    if given["recipe"] == "image":
        if any(columns.values()):
            raise SettingsError("--labels", "names a column, as --groups and --time do; a folder of pictures has none")
        return read_pictures(path, names, labelled=not given["no_labels"])
    if given["recipe"] == "text":
        return read_sentences(path, names, **columns)
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
    tokenizers = {
        "full": Tokenizer("tokenizer.json", _content(given["tokenizer"], "the tokenizer"), given["max_length"])
    }
    own = given["device_tokenizer"]
    tokenizers["own"] = (
        tokenizers["full"]
        if own is None
        else Tokenizer("device-tokenizer.json", _content(own, "the device's tokenizer"), given["max_length"])
    )
    return Sentences(tokenizers)


def _device_class(path: Path) -> DeviceClass:
    from cloud_service.publish.measure import DeviceClass

    try:
        document = tomllib.loads(_content(path, "the device class").decode("utf-8"))
    except ValueError as error:
        raise SettingsError("--device-class", f"{path} is not TOML: {error}") from error
    known = {"name": str, "threads": int, "slower": (int, float), "memory_limit_mb": int}
    for key, value in document.items():
        if key not in known:
            raise SettingsError("--device-class", f"{path}: {key}: unknown key; there are {', '.join(known)}")
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


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return number


def _seconds(text: str) -> int:
    number = _whole(text)
    if not number:
        raise argparse.ArgumentTypeError("a second at the least")
    return number


def share(text: str) -> float:
    """Read a flag's value that is a share from 0.0001 to 0.5. Raises ArgumentTypeError."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.0001 <= share <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0.0001 to 0.5, such as 0.01")
    return share


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and 0 < int(part) <= 8192 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 224x224, height first")
    return int(parts[0]), int(parts[1])
