"""What a request may cost before it is found good: 20 times its bytes, and a tenth of a second, whatever is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the peak of a process' memory is told by POSIX systems only")

from tests.wire.price import BOMBS

pytestmark = pytest.mark.wide

_PRICE = Path(__file__).parents[1] / "wire" / "price.py"
_MESSAGE_BYTES = 16 << 20
_CPU_S = 0.1
_TIMES = 20
# What Python and numpy take for themselves when a piece of them is first used.
_NOISE_BYTES = 1 << 20


@pytest.mark.parametrize("bomb", BOMBS)
def test_C7_a_request_costs_at_most_20_times_its_bytes_and_a_tenth_of_a_second(bomb: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(_PRICE), bomb, str(_MESSAGE_BYTES)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    told = json.loads(ran.stdout)
    assert told["grown"] <= _TIMES * told["bytes"] + _NOISE_BYTES
    assert told["cpu_s"] <= _CPU_S
