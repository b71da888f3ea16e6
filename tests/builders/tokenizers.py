"""Tokenizers as `tokenizer.json` files hold them: of a handful of words, or learnt from some sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

__all__ = ["bare_tokenizer", "learnt_tokenizer", "word_tokenizer"]

_SPECIAL: Final = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def word_tokenizer(words: Sequence[str]) -> bytes:
    """Return a tokenizer that knows `words`, each one token; [CLS] stands before every text and [SEP] behind it."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: index for index, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return _between_marks(tokenizer)


def learnt_tokenizer(
    kind: Literal["wordpiece", "bpe", "unigram"], sentences: Sequence[str], *, size: int = 200
) -> bytes:
    """Return a tokenizer of parts of words, learnt from `sentences`; [CLS] and [SEP] as above."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made: dict[str, tuple[Any, Any]] = {  # Any: the library publishes no types
        "wordpiece": (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer),
        "bpe": (models.BPE(unk_token="[UNK]"), trainers.BpeTrainer),
        "unigram": (models.Unigram(), trainers.UnigramTrainer),
    }
    model, trainer = made[kind]
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    more = {"unk_token": "[UNK]"} if kind == "unigram" else {}
    learning = trainer(vocab_size=size, special_tokens=_SPECIAL, show_progress=False, **more)
    tokenizer.train_from_iterator(sentences, learning)
    return _between_marks(tokenizer)


def _between_marks(tokenizer: Any) -> bytes:  # Any: as above
    from tokenizers import processors

    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    content: bytes = tokenizer.to_str().encode()
    return content


def bare_tokenizer(model: Mapping[str, Any], **parts: Any) -> bytes:
    """Return the file of a tokenizer that has a model, and otherwise nothing but `parts`."""
    names = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    document = {"version": "1.0", "added_tokens": [], **dict.fromkeys(names), "model": dict(model), **parts}
    return json.dumps(document).encode()
