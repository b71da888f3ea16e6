"""The flags of `nearfar-cloud prepare`, and which of them say something only beside another.

A flag that would do nothing is refused: whoever gives it believes that it does."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cloud_service.errors import SettingsError

__all__ = ["add_prepare", "refuse_idle", "share"]

_TASKS: Final = ("classification", "multilabel", "regression", "embedding")
_SCORES: Final = ("margin", "max_probability", "energy", "value")
_RECIPES: Final = ("tensors", "image", "text")
_PICTURE_FLAGS: Final = ("normalise", "device_normalise", "size", "device_size", "pixels", "no_fuse")
_TEXT_FLAGS: Final = ("tokenizer", "device_tokenizer", "max_length")
_DEVICE_FLAGS: Final = ("device_output", "device_normalise", "device_size", "device_tokenizer")


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
    parser.add_argument("--version", type=_positive, default=1, metavar="N", help="the release's version (default: 1)")
    parser.add_argument(
        "--labels", metavar="COLUMN", help="the column with what is right; without it, agreement counts"
    )
    parser.add_argument(
        "--no-labels", action="store_true", help="leave out what folders, or the column of --labels, say is right"
    )
    parser.add_argument(
        "--groups", metavar="COLUMN", help="examples with the same value stay in one set, as of one user"
    )
    parser.add_argument("--time", metavar="COLUMN", help="what is later is evaluated on")
    parser.add_argument(
        "--device-model", type=Path, metavar="FILE", help="a small model of your own to try as well, .onnx or .tflite"
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
    parser.add_argument(
        "--normalise", metavar="HOW", help="of the full model's pictures: raw, unit, signed, imagenet, mnist"
    )
    parser.add_argument("--device-normalise", metavar="HOW", help="those of --device-model (default: found by trying)")
    parser.add_argument("--size", type=_size, metavar="HxW", help="of the full model's pictures, where it is open")
    parser.add_argument("--device-size", type=_size, metavar="HxW", help="of those of --device-model")
    parser.add_argument("--pixels", action="store_true", help="the app hands in pixels, not JPEG or PNG files")
    parser.add_argument("--no-fuse", action="store_true", help="keep preparation out of the graphs")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="tokenizer.json of the full model")
    parser.add_argument(
        "--device-tokenizer", type=Path, metavar="FILE", help="that of --device-model (default: the same)"
    )
    parser.add_argument("--max-length", type=_positive, metavar="N", help="tokens (default: 128)")
    parser.add_argument("--drop-layers", type=_whole, default=0, metavar="N", help="try without N layers as well")
    parser.add_argument("--ship", metavar="CANDIDATE", help="the one to ship (default: the fastest that is good)")
    parser.add_argument("--device-class", type=Path, metavar="FILE.toml", help="the device to measure for")
    parser.add_argument(
        "--patience", type=_positive, default=300, metavar="S", help="seconds that a candidate may take (default: 300)"
    )
    parser.add_argument(
        "--repeats", action="store_true", help="inputs repeat as requests do; otherwise a few that repeat are left out"
    )
    parser.add_argument(
        "--golden",
        type=_whole,
        default=8,
        metavar="N",
        help="examples of the data that go with the release, for both ends to check themselves by (default: 8)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of every draw (default: 0)")
    parser.add_argument("--no-report", action="store_true", help="write no report.html")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures there too; -: print them, and tables to stderr"
    )


def refuse_idle(given: Mapping[str, Any]) -> None:  # Any: each flag's own type
    """Pass flags each of which says something beside the others. Raises SettingsError: naming one that does not."""
    recipe = given["recipe"]
    idle = [(flag, "is for --recipe image") for flag in _PICTURE_FLAGS if recipe != "image"]
    idle += [(flag, "is for --recipe text") for flag in _TEXT_FLAGS if recipe != "text"]
    idle += [(flag, "is of --device-model, and none is given") for flag in _DEVICE_FLAGS if not given["device_model"]]
    if not given["data"].is_dir() and given["labels"] is None:
        idle.append(("no_labels", "leaves out the column of a file that --labels names, and none is named"))
    for flag, why in idle:
        if given[flag] not in (None, False):
            raise SettingsError(f"--{flag.replace('_', '-')}", why)


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return number


def _positive(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
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
