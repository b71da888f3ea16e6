"""The recipe for text: a sentence becomes what each end's model reads, whatever its inputs are called and how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.columns import row_of
from cloud_service.publish.ends import File, Sentences
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.sentences import (
    SOURCE,
    Tokenizer,
    join_sentences,
    sentence_feeds,
    sentence_input,
)
from nearfar_wire.preparer import Preparer
from nearfar_wire.specs import TensorSpec
from tests.builders.sentences import said, sentences_model
from tests.builders.tokenizers import learnt_tokenizer, word_tokenizer

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

Array = np.ndarray[Any, Any]

TEXTS, LABELS = said(120)
WORDS = Tokenizer("tokenizer.json", word_tokenizer(sorted({word for text in TEXTS for word in text.split()})), 32)


def specs(*names: str, kind: str = "INT64", shape: Sequence[int] = (-1, -1)) -> list[TensorSpec]:
    return [TensorSpec(name, kind, tuple(shape)) for name in names]


def column(texts: Sequence[str]) -> dict[str, Array]:
    made = np.empty(len(texts), dtype=object)
    made[:] = [text.encode() for text in texts]
    return {SOURCE: made}


def gives(inputs: Sequence[TensorSpec]) -> dict[str, str]:
    feeds = sentence_feeds("it", inputs, WORDS)
    return {name: feed.steps[0].tokenize.gives for name, feed in feeds.items() if feed.steps[0].tokenize is not None}


NAMED = [
    pytest.param(("input_ids", "attention_mask"), ["ids", "mask"], id="as most exporters have it"),
    pytest.param(("input_ids", "attention_mask", "token_type_ids"), ["ids", "mask", "types"], id="with types"),
    pytest.param(("input_ids:0", "input_mask:0", "segment_ids:0"), ["ids", "mask", "types"], id="as TensorFlow has it"),
    pytest.param(("tokens",), ["ids"], id="one input, whatever its name"),
]


@pytest.mark.parametrize(("names", "wanted"), NAMED)
def test_inputs_are_known_by_their_names(names: tuple[str, ...], wanted: list[str]) -> None:
    assert list(gives(specs(*names)).values()) == wanted


REFUSED = [
    pytest.param(specs("input_ids", "position_ids"), "'position_ids' .* is none that a tokenizer gives", id="places"),
    pytest.param(specs("decoder_input_ids"), "'decoder_input_ids' .* is none", id="a decoder's"),
    pytest.param(
        specs("input_ids", "entity_ids"), "'input_ids' and 'entity_ids' both seem to be the token ids", id="two"
    ),
    pytest.param(specs("a", "b"), "'a' .* is none that a tokenizer gives", id="names that say nothing"),
    pytest.param(specs("attention_mask", "token_type_ids"), "has no input for token ids", id="no ids"),
    pytest.param(specs("input_ids", kind="FP32"), r"\(FP32, \[-1, -1\]\) is none", id="floats"),
    pytest.param(specs("input_ids", shape=(-1, 8, 8)), "is none that a tokenizer gives", id="three axes"),
]


@pytest.mark.parametrize(("inputs", "why"), REFUSED)
def test_what_no_tokenizer_gives_is_refused_by_name(inputs: list[TensorSpec], why: str) -> None:
    """Position ids used to be given the ids of tokens, because of their name, and nobody was told."""
    with pytest.raises(PublishError, match=why):
        sentence_feeds("it", inputs, WORDS)


def accuracy(content: bytes, tokenizer: Tokenizer) -> float:
    backend = OnnxBackend(content)
    feeds = sentence_feeds("it", backend.inputs, tokenizer)
    preparer = Preparer([sentence_input()], feeds, lambda _: tokenizer.content)
    made = [
        backend.new_run().execute(preparer.prepare(row_of(column(TEXTS), index)), ["scores"])["scores"][0]
        for index in range(len(TEXTS))
    ]
    return float((np.array(made).argmax(axis=1) == LABELS).mean())


READ = [
    pytest.param({}, id="any length"),
    pytest.param({"kind": "INT32"}, id="32-bit integers"),
    pytest.param({"tokens": 32}, id="a fixed length"),
    pytest.param({"inputs": ("input_ids", "attention_mask", "token_type_ids")}, id="with types"),
]


@pytest.mark.wide
@pytest.mark.parametrize("options", READ)
def test_a_model_reads_sentences_as_it_was_trained(options: dict[str, Any]) -> None:
    """A model of fixed length used to be given as many tokens as there were, which no runtime takes."""
    assert accuracy(sentences_model(WORDS.content, **options), WORDS) > 0.9


@pytest.mark.wide
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_tokenizers_of_parts_of_words_do_as_well(kind: Any) -> None:
    tokenizer = Tokenizer("tokenizer.json", learnt_tokenizer(kind, TEXTS), 64)
    assert accuracy(sentences_model(tokenizer.content), tokenizer) > 0.8


def test_a_fixed_length_is_filled_and_overrides_what_was_asked_for() -> None:
    feeds = sentence_feeds("it", specs("input_ids", "attention_mask", shape=(-1, 48)), WORDS)
    preparer = Preparer([sentence_input()], feeds, lambda _: WORDS.content)
    made = preparer.prepare(column(["rain", "play the song now"]))
    assert made["input_ids"].shape == (2, 48)
    assert made["attention_mask"].sum(axis=1).tolist() == [3, 6]


def test_a_longer_text_is_cut_to_max_length() -> None:
    short = Tokenizer("tokenizer.json", WORDS.content, 5)
    preparer = Preparer([sentence_input()], sentence_feeds("it", specs("input_ids"), short), lambda _: short.content)
    assert preparer.prepare(column(["rain " * 50]))["input_ids"].shape == (1, 5)


def test_both_ends_have_their_own_tokenizer_and_the_sentence_crosses_the_network() -> None:
    other = Tokenizer("device-tokenizer.json", learnt_tokenizer("bpe", TEXTS), 16)
    near, far = b"near", b"far"
    joined = join_sentences((near, specs("ids"), other), (far, specs("input_ids", "attention_mask"), WORDS))
    assert joined.send == "app"
    assert joined.files == {"device-tokenizer.json": other.content, "tokenizer.json": WORDS.content}
    near_step, far_step = (end.feeds[name].steps[0].tokenize for end, name in (
        (joined.device, "ids"), (joined.remote, "input_ids"),
    ))  # fmt: skip
    assert near_step is not None
    assert far_step is not None
    assert (near_step.max_length, far_step.max_length) == (16, 32)
    assert near_step.digest != far_step.digest


def test_two_tokenizers_of_one_name_are_refused() -> None:
    other = Tokenizer("tokenizer.json", learnt_tokenizer("bpe", TEXTS), 16)
    with pytest.raises(PublishError, match="both tokenizers are called"):
        join_sentences((b"", specs("ids"), other), (b"", specs("ids"), WORDS))


def test_examples_are_as_long_as_each_is_and_not_as_the_longest() -> None:
    """All used to be filled up to the longest of hundreds, and candidates were measured on that alone."""
    ends = Sentences({"full": WORDS})
    file = File("it", "full", b"", specs("input_ids", "attention_mask"), "scores")
    made = ends.tensors(file, column(["rain", "play the song now"]), None)
    assert [row.shape for row in made["input_ids"]] == [(3,), (6,)]
    assert row_of(made, 0)["attention_mask"].tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("content", [b"{}", b"\xff", b'{"normalizer": {"Regex": "(a+)+"}}'])
def test_a_file_that_is_no_tokenizer_or_no_bounded_one_is_refused_with_what_to_do(content: bytes) -> None:
    """Whoever prepared a release was shown a trace of calls."""
    ends = Sentences({"full": Tokenizer("tokenizer.json", content, 32)})
    file = File("it", "full", b"", specs("input_ids"), "scores")
    with pytest.raises(PublishError, match=r"tokenizer\.json: .*; give the tokenizer\.json that the model was trained"):
        ends.tensors(file, column(["rain"]), None)
