"""Hostile model files, given to whoever prepares a release: refused by name, and the one who prepares lives on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.prepare import Prepared, PrepareOptions, prepare
from tests.builders.graphs import allocating, endless, weighing

pytestmark = pytest.mark.wide

CHANCE = np.random.default_rng(0)
X = CHANCE.standard_normal((400, 16)).astype(np.float32)
# More than what a model may take beside the runtime, whatever machine this is.
BOMB = allocating(64)


def prepared(out: Path, model: bytes, *, patience_s: float = 15, **options: Any) -> Prepared:
    return prepare(
        PrepareOptions(
            name="it", model=model, examples=Examples({"x": X}), out=out / "release", alphas=(0.05,),
            patience_s=patience_s, **options,
        )
    )  # fmt: skip


def test_D15_a_full_model_that_wants_all_memory_is_refused(tmp_path: Path) -> None:
    """It used to be run by the process itself that prepares, before anything else had tried it."""
    with pytest.raises(PublishError, match="wants more memory than"):
        prepared(tmp_path, BOMB)
    assert not (tmp_path / "release").exists()


def test_D15_an_own_model_that_wants_all_memory_is_left_out(tmp_path: Path) -> None:
    made = prepared(tmp_path, weighing().content, device_model=BOMB)
    assert {row.name: row.skipped for row in made.compression.measured}["own"].startswith("it wants more memory")
    assert made.compression.chosen.name != "own"


def test_D16_a_full_model_that_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="did not end within 4 s"):
        prepared(tmp_path, endless(), patience_s=4)
    assert not (tmp_path / "release").exists()


@pytest.mark.slow
def test_D16_an_own_model_that_never_ends_is_left_out(tmp_path: Path) -> None:
    made = prepared(tmp_path, weighing().content, device_model=endless())
    assert {row.name: row.skipped for row in made.compression.measured}["own"] == "it did not end within 15 s"
