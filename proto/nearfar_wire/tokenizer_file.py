"""Whether a `tokenizer.json` bounds what it does to a text. Pure, and looked at before the library reads the file.

A text is short and a file may come from anybody: one that makes each letter a thousand, fills memory; one that splits
words of any length, or by a pattern that tries every way, takes hours over a page, in code that nobody can stop. Files
of the models that are around keep within a tenth of each limit. Vocabulary and merges are not looked at: what they
cost grows with the text alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

from nearfar_wire.errors import ManifestError
from nearfar_wire.patterns import why_slow

__all__ = ["MAX_TOKENIZER_BYTES", "require_bounded"]

MAX_TOKENIZER_BYTES: Final = 64 << 20
"""A tokenizer of a quarter of a million tokens has some 16 MiB."""
_MAX_GROWTH: Final = 128
_MAX_WORD: Final = 256
_MAX_AFFIX: Final = 64
_MAX_SPECIAL: Final = 512

Json = Any  # Any: what json makes of a document


def require_bounded(file: str, content: bytes) -> None:
    """Pass the file `file`, which holds `content`.

    Raises ManifestError: with the place in the file, for what is no JSON or over a limit."""
    if len(content) > MAX_TOKENIZER_BYTES:
        raise ManifestError(file, "", f"longer than {MAX_TOKENIZER_BYTES} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError(file, "", f"not a tokenizer.json ({type(error).__name__})") from None
    if not isinstance(document, dict):
        raise ManifestError(file, "", "not a tokenizer.json (no object)")
    growth = 1.0
    for part in ("normalizer", "pre_tokenizer"):
        for found in _objects(document.get(part)):
            growth *= _growth(found)
            pattern = found.get("Regex")
            why = why_slow(pattern) if isinstance(pattern, str) else ""
            if why:
                raise ManifestError(file, part, f"its pattern {why}, which may take for ever on some text")
    if growth > _MAX_GROWTH:
        problem = f"it may make a text {growth:.3g} times as long, at most {_MAX_GROWTH} may be"
        raise ManifestError(file, "normalizer", problem)
    _require_words(file, document.get("model"))
    special = sum("SpecialToken" in found for found in _objects(document.get("post_processor")))
    if special > _MAX_SPECIAL:
        raise ManifestError(file, "post_processor", f"it adds {special} tokens to each text, more than {_MAX_SPECIAL}")


def _objects(part: Json) -> Iterator[dict[str, Json]]:
    todo = [part]
    while todo:
        found = todo.pop()
        if isinstance(found, dict):
            yield found
            todo.extend(found.values())
        elif isinstance(found, list):
            todo.extend(found)


def _growth(part: dict[str, Json]) -> float:
    """Return how many times as long a step may make a text, in bytes."""
    if part.get("type") == "Replace":
        pattern, made = part.get("pattern"), part.get("content")
        replaced = pattern.get("String") if isinstance(pattern, dict) else None
        shortest = len(replaced.encode("utf-8", "replace")) if isinstance(replaced, str) else 1
        return max(1.0, len(str(made).encode("utf-8", "replace")) / max(1, shortest))
    if part.get("type") == "Precompiled":
        return _longest_replacement(part.get("precompiled_charsmap"))
    return 1.0


def _longest_replacement(charsmap: Json) -> float:
    try:
        content = base64.b64decode(charsmap or "", validate=True)
    except (ValueError, TypeError):
        return 1.0  # which the library refuses
    # The length of a tree, the tree, and what its leaves point to: texts with a NUL behind each.
    texts = content[4 + int.from_bytes(content[:4], "little") :]
    return float(max(1, *map(len, texts.split(b"\0"))))


def _require_words(file: str, model: Json) -> None:
    if not isinstance(model, dict):
        return
    longest = model.get("max_input_chars_per_word", 0)
    if isinstance(longest, int) and longest > _MAX_WORD:
        raise ManifestError(file, "model.max_input_chars_per_word", f"is {longest}, at most {_MAX_WORD} may be")
    for name in ("continuing_subword_prefix", "end_of_word_suffix", "unk_token"):
        affix = model.get(name)
        if isinstance(affix, str) and len(affix) > _MAX_AFFIX:
            raise ManifestError(file, f"model.{name}", f"is longer than {_MAX_AFFIX} characters")
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, list):  # of a Unigram, which tries at each letter every piece that begins there
        pieces = (piece[0] for piece in vocabulary if isinstance(piece, list) and piece and isinstance(piece[0], str))
        if max(map(len, pieces), default=0) > _MAX_WORD:
            raise ManifestError(file, "model.vocab", f"a piece is longer than {_MAX_WORD} characters")
