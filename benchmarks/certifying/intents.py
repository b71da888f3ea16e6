"""A pair of classifiers of sentences, trained here on CLINC150: 150 intents, and sentences that are none of them.

Both are logistic regressions on counts of tokens, summed over the sentence as fastText's are: of 600 words on the
device, of 3,000 word pieces in the cloud. Each is an ONNX graph of a few nodes beside a tokenizer, so that an app hands
in a sentence. Trained on the first 60 sentences of each intent; the other 60 are what is certified on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from benchmarks.certifying.outcomes import Pair, Progress, ask
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.ends import Sentences
from cloud_service.publish.recipes.sentences import SOURCE, Tokenizer

__all__ = ["clinc150"]

_TRAINED_ON: Final = 60
_MAX_TOKENS: Final = 32
_WORDS: Final = 600
_PIECES: Final = 3000


def clinc150(data: Path, progress: Progress) -> Pair:
    """Return the pair on 9,000 sentences in scope, and on 200 out of scope."""
    with gzip.open(data / "clinc150" / "data_train_val.json.gz") as file:
        told = json.load(file)
    intents = sorted({intent for _, intent in told["train"]})
    by_intent: dict[str, list[str]] = {intent: [] for intent in intents}
    for sentence, intent in told["train"]:
        by_intent[intent].append(sentence)
    trained = [(sentence, index) for index, name in enumerate(intents) for sentence in by_intent[name][:_TRAINED_ON]]
    held = [(sentence, index) for index, name in enumerate(intents) for sentence in by_intent[name][_TRAINED_ON:]]
    held += [(sentence, intents.index(intent)) for sentence, intent in told["val"]]
    strange = [(sentence, 0) for sentence, _ in told["oos_train"] + told["oos_val"]]

    progress("CLINC150: train both models", 0, 2)
    device, near = _trained("words.json", "word", _WORDS, trained)
    progress("CLINC150: train both models", 1, 2)
    remote, far = _trained("pieces.json", "piece", _PIECES, trained)
    progress("CLINC150: train both models", 2, 2)
    ends = Sentences({"own": near, "full": far})
    outcomes, confidences = ask("clinc150", ends, device, remote, _examples(held), progress)
    odd, odd_confidences = ask("clinc150", ends, device, remote, _examples(strange), progress)
    about = "logistic, 600 words / 3,000 word pieces"
    return Pair("CLINC150", about, outcomes, confidences, odd_confidences, odd)


def _trained(
    file: str, kind: Literal["word", "piece"], size: int, trained: Sequence[tuple[str, int]]
) -> tuple[bytes, Tokenizer]:
    from sklearn.linear_model import SGDClassifier

    tokenizer = _tokenizer(file, kind, size, trained)
    model = SGDClassifier(loss="log_loss", alpha=1e-4, max_iter=30, tol=None, random_state=0)
    model.fit(_counts(tokenizer, trained), [label for _, label in trained])
    return _summed(model.coef_.T, model.intercept_), tokenizer


def _tokenizer(file: str, kind: Literal["word", "piece"], size: int, trained: Sequence[tuple[str, int]]) -> Tokenizer:
    from tokenizers import Tokenizer as Made
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    model, trainer = (
        (models.WordLevel, trainers.WordLevelTrainer)
        if kind == "word"
        else (models.WordPiece, trainers.WordPieceTrainer)
    )
    made = Made(model(unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = trainer(vocab_size=size, special_tokens=["[PAD]", "[UNK]"], show_progress=False)
    made.train_from_iterator([sentence for sentence, _ in trained], special)
    return Tokenizer(file, made.to_str().encode(), _MAX_TOKENS)


def _counts(tokenizer: Tokenizer, sentences: Sequence[tuple[str, int]]) -> Any:  # Any: a sparse matrix
    from scipy.sparse import csr_matrix
    from tokenizers import Tokenizer as Made

    made = Made.from_str(tokenizer.content.decode())
    ids = [made.encode(sentence).ids[:_MAX_TOKENS] for sentence, _ in sentences]
    rows = np.repeat(np.arange(len(ids)), [len(part) for part in ids])
    columns = np.concatenate([np.array(part, dtype=int) for part in ids])
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(ids), made.get_vocab_size()))


def _summed(matrix: Array, bias: Array) -> bytes:
    """Return a graph: the matrix' rows summed over the tokens that count, and the bias."""
    from onnx import TensorProto, helper, numpy_helper

    weights = [
        numpy_helper.from_array(matrix.astype(np.float32), "matrix"),
        numpy_helper.from_array(bias.astype(np.float32), "bias"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "tokens"),
        numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
    ]
    nodes = [
        helper.make_node("Gather", ["matrix", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["counts"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["counts", "last"], ["column"]),
        helper.make_node("Mul", ["rows", "column"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "tokens"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "bias"], ["logits"]),
    ]
    tokens = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", matrix.shape[1]])
    graph = helper.make_graph(nodes, "intents", tokens, [logits], weights)
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())


def _examples(sentences: Sequence[tuple[str, int]]) -> Examples:
    column = np.empty(len(sentences), dtype=object)
    column[:] = [sentence.encode() for sentence, _ in sentences]
    return Examples({SOURCE: column}, np.array([label for _, label in sentences]))
