"""Examples as people keep them: folders of pictures, tables of sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.reading import read_pictures, read_sentences


def pictures(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def table(folder: Path, content: str | bytes, kind: str = "csv") -> Path:
    path = folder / f"data.{kind}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def labels_of(examples: Examples) -> list[int]:
    assert examples.labels is not None
    return [int(label) for label in examples.labels]


def test_folders_are_classes_in_the_order_of_the_label_file(tmp_path: Path) -> None:
    examples = read_pictures(pictures(tmp_path, "dog/1.jpg", "cat/1.JPEG", "cat/2.png"), ["dog", "cat"])
    assert examples.inputs["image"].tolist() == [b"cat/1.JPEG", b"cat/2.png", b"dog/1.jpg"]
    assert labels_of(examples) == [1, 1, 0]
    assert examples.origin(2) == "dog/1.jpg"
    assert examples.label_names is None


def test_folders_are_indices_where_all_are_numbers_and_else_counted_by_name(tmp_path: Path) -> None:
    assert labels_of(read_pictures(pictures(tmp_path / "a", "10/x.jpg", "2/x.jpg"), None)) == [10, 2]
    counted = read_pictures(pictures(tmp_path / "b", "dog/x.jpg", "cat/x.jpg"), None)
    assert labels_of(counted) == [0, 1]
    assert counted.label_names == ("cat", "dog")


def test_what_systems_leave_behind_is_no_class_and_strange_files_are_told(tmp_path: Path) -> None:
    """A folder .ipynb_checkpoints became a class, and moved every class behind it by one."""
    folder = pictures(
        tmp_path, "cat/1.jpg", "dog/1.jpg", ".ipynb_checkpoints/1.jpg", "__MACOSX/1.jpg", "dog/.1.jpg", "dog/2.webp"
    )
    examples = read_pictures(folder, None)
    assert len(examples) == 2
    assert "1 files were passed over" in examples.notes[0] and "2.webp" in examples.notes[0]


def test_without_labels_folders_say_nothing(tmp_path: Path) -> None:
    examples = read_pictures(pictures(tmp_path, "all/1.jpg", "all/2.jpg"), None, labelled=False)
    assert examples.labels is None and examples.label_names is None


@pytest.mark.parametrize(
    ("names", "known", "told"),
    [
        (("1.jpg",), None, "has no pictures"),
        (("cat/1.jpg", "cow/1.jpg"), ["cat", "dog"], "'cow' is none of the 2 labels"),
        (("cat/1.jpg", "cat/2.jpg"), ["cat", "dog"], "every label is 0"),
    ],
    ids=["not-by-class", "a-strange-class", "one-class"],
)
def test_a_folder_that_cannot_be_learnt_from_is_refused(
    tmp_path: Path, names: tuple[str, ...], known: list[str] | None, told: str
) -> None:
    with pytest.raises(PublishError, match=told):
        read_pictures(pictures(tmp_path, *names), known)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="is no folder"):
        read_pictures(tmp_path / "none", None)


CSV = '\ufefftext,intent,user,day\nhello,greet,u1,2026-01-02\n\n"a, b",ask,u2,2026-01-01\n'
JSONL = (
    '\ufeff{"text": "hello", "intent": "greet", "user": 1, "day": 7}\n\n'
    '{"text": "a, b", "intent": "ask", "user": 2, "day": 3}\n'
)


@pytest.mark.parametrize(("content", "kind"), [(CSV, "csv"), (JSONL, "jsonl")])
def test_a_table_is_read_with_a_mark_at_its_begin_and_blank_lines_in_it(
    tmp_path: Path, content: str, kind: str
) -> None:
    path = table(tmp_path, content, kind)
    examples = read_sentences(path, ["ask", "greet"], labels="intent", groups="user", times="day")
    assert examples.inputs["text"].tolist() == [b"hello", b"a, b"]
    assert labels_of(examples) == [1, 0]
    assert examples.groups is not None and len(set(examples.groups.tolist())) == 2
    assert examples.times is not None and examples.times[0] > examples.times[1]


def test_labels_of_other_tasks_are_numbers_or_lists_of_them(tmp_path: Path) -> None:
    one = read_sentences(table(tmp_path, "text,y\na,1.5\nb,-2\n"), None, labels="y", classes=False)
    assert one.labels is not None and one.labels.tolist() == [1.5, -2.0]
    lines = '{"text": "a", "y": [0, 1]}\n{"text": "b", "y": [1, 1]}\n'
    several = read_sentences(table(tmp_path, lines, "jsonl"), None, labels="y", classes=False)
    assert several.labels is not None and several.labels.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        ("", "csv", "has no rows"),
        ("text,y\n", "csv", "has no rows"),
        ("sentence,y\na,0\nb,1\n", "csv", "example 1 has no 'text'; there is sentence, y"),
        ("text,y\na,0\nb\n", "csv", "example 2 has no 'y'"),
        ("text,text,y\na,b,0\nc,d,1\n", "csv", "column 'text' stands twice"),
        (b"text,y\n\xff,0\n", "csv", "UnicodeDecodeError"),
        ("text,y\n" + "a" * 200_000 + ",0\n", "csv", r"cannot be read as a table \(Error\)"),
        ("text,y,when\na,0,1\nb,1,soon\n", "csv", "neither a number nor a date"),
        ('{"text": "a", "y": 0}\n[1]\n', "jsonl", "line 2 is no object"),
        ('{"text": "a", "y": 0}\n{"text"\n', "jsonl", "line 2 cannot be read as JSON"),
        ('{"text": 3, "y": 0}\n', "jsonl", "the text of example 1 is an int"),
        ('{"text": "a", "y": 0.5}\n', "jsonl", "the label of example 1 is a float"),
        ('{"text": "a", "y": true}\n', "jsonl", "the label of example 1 is a bool"),
        ('{"text": "\\ud800", "y": 0}\n', "jsonl", "half a character"),
        ("[" * 100_000, "jsonl", "line 1 cannot be read as JSON"),
        ('{"text": "a", "y": 0, "when": 1e999}\n{"text": "b", "y": 1, "when": 1}\n', "jsonl", "hold no time"),
        ("text,y\na,0\n", "tsv", "is not one of .csv, .jsonl"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(
    tmp_path: Path, content: str | bytes, kind: str, told: str
) -> None:
    times = "when" if b"when" in (content if isinstance(content, bytes) else content.encode()) else None
    with pytest.raises(PublishError, match=told):
        read_sentences(table(tmp_path, content, kind), None, labels="y", times=times)


def test_labels_that_are_no_numbers_are_refused_where_numbers_are_wanted(tmp_path: Path) -> None:
    lines = '{"text": "a", "y": [0, 1]}\n{"text": "b", "y": [1]}\n'
    with pytest.raises(PublishError, match="labels are of unlike length"):
        read_sentences(table(tmp_path, lines, "jsonl"), None, labels="y", classes=False)


@pytest.mark.parametrize("name", ["none.csv", "none.jsonl"])
def test_a_table_that_is_not_there_is_said_not_to_be(tmp_path: Path, name: str) -> None:
    """It was said to be no table, with the name of an exception."""
    with pytest.raises(PublishError, match=f"{name} cannot be read: No such file or directory; name a table"):
        read_sentences(tmp_path / name, None, labels=None)
