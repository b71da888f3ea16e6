"""What is right, as data says it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_service.publish.errors import PublishError
from cloud_service.publish.labels import label_indices, read_label_names, require_answerable


def names_in(folder: Path, content: bytes) -> list[str]:
    (folder / "labels.txt").write_bytes(content)
    return read_label_names(folder / "labels.txt")


def test_a_label_file_has_one_a_line_whatever_system_wrote_it(tmp_path: Path) -> None:
    assert names_in(tmp_path, b"\xef\xbb\xbfcat\r\n dog \r\nape") == ["cat", "dog", "ape"]


def test_a_label_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="cannot be read as text"):
        names_in(tmp_path, b"\xff\xfe\x00")


def test_a_label_file_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    """It was said not to be text."""
    with pytest.raises(PublishError, match=r"labels\.txt cannot be read: No such file or directory"):
        read_label_names(tmp_path / "labels.txt")


def test_two_classes_may_share_a_name_unless_an_example_is_called_by_it(tmp_path: Path) -> None:
    """ImageNet's own list, with its two kinds of crane, was refused whole."""
    names = names_in(tmp_path, b"hen\ncrane\nowl\ncrane \n")
    assert names == ["hen", "crane", "owl", "crane"]
    assert label_indices(["owl", "3", "1"], names)[0].tolist() == [2, 3, 1]
    with pytest.raises(PublishError, match="label 'crane' is classes 1 and 3; say which by its number"):
        label_indices(["owl", "crane"], names)


@pytest.mark.parametrize(
    ("labels", "names", "wanted"),
    [
        (["1", "0", "12"], None, [1, 0, 12]),
        (["b", "a", "b"], ["a", "b"], [1, 0, 1]),
        (["1", "a"], ["a", "b"], [1, 0]),
        (["1", "0"], ["1", "0"], [0, 1]),
        ([" b", "a "], ["a", "b"], [1, 0]),
        (["b", "10", "a"], None, [2, 0, 1]),
    ],
    ids=["numbers", "names", "a-number-among-names", "names-that-are-numbers", "spaces", "the-alphabet"],
)
def test_a_label_is_its_place_among_names_or_its_number(
    labels: list[str], names: list[str] | None, wanted: list[int]
) -> None:
    assert label_indices(labels, names)[0].tolist() == wanted


@pytest.mark.parametrize("label", ["c", "2", "-1", "1.0", "9" * 5000, "²"])
def test_a_label_that_is_none_of_the_names_is_refused(label: str) -> None:
    """A number beyond the names was taken as a class that no model has; one of 5,000 digits crashed."""
    with pytest.raises(PublishError, match="is none of the 2 labels"):
        label_indices(["a", label], ["a", "b"])


@pytest.mark.parametrize(
    ("task", "labels", "shape", "told"),
    [
        ("classification", [0, 3], [-1, 3], "label 3 stands in the data, and the model answers with 3 classes, 0 to 2"),
        ("multilabel", [[0, 1], [1, 1]], [-1, 3], "a label has 2 numbers, and an answer of the model 3"),
        ("regression", [[0.0, 1.0], [1.0, 1.0]], [-1, 1], "a label has 2 numbers"),
        ("embedding", [0.0, 1.0], [-1, 4], "a label has 1 numbers"),
    ],
)
def test_labels_that_no_answer_can_be_right_with_are_refused(
    task: str, labels: list[object], shape: list[int], told: str
) -> None:
    with pytest.raises(PublishError, match=told):
        require_answerable(task, np.array(labels), shape)


def test_labels_that_fit_pass_and_an_open_shape_says_nothing() -> None:
    require_answerable("classification", np.array([0, 2]), [-1, 3])
    require_answerable("regression", np.array([0.5, 2.5]), [-1, 1])
    require_answerable("regression", np.array([0.5, 2.5]), [-1])
    require_answerable("classification", np.array([0, 99]), [-1, -1])
