"""Preparation with what it needs beside the manifest, loaded once: tokenizers, whose bytes are what was recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nearfar_wire.digest import verify
from nearfar_wire.prepare import Array, prepare

if TYPE_CHECKING:  # pydantic costs an import of 0.15 s
    from nearfar_wire.manifest import Feed, InputSpec, Manifest
    from nearfar_wire.text import Tokenizer

__all__ = ["Preparer", "preprocessing_digest"]


class Preparer:
    """Makes one model file's inputs of the app's; may be used by several threads at once."""

    __slots__ = ("_feeds", "_inputs", "_tokenizers")

    def __init__(self, inputs: Sequence[InputSpec], feeds: Mapping[str, Feed], read: Callable[[str], bytes]) -> None:
        """`read` gives the bytes of a file beside the manifest, by its name.

        Raises DigestMismatch: for a tokenizer that is not the recorded one. Raises ManifestError: for a damaged one.
        Raises MissingExtra: without the library it takes. Raises whatever `read` raises."""
        self._inputs = inputs
        self._feeds = feeds
        self._tokenizers: dict[str, Tokenizer] = {}
        for feed in feeds.values():
            tokenize = feed.steps[0].tokenize if feed.steps else None
            if tokenize is None or tokenize.digest in self._tokenizers:
                continue
            from nearfar_wire.text import Tokenizer

            content = read(tokenize.file)
            verify(tokenize.file, content, tokenize.digest)
            self._tokenizers[tokenize.digest] = Tokenizer(tokenize.file, content)

    def prepare(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See nearfar_wire.prepare.prepare."""
        return prepare(inputs, self._inputs, self._feeds, self._tokenizers)


def preprocessing_digest(manifest: Manifest) -> str:
    """Return the digest of all that lies between the app's tensors and an answer, on both sides, but for the models.

    Two manifests have the same exactly if inputs, outputs, feeds, fetches, score, task, tolerance and the file of
    labels are the same."""
    sides = {"device": manifest.device, "remote": manifest.remote}
    described: dict[str, Any] = {  # Any: JSON
        "inputs": [part.model_dump(mode="json") for part in manifest.inputs],
        "outputs": [part.model_dump(mode="json") for part in manifest.outputs],
        "score": None if manifest.score is None else manifest.score.model_dump(mode="json"),
        "task": manifest.task,
        "tolerance": manifest.tolerance,
    }
    if manifest.labels is not None:
        described["labels"] = manifest.labels.digest
    for name, side in sides.items():
        if side is not None:
            feeds = {fed: feed.model_dump(mode="json") for fed, feed in side.feeds.items()}
            described[name] = {"feeds": feeds, "fetches": side.fetches}
    canonical = json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
