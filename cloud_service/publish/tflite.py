"""What a LiteRT file (.tflite) may be in a release: the device's model, if its user brings one, never the full one."""

from __future__ import annotations

from cloud_service.backends.opening import require_runtime
from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import inspect
from nearfar_wire.errors import ModelFileError
from nearfar_wire.tflite import is_tflite, read_tflite

__all__ = ["inspect_own", "require_no_tflite"]


def require_no_tflite(model: bytes) -> None:
    """Raise PublishError where the full `model` is a LiteRT file."""
    if is_tflite(model):
        problem = "the full model is a .tflite file, and the service serves ONNX"
        raise PublishError(problem, "give its ONNX export, and this file with --device-model")


def inspect_own(model: bytes) -> None:
    """Look at a user's own device `model`, of either kind; nothing of it is run.

    Raises PublishError: for what is unsafe or damaged. Raises MissingExtra: see require_runtime."""
    if not is_tflite(model):
        inspect(model)
        return
    require_runtime(model)
    try:
        read_tflite(model)
    except ModelFileError as error:
        raise PublishError(f"the device model cannot be used: {error.problem}", error.advice) from error
