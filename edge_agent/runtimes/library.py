"""onnxruntime, told to keep to itself. Whatever in this package wants it gets it here.

Its releases from 1.29 on report to their maker what they run, names and hashes of models among it, unless the
environment forbids that before they are first imported. Nothing leaves a device but by the agent's own door."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Final

__all__ = ["load_onnxruntime"]

_LOG: Final = logging.getLogger("nearfar.agent")
_FORBID: Final = "ORT_DISABLE_TELEMETRY"


def load_onnxruntime() -> Any:  # Any: onnxruntime publishes no types
    """Return the library; the first call takes a third of a second."""
    if "onnxruntime" in sys.modules and os.environ.get(_FORBID) != "1":
        _LOG.warning("onnxruntime was imported before the agent and may report what it runs; set %s=1", _FORBID)
    os.environ[_FORBID] = "1"
    import onnxruntime

    # For Windows, which has a switch of its own, and for an app that imported it before us: most events, but not all.
    onnxruntime.disable_telemetry_events()
    return onnxruntime
