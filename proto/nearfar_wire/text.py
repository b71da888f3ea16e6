"""Text to tokens, by the `tokenizer.json` that the model was trained with. Needs the extra `text`.

Texts are UTF-8 and bounded before a tokenizer sees them; how long one takes grows with its length, and a model reads
some hundreds of tokens of it. What a tokenizer's file says of truncation and padding is not used: the manifest does.
A text of which no token is left is refused: models average over tokens, and the average of none is no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from nearfar_wire.errors import ManifestError, MissingExtra, TensorError
from nearfar_wire.tokenizer_file import require_bounded

__all__ = ["MAX_TEXT_BYTES", "MAX_TOGETHER_BYTES", "Tokenizer", "Tokens"]

MAX_TEXT_BYTES: Final = 64 << 10
"""Of one text: some twenty pages, and a tenth of a second."""
MAX_TOGETHER_BYTES: Final = 1 << 20
"""Of all texts of one tensor, of which each counts as 64 at the least: an empty one costs as much."""
_LEAST_BYTES: Final = 64
# What pads, in the words of the tokenizers that are around, where the file does not say.
_PADS: Final = ("[PAD]", "<pad>", "<|endoftext|>")

Array = np.ndarray[Any, Any]  # Any: BYTES going in, INT64 coming out


class Tokens:
    """Tokens of several texts. `ids`, `mask` and `types` have shape (texts, tokens of the longest)."""

    __slots__ = ("ids", "mask", "types")

    def __init__(self, rows: Sequence[tuple[list[int], list[int], list[int]]], pad_id: int, length: int | None) -> None:
        longest = max((len(ids) for ids, _, _ in rows), default=0) if length is None else length
        shape = (len(rows), longest)
        self.ids: Array = np.full(shape, pad_id, dtype=np.int64)
        self.mask: Array = np.zeros(shape, dtype=np.int64)
        self.types: Array = np.zeros(shape, dtype=np.int64)
        for index, (ids, mask, types) in enumerate(rows):
            self.ids[index, : len(ids)] = ids
            self.mask[index, : len(ids)] = mask
            self.types[index, : len(ids)] = types


class Tokenizer:
    """One tokenizer; may be used by several threads at once."""

    def __init__(self, file: str, content: bytes) -> None:
        """Read a `tokenizer.json`; `file` names it in errors.

        Raises MissingExtra: without the library. Raises ManifestError: for what is no tokenizer, or one whose time or
        memory is not bounded."""
        try:
            from tokenizers import Tokenizer as Library
        except ImportError as error:
            raise MissingExtra("reading text", "text") from error
        require_bounded(file, content)
        try:
            self._library: Any = Library.from_str(content.decode("utf-8"))  # Any: it publishes no types
        except Exception as error:  # noqa: BLE001  (the library raises bare Exception; its words quote the file)
            raise ManifestError(file, "", f"not a tokenizer.json ({type(error).__name__})") from None
        padding = self._library.padding
        known = (self._library.token_to_id(token) for token in _PADS)
        self.pad_id: int = padding["pad_id"] if padding else next((pad for pad in known if pad is not None), 0)
        self._library.no_padding()
        self._library.no_truncation()

    def encode(self, name: str, texts: Array, max_length: int, *, fill: bool) -> Tokens:
        """Return the tokens of each text in `texts`, shape (texts,), cut to `max_length`; filled up to it if `fill`.

        Raises TensorError: naming input `name`, for a text that is too long, not UTF-8, or cannot be made tokens of."""
        rows: list[tuple[list[int], list[int], list[int]]] = []
        for index, text in enumerate(_decoded(name, texts)):
            try:
                rows.append(self._row(text, max_length))
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001  (its own bare Exception, and where its code panics, worse)
                told = f"text {index} cannot be made tokens of ({type(error).__name__}); see the tokenizer's file"
                raise TensorError(name, told) from None
            if not rows[-1][0]:
                raise TensorError(name, f"text {index} has no token that the model knows; leave it out")
        return Tokens(rows, self.pad_id, max_length if fill else None)

    def _row(self, text: str, max_length: int) -> tuple[list[int], list[int], list[int]]:
        encoding = self._library.encode(text)
        # Cut here and not by a setting of the library: that is one for all threads.
        if len(encoding.ids) > max_length:
            encoding = self._shortened(text, max_length)
        return encoding.ids, encoding.attention_mask, encoding.type_ids

    def _shortened(self, text: str, max_length: int) -> Any:  # Any: as above
        special = self._library.num_special_tokens_to_add(False)
        bare = self._library.encode(text, add_special_tokens=False)
        bare.truncate(max(0, max_length - special))
        whole = self._library.post_process(bare)
        whole.truncate(max_length)
        return whole


def _decoded(name: str, texts: Array) -> list[str]:
    elements = texts.ravel().tolist()
    decoded: list[str] = []
    together = 0
    for index, element in enumerate(elements):
        try:
            # An app may give str, which has no bytes where it holds half of a pair of surrogates.
            content = element.encode("utf-8") if isinstance(element, str) else element
            together += max(_LEAST_BYTES, len(content))
            if len(content) > MAX_TEXT_BYTES or together > MAX_TOGETHER_BYTES:
                together_most = f"{MAX_TOGETHER_BYTES} together, where each counts as {_LEAST_BYTES} at the least"
                most = f"at most {MAX_TEXT_BYTES} bytes, and {together_most}"
                raise TensorError(name, f"text {index} is too long: {most}; shorten it")
            decoded.append(content.decode("utf-8"))
        except UnicodeError:
            raise TensorError(name, f"text {index} is not UTF-8") from None
    return decoded
