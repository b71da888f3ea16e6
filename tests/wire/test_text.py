"""Text to tokens: cut, filled and masked as the manifest says; hostile text is refused or handled, in bounded time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nearfar_wire.digest import digest_of
from nearfar_wire.errors import DigestMismatch, ManifestError, TensorError
from nearfar_wire.manifest import Feed, InputSpec, Step, Tokenize
from nearfar_wire.preparer import Preparer
from nearfar_wire.text import MAX_TEXT_BYTES, MAX_TOGETHER_BYTES, Tokenizer
from tests.builders.tokenizers import bare_tokenizer, word_tokenizer

CONTENT = word_tokenizer(["the", "cat", "sat", "on", "mat"])
INPUT = InputSpec(name="text", datatype="BYTES", shape=[-1], encoding="text")
# [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, then the words.
CAT, MAT = 5, 8


def preparer(content: bytes = CONTENT, max_length: int = 6, **more: str) -> Preparer:
    def step(gives: str) -> Step:
        given = {"file": "t.json", "digest": digest_of(content), "max_length": max_length, "gives": gives, **more}
        return Step(tokenize=Tokenize.model_validate(given))

    feeds = {gives: Feed(source="text", datatype="INT64", steps=[step(gives)]) for gives in ("ids", "mask", "types")}
    return Preparer([INPUT], feeds, lambda file: content)


def texts(*elements: bytes) -> dict[str, np.ndarray]:
    return {"text": np.array(elements, dtype=object)}


def test_rows_are_filled_up_to_the_longest_and_masked() -> None:
    made = preparer().prepare(texts(b"the cat", b"mat"))
    assert made["ids"].tolist() == [[2, 4, CAT, 3], [2, MAT, 3, 0]]
    assert made["mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert made["types"].tolist() == [[0] * 4] * 2
    assert made["ids"].dtype == np.int64


def test_a_model_of_fixed_length_gets_that_length() -> None:
    assert preparer(pad="max_length").prepare(texts(b"mat"))["ids"].tolist() == [[2, MAT, 3, 0, 0, 0]]


def test_a_long_text_is_cut_and_keeps_its_special_tokens() -> None:
    made = preparer(max_length=4).prepare(texts(b"cat " * 50))
    assert made["ids"].tolist() == [[2, CAT, CAT, 3]]


def test_no_texts_make_no_rows() -> None:
    assert preparer().prepare(texts())["ids"].shape == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"cat\x00mat", id="NUL"),
        pytest.param("\u202ecat\u202c \u200fmat".encode(), id="right to left"),
        pytest.param(("c" + "\u0301" * 5000).encode(), id="zalgo"),
        pytest.param(b"a" * MAX_TEXT_BYTES, id="one endless word"),
    ],
)
def test_strange_text_is_tokens_like_any_other(text: bytes) -> None:
    made = preparer().prepare(texts(text))
    assert made["ids"].shape[0] == 1
    assert made["ids"].shape[1] <= 6


def test_a_length_of_one_leaves_one_token_also_of_a_long_text() -> None:
    for text in (b"mat", b"cat " * 50):
        made = preparer(max_length=1).prepare(texts(text))
        assert made["ids"].tolist() == [[2]]
        assert made["mask"].tolist() == [[1]]


def test_a_text_of_which_no_token_is_left_is_refused() -> None:
    """It was a row of nothing, the mean over which is no number."""
    silent = Tokenizer("t.json", bare_tokenizer({"type": "BPE", "vocab": {"a": 0}, "merges": []}))
    assert silent.encode("text", np.array([b"aa"], object), 4, fill=False).ids.tolist() == [[0, 0]]
    for text in (b"", b"zzz"):
        with pytest.raises(TensorError, match="text 1 has no token that the model knows; leave it out"):
            silent.encode("text", np.array([b"a", text], object), 4, fill=True)


def test_what_the_library_cannot_do_is_a_fault_of_the_text_and_quotes_nothing() -> None:
    """The library's own error went through, which nobody upstream knows."""
    words = {"type": "WordLevel", "vocab": {"a": 1}, "unk_token": "[UNK]"}  # which the vocabulary lacks
    with pytest.raises(TensorError, match=r"text 0 cannot be made tokens of \(Exception\)") as refused:
        Tokenizer("t.json", bare_tokenizer(words)).encode("text", np.array([b"secret"], object), 4, fill=False)
    assert "secret" not in str(refused.value)


def test_text_that_an_app_gives_as_str_is_bounded_by_its_bytes() -> None:
    long = np.array(["\u20ac" * (MAX_TEXT_BYTES // 3 + 1)], object)
    with pytest.raises(TensorError, match="text 0 is too long"):
        preparer().prepare({"text": long})
    half = np.array(["cat", "half \ud800"], object)
    with pytest.raises(TensorError, match="text 1 is not UTF-8"):
        preparer().prepare({"text": half})


@pytest.mark.parametrize(
    ("elements", "problem"),
    [
        pytest.param((b"\xff\xfe",), "text 0 is not UTF-8", id="invalid"),
        pytest.param((b"ok", "\ud800".encode("utf-8", "surrogatepass")), "text 1 is not UTF-8", id="lone surrogate"),
        pytest.param((b"a" * (MAX_TEXT_BYTES + 1),), "text 0 is too long", id="too long"),
        pytest.param((b"a" * MAX_TEXT_BYTES,) * (MAX_TOGETHER_BYTES // MAX_TEXT_BYTES + 1), "text 16", id="together"),
        pytest.param((b"a" * (10 << 20),), "text 0 is too long", id="10 MB"),
    ],
)
def test_hostile_text_is_refused_by_place_and_never_quoted(elements: tuple[bytes, ...], problem: str) -> None:
    with pytest.raises(TensorError, match=problem):
        preparer().prepare(texts(*elements))


def test_another_tokenizer_than_the_recorded_one_is_refused() -> None:
    step = Step(tokenize=Tokenize(file="t.json", digest=digest_of(b"other"), max_length=4, gives="ids"))
    with pytest.raises(DigestMismatch, match=r"t\.json"):
        Preparer([INPUT], {"ids": Feed(source="text", datatype="INT64", steps=[step])}, lambda file: CONTENT)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000, CONTENT[:-20]])
def test_a_damaged_tokenizer_is_a_fault_of_its_file(content: bytes) -> None:
    with pytest.raises(ManifestError, match=r"t\.json: not a tokenizer\.json"):
        preparer(content)


def test_threads_may_share_a_tokenizer() -> None:
    shared = preparer(max_length=4)
    long, short = texts(b"cat " * 50), texts(b"mat")
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda index: shared.prepare(long if index % 2 else short)["ids"].shape[1], range(200)))
    assert made == [3, 4] * 100
