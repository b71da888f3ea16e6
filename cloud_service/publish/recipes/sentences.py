"""The recipe for text: an app hands in sentences, and each end's tokenizer makes of them what its transformer reads.

What crosses the network is the sentence. A tokenizer is a `tokenizer.json`, recorded with its digest: another one
would number the words otherwise, and no model notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.joined import Ending, Joined
from nearfar_wire.datatypes import BYTES
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import Feed, InputSpec, Step, Tokenize
from nearfar_wire.specs import TensorSpec

__all__ = ["SOURCE", "Tokenizer", "join_sentences", "sentence_feeds", "sentence_input"]

SOURCE: Final = "text"
"""What the app's input is called."""

# What exporters call the three, by the piece that is common to their spellings.
_GIVES: Final[tuple[tuple[str, Literal["ids", "mask", "types"]], ...]] = (
    ("mask", "mask"),
    ("type", "types"),
    ("segment", "types"),
    ("ids", "ids"),
)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer's file, by its name beside the manifest. Longer texts are cut to `max_length` tokens."""

    file: str
    content: bytes
    max_length: int


def sentence_input() -> InputSpec:
    """Return the app's input."""
    return InputSpec(name=SOURCE, datatype=BYTES, shape=[-1], encoding="text")


def sentence_feeds(file: str, inputs: Sequence[TensorSpec], tokenizer: Tokenizer) -> dict[str, Feed]:
    """Return how each input of the model `file` is made from sentences.

    Raises PublishError: naming an input that is none of token ids, attention mask and token types."""
    feeds: dict[str, Feed] = {}
    for spec in inputs:
        gives = next((gives for piece, gives in _GIVES if piece in spec.name.lower()), None)
        if gives is None or spec.datatype not in ("INT64", "INT32") or len(spec.shape) != 2:
            raise PublishError(
                f"{file}: input {spec.name!r} ({spec.datatype}, {list(spec.shape)}) is none that a tokenizer gives",
                "a transformer's inputs are integers [N, tokens] called input_ids, attention_mask, token_type_ids",
            )
        length = tokenizer.max_length if spec.shape[1] < 1 else min(tokenizer.max_length, spec.shape[1])
        step = Tokenize(file=tokenizer.file, digest=digest_of(tokenizer.content), max_length=length, gives=gives)
        feeds[spec.name] = Feed(source=SOURCE, datatype=spec.datatype, steps=[Step(tokenize=step)])
    if not any(feed.steps[0].tokenize is not None and feed.steps[0].tokenize.gives == "ids" for feed in feeds.values()):
        raise PublishError(f"{file} has no input for token ids", "one input's name has to hold 'ids'")
    return feeds


def join_sentences(
    device: tuple[bytes, Sequence[TensorSpec], Tokenizer], remote: tuple[bytes, Sequence[TensorSpec], Tokenizer]
) -> Joined:
    """Return both ends under one signature.

    Raises PublishError: see sentence_feeds; and for two tokenizers that share a file name."""
    (near, near_inputs, near_tokenizer), (far, far_inputs, far_tokenizer) = device, remote
    if near_tokenizer.file == far_tokenizer.file and near_tokenizer.content != far_tokenizer.content:
        raise PublishError(f"both tokenizers are called {near_tokenizer.file}", "rename one of the files")
    return Joined(
        (sentence_input(),),
        Ending(near, sentence_feeds("the device's model", near_inputs, near_tokenizer)),
        Ending(far, sentence_feeds("the full model", far_inputs, far_tokenizer)),
        "app",
        files={near_tokenizer.file: near_tokenizer.content, far_tokenizer.file: far_tokenizer.content},
        notes=("what crosses the network: the sentence",),
    )
