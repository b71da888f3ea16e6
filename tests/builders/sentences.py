"""Sentences that ask for something, and models that tell what: a task of its own, made from scratch.

A model is logistic regression on the tokens of a sentence: rows of a table, added up where the mask says so."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.builders.graphs import Graph

__all__ = ["WISHES", "said", "sentences_model"]

Array = NDArray[Any]  # Any: texts, labels or weights

WISHES: Final = ("weather", "music", "alarm")
_WORDS: Final = {
    "weather": ("rain", "sunny", "forecast", "umbrella", "degrees", "storm"),
    "music": ("song", "play", "volume", "album", "singer", "louder"),
    "alarm": ("wake", "clock", "remind", "minutes", "timer", "snooze"),
}
_FILLING: Final = ("please", "the", "a", "could", "you", "tell", "me", "is", "it", "today", "now", "for", "and", "my")


def said(count: int, *, seed: int = 0) -> tuple[list[str], Array]:
    """Return `count` sentences of unlike length and what they ask for, as places in WISHES."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, len(WISHES), count)
    texts: list[str] = []
    for label in labels:
        words = [*chance.choice(_FILLING, int(chance.integers(1, 12)))]
        words += [*chance.choice(_WORDS[WISHES[label]], int(chance.integers(1, 3)))]
        # Now and then a word of something else: no model is right about all of them.
        words += [chance.choice(_WORDS[WISHES[int(chance.integers(3))]])] if chance.random() < 0.3 else []
        texts.append(" ".join(str(word) for word in chance.permutation(words)))
    return texts, labels


def sentences_model(
    tokenizer: bytes,
    *,
    tokens: int | str = "tokens",
    kind: str = "INT64",
    inputs: tuple[str, ...] = ("input_ids", "attention_mask"),
    trained_on: int = 600,
) -> bytes:
    """Return a model of `inputs` [n, tokens] and output "scores" [n, 3]; the first are ids, the second is the mask."""
    table, offsets = _trained(tokenizer, trained_on)
    graph = Graph()
    rows = graph.add("Gather", graph.constant(table), inputs[0])
    if len(inputs) > 1:
        mask = graph.add("Cast", inputs[1], to=1)
        rows = graph.add("Mul", rows, graph.add("Unsqueeze", mask, graph.constant([2], np.int64)))
    for more in inputs[2:]:  # read, and without effect
        nothing = graph.add("Mul", graph.add("Cast", more, to=1), graph.constant(0.0))
        rows = graph.add("Add", rows, graph.add("Unsqueeze", nothing, graph.constant([2], np.int64)))
    total = graph.add("ReduceSum", rows, graph.constant([1], np.int64), keepdims=0)
    graph.add("Add", total, graph.constant(offsets), output="scores")
    ports = [(name, kind, ("n", tokens)) for name in inputs]
    return graph.model(ports, [("scores", "FP32", ("n", len(WISHES)))])


def _trained(tokenizer: bytes, count: int) -> tuple[Array, Array]:
    from sklearn.linear_model import LogisticRegression
    from tokenizers import Tokenizer

    library = Tokenizer.from_str(tokenizer.decode())
    texts, labels = said(count, seed=77)
    counts = np.zeros((count, library.get_vocab_size()))
    for row, text in enumerate(texts):
        np.add.at(counts[row], library.encode(text).ids, 1)
    fitted = LogisticRegression(max_iter=300).fit(counts, labels)
    return fitted.coef_.T, fitted.intercept_
