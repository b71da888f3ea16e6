"""Text to tokens: cut, filled and masked as the manifest says; hostile text is refused or handled, in bounded time."""

from __future__ import annotations

import base64
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


WORDS = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}
LONGER = {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaa"}
PIECES = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a" * 300, -1.0]]}
WORD_PIECE = {
    "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    "vocab": {"[UNK]": 0, "a": 1, "##a": 2},
}  # fmt: skip
SPECIAL = {"SpecialToken": {"id": "[UNK]", "type_id": 0}}


def charsmap(*replacements: str) -> str:
    tree = bytes(8)
    content = len(tree).to_bytes(4, "little") + tree + b"".join(made.encode() + b"\0" for made in replacements)
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(
            bare_tokenizer(WORDS, normalizer={"type": "Sequence", "normalizers": [LONGER] * 12}),
            r"normalizer: it may make a text 1\.68e\+07 times as long",
            id="letters become a million",
        ),
        pytest.param(
            bare_tokenizer(WORDS, normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap("x" * 5000)}),
            "normalizer: it may make a text 5e",
            id="and by a table",
        ),
        pytest.param(
            bare_tokenizer(WORDS, normalizer={"type": "Replace", "pattern": {"Regex": "a*"}, "content": "b" * 500}),
            "normalizer: it may make a text 500 times",
            id="between letters",
        ),
        pytest.param(
            bare_tokenizer(WORDS, pre_tokenizer=SPLIT | {"pattern": {"Regex": "(a+)+$"}}),
            "pre_tokenizer: its pattern repeats what repeats, which may take for ever",
            id="a pattern that tries every way",
        ),
        pytest.param(
            bare_tokenizer(WORD_PIECE | {"max_input_chars_per_word": 10**8}),
            r"model\.max_input_chars_per_word: is 100000000, at most 256",
            id="words of any length",
        ),
        pytest.param(
            bare_tokenizer(WORD_PIECE | {"continuing_subword_prefix": "#" * 10_000}), r"model\.cont", id="a long prefix"
        ),
        pytest.param(bare_tokenizer(PIECES), r"model\.vocab: a piece is longer than 256", id="long pieces"),
        pytest.param(
            bare_tokenizer(WORDS, post_processor={"type": "TemplateProcessing", "single": [SPECIAL] * 1000}),
            "post_processor: it adds 1000 tokens",
            id="many special tokens",
        ),
        pytest.param(b" " * ((64 << 20) + 1), "longer than 67108864 bytes", id="huge"),
        pytest.param(b'{"normalizer":' * 50_000, "not a tokenizer.json", id="deep"),
        pytest.param(b"[]", "not a tokenizer.json", id="no object"),
    ],
)
def test_C9_a_tokenizer_whose_time_or_memory_nothing_bounds_is_refused_before_it_is_read(
    content: bytes, why: str
) -> None:
    """Two kilobytes of file filled all memory with a short text, and took an hour over another."""
    with pytest.raises(ManifestError, match=rf"t\.json: {why}"):
        Tokenizer("t.json", content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(bare_tokenizer(WORD_PIECE), id="word pieces"),
        pytest.param(
            bare_tokenizer(WORDS, normalizer={"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}),
            id="spaces put together",
        ),
        pytest.param(
            bare_tokenizer(WORDS, pre_tokenizer=SPLIT | {"pattern": {"Regex": r"\s+(?!\S)|\s+"}}), id="split at spaces"
        ),
    ],
)
def test_C9_a_tokenizer_of_the_usual_kind_is_read_and_takes_a_page_of_anything(content: bytes) -> None:
    page = np.array([b"a" * MAX_TEXT_BYTES, b" " * (MAX_TEXT_BYTES - 1) + b"a"], object)
    assert Tokenizer("t.json", content).encode("text", page, 8, fill=True).ids.shape == (2, 8)


def test_C9_so_many_empty_texts_are_too_many() -> None:
    """Each counted as nothing, and cost as much as another."""
    few, many = (np.full(count, b"", object) for count in (1000, MAX_TOGETHER_BYTES // 64 + 1))
    assert preparer().prepare({"text": few})["ids"].shape == (1000, 2)
    with pytest.raises(TensorError, match=r"text 16384 is too long: .*each counts as 64 at the least"):
        preparer().prepare({"text": many})


def test_threads_may_share_a_tokenizer() -> None:
    shared = preparer(max_length=4)
    long, short = texts(b"cat " * 50), texts(b"mat")
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda index: shared.prepare(long if index % 2 else short)["ids"].shape[1], range(200)))
    assert made == [3, 4] * 100
