"""Sentences of a few words, each of the kind of most of its words; and models that know these words, or nearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.builders.tokenizers import word_tokenizer

__all__ = ["Utterances", "utterances"]

_KINDS = 4
_WORDS = [f"{kind}{number}" for kind in ("ask", "buy", "call", "drop") for number in range(5)]
_SPECIAL = 4  # of word_tokenizer


@dataclass(frozen=True)
class Utterances:
    """`full` and `small` are ONNX files: `input_ids` and `attention_mask` INT64 [n, tokens] in, `logits` out."""

    texts: NDArray[np.object_]
    labels: NDArray[np.int64]
    tokenizer: bytes
    full: bytes
    small: bytes


def utterances(count: int = 900, *, seed: int = 0) -> Utterances:
    """Return `count` sentences; the small model takes some words for others."""
    chance = np.random.default_rng(seed)
    drawn = [chance.integers(0, len(_WORDS), chance.integers(3, 12)) for _ in range(count)]
    texts = np.empty(count, dtype=object)
    texts[:] = [" ".join(_WORDS[word] for word in words).encode() for words in drawn]
    labels = np.array([np.bincount(words // 5, minlength=_KINDS).argmax() for words in drawn])
    known = np.zeros((_SPECIAL + len(_WORDS), _KINDS), np.float32)
    known[np.arange(len(_WORDS)) + _SPECIAL, np.arange(len(_WORDS)) // 5] = 1
    # Of two kinds with as many words the first counts.
    known[_SPECIAL:] += np.linspace(0.02, 0, _KINDS, dtype=np.float32)
    muddled = known + chance.normal(0, 0.35, known.shape).astype(np.float32)
    return Utterances(texts, labels, word_tokenizer(_WORDS), _model(known), _model(muddled))


def _model(table: NDArray[np.float32]) -> bytes:
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["read"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["read", "last"], ["weight"]),
        helper.make_node("Mul", ["each", "weight"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "middle"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "words",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", _KINDS])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()
