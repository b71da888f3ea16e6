"""Tokenizers of a handful of words, as `tokenizer.json` files hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["bare_tokenizer", "word_tokenizer"]


def word_tokenizer(words: Sequence[str]) -> bytes:
    """Return a tokenizer that knows `words`, each one token; [CLS] stands before every text and [SEP] behind it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: index for index, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return tokenizer.to_str().encode()


def bare_tokenizer(model: Mapping[str, Any], **parts: Any) -> bytes:
    """Return the file of a tokenizer that has a model, and otherwise nothing but `parts`."""
    names = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    document = {"version": "1.0", "added_tokens": [], **dict.fromkeys(names), "model": dict(model), **parts}
    return json.dumps(document).encode()
