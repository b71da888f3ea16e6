"""Which recipe joins the two ends, and what it needs to know: chosen by options, settled on examples.

The three recipes have one face here: what an undecided device model is measured on, and the joined release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cloud_service.publish.columns import ragged, row_of, rows_in
from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.bytewise import as_bytes, in_bytes
from cloud_service.publish.recipes.graph import PictureInput
from cloud_service.publish.recipes.joined import Joined, Run
from cloud_service.publish.recipes.normalisation import Normalisation
from cloud_service.publish.recipes.pictures import SOURCE as IMAGE
from cloud_service.publish.recipes.pictures import PictureRecipe, settle
from cloud_service.publish.recipes.plain import join_plain, own_feeds
from cloud_service.publish.recipes.sentences import Tokenizer, join_sentences, sentence_feeds, sentence_input
from cloud_service.publish.sandbox import Failed, Sandbox
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import InputSpec
from nearfar_wire.prepare import prepare
from nearfar_wire.preparer import Preparer
from nearfar_wire.specs import TensorSpec, check

__all__ = ["Ends", "File", "Pictures", "Plain", "Sentences", "Tried"]


@dataclass(frozen=True, slots=True)
class File:
    """A model file, what it takes, and which output is its answer. `name` is for messages.

    `origin` is whose preparation it has: what was made of the full model wants its inputs as that does."""

    name: str
    origin: Literal["full", "own"]
    content: bytes
    inputs: Sequence[TensorSpec]
    output: str
    shape: Sequence[int] = ()
    """Of the answer, rows first, -1 where it is open; empty where nobody asked."""


class Tried:
    """Runs model files in a process of their own; see sandbox.py. A recipes' Run."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, content: bytes, tensors: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return every output by name. Raises PublishError: where the file cannot be run on these tensors."""
        try:
            return self._sandbox.answers(content, tensors, None).outputs
        except Failed as error:
            problem = f"a model cannot be run on the examples: {error.why}"
            raise PublishError(problem, "look at its inputs, or give it more --patience") from error


class Ends(Protocol):
    """One way to join; `inputs` are always the app's examples."""

    def tensors(self, file: File, inputs: Mapping[str, Array], wanted: Sequence[int] | None, /) -> dict[str, Array]:
        """Return `inputs` as `file` takes them; `wanted` are the classes to answer with, where they are known.

        Raises PublishError: where it cannot take them."""

    def join(self, device: File, remote: File, inputs: Mapping[str, Array], /) -> Joined:
        """Return both under one signature. `tensors` was asked for both, or for a file with the same inputs, before."""

    @property
    def notes(self) -> Sequence[str]:
        """What was found out, for the person who prepares."""


class Plain:
    """Tensors as they are."""

    def __init__(self, remote: Sequence[TensorSpec]) -> None:
        self._remote = remote
        self.notes: list[str] = []

    def tensors(self, file: File, inputs: Mapping[str, Array], _: Sequence[int] | None) -> dict[str, Array]:
        """See Ends. Raises TensorError: for inputs that are not what the full model takes."""
        described = [InputSpec(name=s.name, datatype=s.datatype, shape=[-1, *s.shape[1:]]) for s in self._remote]
        check([spec.spec() for spec in described], inputs)
        return prepare(inputs, described, own_feeds(file.inputs, self._remote))

    def join(self, device: File, remote: File, _: Mapping[str, Array]) -> Joined:
        """See Ends."""
        return join_plain((device.content, device.inputs), (remote.content, remote.inputs))


class Pictures:
    """Photographs, or pixels; see recipes/pictures.py."""

    def __init__(
        self, recipe: PictureRecipe, run: Run, declared: Mapping[str, str], size: Mapping[str, tuple[int, int]]
    ) -> None:
        """`declared` normalisations and `size`s are by origin."""
        self._recipe = recipe
        self._run = run
        self._declared = declared
        self._size = size
        self._settled: dict[str, tuple[PictureInput, Normalisation]] = {}
        self._labelled = False
        self.notes: list[str] = []

    def tensors(self, file: File, inputs: Mapping[str, Array], wanted: Sequence[int] | None) -> dict[str, Array]:
        """See Ends. How `file` wants its pictures is found out once.

        Raises TensorError: for inputs that are not what the app hands in."""
        check([self._recipe.input().spec()], inputs)
        taken, normalisation = self._settle(file, inputs[IMAGE], wanted)
        return self._recipe.tensors(taken, normalisation, inputs[IMAGE])

    def join(self, device: File, remote: File, inputs: Mapping[str, Array]) -> Joined:
        """See Ends."""
        pictures = inputs[IMAGE]
        near, far = (self._settle(file, pictures, None) for file in (device, remote))
        return self._recipe.join((device.content, *near), (remote.content, *far), pictures, self._run)

    def _settle(self, file: File, pictures: Array, wanted: Sequence[int] | None) -> tuple[PictureInput, Normalisation]:
        if file.origin not in self._settled:
            declared, size = self._declared.get(file.origin), self._size.get(file.origin)
            told = declared is not None or wanted is not None
            # The full model comes first; where nobody knows what is right, the device's is held to its answers.
            agreement = file.origin == "own" and not self._labelled
            self._labelled = self._labelled or (file.origin == "full" and wanted is not None)
            inputs = file.inputs if told else in_bytes(file.content, file.inputs)
            taken, normalisation, note = settle(
                file.name, self._recipe, file.content, inputs, pictures, wanted, self._run,
                declared=declared, size=size, output=file.output, own=file.origin == "own", agreement=agreement,
            )  # fmt: skip
            self._settled[file.origin] = as_bytes(file.content, taken, normalisation)
            if self._settled[file.origin][0] != taken:
                note += "; kept in 8 bits, which are a picture's bytes"
            self.notes.append(note)
        return self._settled[file.origin]


class Sentences:
    """Texts, and tokenizers by origin."""

    def __init__(self, tokenizers: Mapping[str, Tokenizer]) -> None:
        self._tokenizers = tokenizers
        self.notes: list[str] = []

    def tensors(self, file: File, inputs: Mapping[str, Array], _: Sequence[int] | None) -> dict[str, Array]:
        """See Ends. Raises TensorError: for inputs that are not what the app hands in. Raises PublishError: for a file
        that is no tokenizer, or not a bounded one."""
        check([sentence_input().spec()], inputs)
        tokenizer = self._tokenizers[file.origin]
        feeds = sentence_feeds(file.name, file.inputs, tokenizer)
        try:
            preparer = Preparer([sentence_input()], feeds, lambda _: tokenizer.content)
        except ManifestError as error:
            raise PublishError(str(error), "give the tokenizer.json that the model was trained with") from error
        # One by one, as apps ask: together they would all be as long as the longest, and measured to be as slow.
        rows = [preparer.prepare(row_of(inputs, index)) for index in range(rows_in(inputs))]
        return {name: ragged([row[name][0] for row in rows]) for name in feeds}

    def join(self, device: File, remote: File, _: Mapping[str, Array]) -> Joined:
        """See Ends."""
        near, far = self._tokenizers[device.origin], self._tokenizers[remote.origin]
        return join_sentences((device.content, device.inputs, near), (remote.content, remote.inputs, far))
