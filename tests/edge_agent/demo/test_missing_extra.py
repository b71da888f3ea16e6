from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from edge_agent.demo.digits import load_digits
from edge_agent.demo.models import quantize, to_onnx, train_small
from edge_agent.demo.report import LiveTable
from nearfar_wire.errors import MissingExtra

DIGITS = load_digits()


@pytest.mark.parametrize(
    ("library", "use"),
    [
        pytest.param("sklearn", load_digits, id="digits"),
        pytest.param("sklearn", lambda: train_small(DIGITS.calibrate), id="training"),
        pytest.param("onnx", lambda: to_onnx([], "raw"), id="export"),
        pytest.param("onnx", lambda: quantize(b"", "raw", DIGITS.calibrate), id="quantization"),
        pytest.param("rich", lambda: LiveTable(io.StringIO()), id="live-table"),
    ],
)
def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, library: str, use: Callable[[], object]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=r"nearfar\[demo\]"):
        use()
