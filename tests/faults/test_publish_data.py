"""Faults of calibration data: each is refused with the reason, before anything is written, and so says the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_service.cli import main
from router.cascade.learn import Method, smallest_n
from tests.builders.questions import question

ASKED = question("classification", count=1200)
GROUPS = np.arange(1200) // 2


def calibration(**changed: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": ASKED.inputs, "y": ASKED.labels, "who": GROUPS, "when": np.arange(1200)} | changed


def with_nan() -> np.ndarray:
    inputs = ASKED.inputs.copy()
    inputs[[3, 700], 0] = np.nan
    return inputs


def with_copies() -> np.ndarray:
    inputs = ASKED.inputs.copy()
    inputs[600:] = inputs[:600]
    return inputs


def with_a_user_who_stays() -> np.ndarray:
    groups = GROUPS.copy()
    groups[-1] = groups[0]
    return groups


ALL = ("--labels", "y", "--groups", "who", "--time", "when")


@pytest.mark.wide
@pytest.mark.parametrize(
    ("columns", "flags", "told"),
    [
        pytest.param(
            calibration(y=np.zeros(1200, int)), ALL, "every label is 0; a promise needs examples of several classes",
            id="one-class",
        ),
        pytest.param(
            calibration(x=with_copies()), ALL, "600 of 1200 examples repeat the input of an earlier one",
            id="duplicates",
        ),
        pytest.param(
            calibration(x=with_nan()), ALL, "column 'x': 2 rows hold NaN or infinity; leave these examples out",
            id="nan",
        ),
        pytest.param(
            calibration(who=with_a_user_who_stays()), ALL,
            "1 examples are of the time of a later set, because the same input or group stands in both",
            id="a-leak-between-sets",
        ),
        pytest.param(
            calibration(y=ASKED.labels + 10), ALL, "the model answers with 4 classes, 0 to 3",
            id="labels-of-another-model",
        ),
        pytest.param(
            calibration(), (*ALL, "--alpha", "0.0005"),
            f"alpha 0.0005 at delta 0.1 (labels) needs {smallest_n(Method.LABELS, 0.0005, 0.1)} examples",
            id="alpha-impossible-for-n",
        ),
        pytest.param(
            calibration(), (*ALL, "--alpha", "0.01", "--delta", "0.0001"), "alpha 0.01 at delta 0.0001 (labels) needs",
            id="delta-impossible-for-n",
        ),
        pytest.param(
            {name: column[:40] for name, column in calibration().items()}, (*ALL, "--alpha", "0.05"),
            f"needs {smallest_n(Method.LABELS, 0.05, 0.1)} examples to calibrate on, and there are 18; give about",
            id="too-few-examples",
        ),
    ],
)  # fmt: skip
def test_data_that_no_promise_can_stand_on_is_refused_with_the_reason(
    tmp_path: Path,
    columns: dict[str, np.ndarray],
    flags: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, data, out = tmp_path / "m.onnx", tmp_path / "data.npz", tmp_path / "release"
    model.write_bytes(ASKED.full)
    np.savez(data, **columns)  # type: ignore[arg-type]  (numpy's stub takes the first for a flag)
    assert main(["prepare", str(model), "--data", str(data), "--out", str(out), *flags]) == 1
    assert told in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.wide
@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"picture": np.zeros((400, 8, 8, 3), np.uint8)}, "'image': is missing"),
        ({"image": np.zeros((400, 8, 8, 3), np.uint8)}, "are handed in with --pixels"),
        ({"image": np.array([b"x"] * 400), "label": np.zeros(400)}, "'label': is not wanted"),
    ],
    ids=["another-name", "pixels", "a-column-more"],
)
def test_columns_that_are_not_what_the_app_hands_in_are_refused(
    tmp_path: Path, columns: dict[str, np.ndarray], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A column of another name ended in a KeyError; one that no flag named was passed over, labels among them."""
    from tests.builders.photographs import classifier

    (tmp_path / "m.onnx").write_bytes(classifier())
    np.savez(tmp_path / "data.npz", **{name: _unlike(column) for name, column in columns.items()})  # type: ignore[arg-type]
    flags = ["--recipe", "image", "--normalise", "unit", "--alpha", "0.05", "--out", str(tmp_path / "release")]
    assert main(["prepare", str(tmp_path / "m.onnx"), "--data", str(tmp_path / "data.npz"), *flags]) == 1
    assert told in capsys.readouterr().err


def _unlike(column: np.ndarray) -> np.ndarray:
    """Return rows that differ: repeated ones are refused for that."""
    if column.dtype.kind == "S":
        return np.array([b"%d" % index for index in range(len(column))])
    column.reshape(len(column), -1)[:, 0] = np.arange(len(column)) % 200
    column.reshape(len(column), -1)[:, -1] = np.arange(len(column)) // 200
    return column


@pytest.mark.slow
def test_an_empty_file_among_pictures_is_said_to_be_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was said to be no picture for a "SyntaxError", of which its owner knew nothing."""
    from tests.builders.photographs import classifier, photographs

    folder = photographs(tmp_path / "photos", 200)
    (folder / "1/0007.png").write_bytes(b"")
    (tmp_path / "m.onnx").write_bytes(classifier())
    flags = ["--recipe", "image", "--normalise", "unit", "--alpha", "0.05", "--out", str(tmp_path / "release")]
    assert main(["prepare", str(tmp_path / "m.onnx"), "--data", str(folder), *flags]) == 1
    assert "1/0007.png is not a JPEG or PNG file: it is empty; leave it out" in capsys.readouterr().err


@pytest.mark.slow
def test_C10_a_damaged_picture_among_many_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was refused as "image 11", of some five hundred that were prepared together."""
    from tests.builders.photographs import classifier, photographs

    folder = photographs(tmp_path / "photos", 200)
    (folder / "1/0007.png").write_bytes((folder / "1/0007.png").read_bytes()[:90])
    (tmp_path / "m.onnx").write_bytes(classifier())
    flags = ["--recipe", "image", "--normalise", "unit", "--alpha", "0.05", "--out", str(tmp_path / "release")]
    assert main(["prepare", str(tmp_path / "m.onnx"), "--data", str(folder), *flags]) == 1
    assert "1/0007.png is cut off; leave it out" in capsys.readouterr().err
