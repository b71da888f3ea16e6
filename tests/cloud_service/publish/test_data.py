"""What examples have to be before anything is learnt from them."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_service.publish.data import Examples, checked
from cloud_service.publish.errors import PublishError

X = np.arange(12, dtype=np.float32).reshape(4, 3)
CLASSES = np.array([0, 1, 1, 2])


def objects(*elements: object) -> np.ndarray:
    made = np.empty(len(elements), dtype=object)
    made[:] = elements
    return made


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        pytest.param(Examples({}), "no input", id="no-input"),
        pytest.param(Examples({"x": X[:0]}), "no example", id="no-example"),
        pytest.param(Examples({"x": np.float32(1)}), "one value", id="one-value"),  # type: ignore[dict-item]
        pytest.param(Examples({"x": X, "z": X[:3]}), "unlike length: x 4, z 3", id="unlike-inputs"),
        pytest.param(Examples({"x": X}, CLASSES[:3]), "x 4, labels 3", id="unlike-labels"),
        pytest.param(Examples({"x": np.where(X == 5, np.nan, X)}, CLASSES), "'x': 1 rows hold NaN", id="nan"),
        pytest.param(Examples({"x": np.where(X > 5, np.inf, X)}, CLASSES), "'x': 2 rows hold NaN", id="infinity"),
        pytest.param(Examples({"x": X.astype(complex)}), "holds complex128", id="complex"),
        pytest.param(Examples({"x": objects(b"a", b"b", "c", b"d")}), "objects that are no bytes", id="text"),
        pytest.param(Examples({"x": X}, CLASSES.astype(float)), "labels are float64", id="labels-with-a-point"),
        pytest.param(Examples({"x": X}, CLASSES.reshape(4, 1)), "of shape [4, 1]", id="labels-in-a-column"),
        pytest.param(Examples({"x": X}, np.array(list("abca"))), "labels are <U1", id="labels-as-text"),
        pytest.param(Examples({"x": X}, CLASSES - 1), "negative", id="negative"),
        pytest.param(Examples({"x": X}, np.full(4, 7)), "every label is 7", id="one-class"),
        pytest.param(Examples({"x": X}, groups=X), "'groups' has shape [4, 3]", id="groups-of-two-axes"),
        pytest.param(Examples({"x": X}, groups=X[:, 0] * np.nan), "'groups': 4 rows hold NaN", id="groups-nan"),
        pytest.param(Examples({"x": X}, times=X), "'times' has shape [4, 3]", id="times-of-two-axes"),
        pytest.param(Examples({"x": X}, times=np.array(list("abcd"))), "times are <U1", id="times-as-text"),
        pytest.param(
            Examples({"x": X}, times=np.array(["2026-01-01", "NaT", "2026-01-02", "NaT"], dtype="datetime64[D]")),
            "2 rows hold no time",
            id="no-time",
        ),
    ],
)
def test_what_could_poison_a_promise_is_refused_with_what_to_do(examples: Examples, told: str) -> None:
    with pytest.raises(PublishError) as refused:
        checked(examples)
    assert told in refused.value.problem
    assert refused.value.advice


def test_labels_of_other_tasks_are_numbers_and_not_all_the_same() -> None:
    assert checked(Examples({"x": X}, X[:, 0]), classes=False).labels is not None
    assert checked(Examples({"x": X}, X > 4), classes=False).labels is not None
    with pytest.raises(PublishError, match="every label is the same"):
        checked(Examples({"x": X}, np.ones((4, 2))), classes=False)
    with pytest.raises(PublishError, match="labels are <U1"):
        checked(Examples({"x": X}, np.array(list("abcd"))), classes=False)


def test_dates_become_seconds() -> None:
    days = np.array(["1970-01-02", "1970-01-01", "1970-01-03", "1970-01-04"], dtype="datetime64[D]")
    found = checked(Examples({"x": X}, times=days)).times
    assert found is not None
    assert found.tolist() == [86400, 0, 172800, 259200]


def test_two_examples_have_the_same_key_exactly_if_their_inputs_are_the_same() -> None:
    column = np.array([[1, 2], [1, 2], [2, 1]], dtype=np.float32)
    same, again, other = Examples({"x": column, "t": objects(b"a", b"a", b"a")}).keys()
    assert same == again != other
    assert len(set(Examples({"a": objects(b"x", b"xy"), "b": objects(b"yz", b"z")}).keys())) == 2


def test_keys_of_several_bytes_a_row_are_of_what_they_hold() -> None:
    """An array of objects holds addresses, and these were digested: equal rows differed, and copies were not seen."""
    rows = np.array([[b"left".ljust(40), b"right"], [bytes(bytearray(b"left".ljust(40))), b"right"]], dtype=object)
    assert len(set(Examples({"x": rows}).keys())) == 1


def test_an_example_is_named_by_where_it_comes_from() -> None:
    assert Examples({"x": X}).origin(0) == "example 1"
    assert Examples({"x": X}, origins=("a.jpg", "b.jpg", "c.jpg", "d.jpg")).origin(2) == "c.jpg"
