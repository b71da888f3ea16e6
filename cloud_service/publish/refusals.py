"""What is refused of a release's making before anything long was done, with what to do about it.

Nothing here looks at a calibration or an evaluation set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.release import require_replaceable, require_writable
from cloud_service.publish.splits import SHARES
from nearfar_wire.manifest.parts import Name
from router.cascade.learn import Method, smallest_n
from router.errors import CertifyError

__all__ = ["require_better_than_chance", "require_enough", "require_named", "require_options", "require_same_question"]

_NAME: Final[TypeAdapter[str]] = TypeAdapter(Name)
_WITHOUT_CONFIDENCE: Final = ("regression", "embedding")
_TOLERANCES: Final = {
    "multilabel": "--tolerance is the value from which a label counts, such as 0.5 for probabilities",
    "regression": "--tolerance is how far two answers may be apart and still agree, in the answer's unit",
    "embedding": "--tolerance is how far a cosine may be from 1, such as 0.05",
}


def require_options(options: PrepareOptions) -> None:
    """Pass options that a release can be made with. Raises PublishError."""
    try:
        _NAME.validate_python(options.name)
    except ValidationError as error:
        advice = "name it with --name: letters, digits, '.', '_' and '-', 128 at most, a letter or digit first"
        raise PublishError(f"{options.name!r} is no name for a model", advice) from error
    try:
        _NAME.validate_python(options.device.name)
    except ValidationError as error:
        advice = "letters, digits, '.', '_' and '-', 128 at most, a letter or digit first"
        raise PublishError(f"{options.device.name!r} is no name for a class of device", advice) from error
    if options.version < 1:
        raise PublishError(f"version {options.version} is none", "versions are 1, 2 and so on")
    if options.task == "classification":
        if options.tolerance is not None:
            raise PublishError("classification has no tolerance", "leave --tolerance out, or name the --task")
    elif options.tolerance is None or not 0 <= options.tolerance < math.inf:
        raise PublishError(f"task {options.task} needs a tolerance", _TOLERANCES[options.task])
    if (options.score == "value") != (options.score_output is not None):
        problem = "an output with the confidence is named exactly with score value"
        raise PublishError(problem, "give both --score value and --score-output NAME, or neither")
    if options.score is None and options.task in _WITHOUT_CONFIDENCE:
        raise PublishError(
            f"task {options.task} has no confidence of its own",
            "let the models give one as a second output and name it: --score value --score-output NAME",
        )
    if options.golden < 0:
        raise PublishError(f"{options.golden} golden examples cannot be had", "give 0 or more")
    if not options.alphas:
        raise PublishError("no loss to promise is given", "name one with --alpha, such as 0.01")
    for alpha in options.alphas:
        _smallest(_method(options), alpha, options.delta)
    require_writable(options.out)
    require_replaceable(options.out, options.name)


def require_enough(options: PrepareOptions, calibrate: int) -> None:
    """Pass a calibration set with which the largest alpha can be promised. Raises PublishError: with the n it takes."""
    method, alpha = _method(options), max(options.alphas)
    needed = _smallest(method, alpha, options.delta)
    if calibrate < needed:
        raise PublishError(
            f"no promise can be made: alpha {alpha:g} at delta {options.delta:g} ({method.value}) needs {needed} "
            f"examples to calibrate on, and there are {calibrate}",
            f"give about {math.ceil(needed / SHARES[1])} examples in all, or a larger --alpha or --delta",
        )


def require_named(names: Sequence[str], shape: Sequence[int], whose: str) -> None:
    """Pass a name for each class of an answer of `shape`, -1 unknown. Raises PublishError: saying `whose` they are."""
    if any(not name.strip() or len(name.splitlines()) > 1 for name in names):
        raise PublishError(f"{whose}: a label is empty, or longer than a line", "one label a line")
    if shape[-1] >= 0 and len(names) != shape[-1]:
        raise PublishError(
            f"{whose}: {len(names)} labels for {shape[-1]} classes",
            "name all of them, in the order of the model's output, with --labels-file",
        )


def require_same_question(near: Sequence[int], far: Sequence[int]) -> None:
    """Pass answers of these shapes, rows first and -1 where open, of a device model and of the full one."""
    open_ends = not near or not far or -1 in (near[-1], far[-1])
    if not open_ends and near[-1] != far[-1]:
        raise PublishError(
            f"the device model answers with {near[-1]} numbers, the full model with {far[-1]}",
            "both models have to tell the same classes apart, a background class included",
        )


def require_better_than_chance(answers: Array, labels: Array) -> None:
    """Pass answers of the full model that have to do with the labels: classes, one each an example.

    A promise about a model that is right by chance alone holds whatever the device does, and says nothing."""
    right = float((answers == labels).mean())
    many = int(max(answers.max(), labels.max())) + 1
    answered, wanted = (np.bincount(part[part >= 0], minlength=many) / len(part) for part in (answers, labels))
    chance = float(answered @ wanted)
    if right <= chance:
        raise PublishError(
            f"the full model is right on {right:.1%} of the examples, and by chance it would be on {chance:.1%}",
            "look whether labels are in the model's order (--labels-file), and inputs prepared as it was trained on",
        )


def _method(options: PrepareOptions) -> Method:
    return Method.AGREEMENT if options.examples.labels is None else Method.LABELS


def _smallest(method: Method, alpha: float, delta: float) -> int:
    try:
        return smallest_n(method, alpha, delta)
    except CertifyError as error:
        raise PublishError(str(error), "see --alpha and --delta") from error
