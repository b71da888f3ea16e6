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
_NOT_OF_A_SENTENCE: Final = ("position", "decoder", "past")
_WORDS: Final = {"ids": "token ids", "mask": "attention mask", "types": "token types"}


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer's file, by its name beside the manifest. Longer texts are cut to `max_length` tokens, or to as many
    as a model of fixed length takes; up to that many, such a model's are filled."""

    file: str
    content: bytes
    max_length: int


def sentence_input() -> InputSpec:
    """Return the app's input."""
    return InputSpec(name=SOURCE, datatype=BYTES, shape=[-1], encoding="text")


def sentence_feeds(file: str, inputs: Sequence[TensorSpec], tokenizer: Tokenizer) -> dict[str, Feed]:
    """Return how each input of the model `file` is made from sentences.

    Raises PublishError: naming an input that is none of token ids, attention mask and token types, or one of two."""
    feeds: dict[str, Feed] = {}
    by_kind: dict[str, str] = {}
    for spec in inputs:
        gives = _gives(spec, alone=len(inputs) == 1)
        if gives is None or spec.datatype not in ("INT64", "INT32") or len(spec.shape) != 2:
            raise PublishError(
                f"{file}: input {spec.name!r} ({spec.datatype}, {list(spec.shape)}) is none that a tokenizer gives",
                "a transformer's inputs are integers [N, tokens] called input_ids, attention_mask, token_type_ids",
            )
        if gives in by_kind:
            problem = f"{file}: inputs {by_kind[gives]!r} and {spec.name!r} both seem to be the {_WORDS[gives]}"
            raise PublishError(problem, "a sentence makes one of each; rename or remove one in the file")
        by_kind[gives] = spec.name
        fixed = spec.shape[1] > 0
        step = Tokenize(
            file=tokenizer.file,
            digest=digest_of(tokenizer.content),
            max_length=spec.shape[1] if fixed else tokenizer.max_length,
            gives=gives,
            pad="max_length" if fixed else "longest",
        )
        feeds[spec.name] = Feed(source=SOURCE, datatype=spec.datatype, steps=[Step(tokenize=step)])
    if "ids" not in by_kind:
        raise PublishError(f"{file} has no input for token ids", "one input's name has to hold 'ids'")
    return feeds


def _gives(spec: TensorSpec, *, alone: bool) -> Literal["ids", "mask", "types"] | None:
    """Return what of a sentence goes into an input, by its name; the only one of a model takes ids whatever it is."""
    name = spec.name.lower()
    # Places of tokens are no ids of theirs, and a decoder reads what it has written itself.
    if any(piece in name for piece in _NOT_OF_A_SENTENCE):
        return None
    return next((gives for piece, gives in _GIVES if piece in name), "ids" if alone else None)


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
