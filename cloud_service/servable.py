"""A model version that can answer, and the form in which callers see it.

With a manifest whose `remote.send` is "app" callers see the manifest's tensors and the service prepares them; otherwise
they see the model file's own. A manifest that does not fit its model file is found here, when the version is loaded,
and never by a caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cloud_service.backend import Array, Backend, Run
from cloud_service.batching.profile import Profile
from cloud_service.errors import InvalidInput, UnservableModel
from cloud_service.repository.serving import Serving
from nearfar_wire.datatypes import BYTES
from nearfar_wire.errors import DigestMismatch, ManifestError, MissingExtra, quoted
from nearfar_wire.images import decode_images
from nearfar_wire.manifest import Feed, InputSpec, Manifest, OutputSpec
from nearfar_wire.prepare import restore
from nearfar_wire.preparer import Preparer
from nearfar_wire.specs import TensorSpec, check

__all__ = ["Form", "Servable", "form_of"]


@dataclass(frozen=True, slots=True)
class Form:
    """What callers send and receive, and how it becomes what the model file takes and gives."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    described: tuple[InputSpec, ...] = ()
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    fetches: Mapping[str, str] = field(default_factory=dict)
    preparer: Preparer | None = None
    """None where callers' tensors are the model file's own."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Servable:
    """See the module. `digest` is of the bytes that the backend was made from.

    Each is itself alone, and may be remembered weakly: what belongs to one version goes when the version does."""

    model: str
    version: int
    digest: str
    backend: Backend
    form: Form
    profile: Profile = field(default=Profile(), kw_only=True)
    lone: Backend | None = field(default=None, kw_only=True)
    """The same model in a session of more threads, for a call beside which nothing runs."""
    serving: Serving = field(default=Serving(), kw_only=True)

    @property
    def told(self) -> str:
        """What an operator wants to know of how it runs, in a few words."""
        return f"{self.profile.told}; a lone call has {'a session of its own' if self.lone else 'no other session'}"

    def wanted(self, requested: Sequence[str]) -> Sequence[str]:
        """Return the outputs to answer with, in the order they were asked for; none asked for means all.

        Raises InvalidInput: naming an output that the model does not have."""
        have = [spec.name for spec in self.form.outputs]
        for name in requested:
            if name not in have:
                raise InvalidInput(f"output {quoted(name)} is not one of {', '.join(have)}; ask for one of these")
        return requested or have

    def answer(self, run: Run, tensors: Mapping[str, Array], wanted: Sequence[str]) -> Mapping[str, Array]:
        """Check and prepare the caller's tensors, run the model and bring its outputs into the caller's form; blocks.

        Raises TensorError: where the tensors are not what the contract says.
        Raises InvalidInput, RunFailed: see Run.execute."""
        return self.restored(run.execute(self.prepared(tensors), self.fetched(wanted)), wanted)

    def prepared(self, tensors: Mapping[str, Array]) -> Mapping[str, Array]:
        """Check the caller's tensors and make the model file's own of them. Raises TensorError."""
        check(self.form.inputs, tensors)
        preparer = self.form.preparer
        return tensors if preparer is None else preparer.prepare(tensors)

    def fetched(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the model file's outputs that those `wanted` are made of, each once."""
        return tuple(dict.fromkeys(self.form.fetches.get(name, name) for name in wanted))

    def restored(self, outputs: Mapping[str, Array], wanted: Sequence[str]) -> Mapping[str, Array]:
        """Return those `wanted`, by the caller's names, of what the model file gave for `fetched(wanted)`."""
        return restore(outputs, self.form.fetches, wanted) if self.form.fetches else outputs


def _nothing_beside(file: str) -> bytes:
    raise UnservableModel(f"manifest: {file} is wanted, and nothing lies beside the manifest")


def form_of(manifest: Manifest | None, backend: Backend, read: Callable[[str], bytes] = _nothing_beside) -> Form:
    """Work out the form in which callers see a model file. `read` gives the bytes of a file beside the manifest.

    Raises UnservableModel: where the manifest, the model file and what lies beside them contradict each other."""
    own = Form(inputs=tuple(backend.inputs), outputs=tuple(backend.outputs))
    if manifest is None or manifest.remote is None:
        return own
    remote = manifest.remote
    _match_inputs(manifest.inputs, remote.feeds, own.inputs)
    _match_outputs(manifest.outputs, remote.fetches, own.outputs)
    if remote.send == "model":
        # What the device prepared is as free of NaN as the app's input it was made from.
        allow_nan = {described.name: described.allow_nan for described in manifest.inputs}
        sources = {name: feed.source for name, feed in remote.feeds.items()}
        return replace(
            own, inputs=tuple(replace(s, allow_nan=allow_nan[sources.get(s.name, s.name)]) for s in own.inputs)
        )
    _require_decoder(manifest.inputs, remote.feeds)
    return Form(
        inputs=tuple(described.spec() for described in manifest.inputs),
        outputs=tuple(described.spec() for described in manifest.outputs),
        described=tuple(manifest.inputs),
        feeds=remote.feeds,
        fetches=remote.fetches,
        preparer=_preparer(manifest.inputs, remote.feeds, read),
    )


def _preparer(described: Sequence[InputSpec], feeds: Mapping[str, Feed], read: Callable[[str], bytes]) -> Preparer:
    try:
        return Preparer(described, feeds, read)
    except (DigestMismatch, ManifestError, MissingExtra) as error:
        raise UnservableModel(f"manifest: {error}") from error


def _match_inputs(described: Sequence[InputSpec], feeds: Mapping[str, Feed], own: Sequence[TensorSpec]) -> None:
    # Without feeds the app's inputs are the model's; with them each of the model's is made by one.
    given = {n: f.datatype for n, f in feeds.items()} if feeds else {d.name: d.datatype for d in described}
    for spec in own:
        datatype = given.pop(spec.name, None)
        if datatype is None:
            raise UnservableModel(
                f"manifest: nothing feeds the model file's input {spec.name!r}; add it to remote.feeds"
            )
        if datatype != spec.datatype:
            raise UnservableModel(
                f"manifest: the model file's input {spec.name!r} takes {spec.datatype}, and {datatype} is fed to it"
            )
    if given:
        raise UnservableModel(f"manifest: the model file has no input {next(iter(given))!r}")


def _require_decoder(described: Sequence[InputSpec], feeds: Mapping[str, Feed]) -> None:
    encoded = {d.name for d in described if d.encoding == "image"}
    if not any(feed.source in encoded and feed.datatype != BYTES for feed in feeds.values()):
        return
    try:
        decode_images("no image", np.empty(0, dtype=object))
    except MissingExtra as error:
        raise UnservableModel(f"manifest: {error}") from error


def _match_outputs(described: Sequence[OutputSpec], fetches: Mapping[str, str], own: Sequence[TensorSpec]) -> None:
    datatypes = {spec.name: spec.datatype for spec in own}
    for spec in described:
        fetched = fetches.get(spec.name, spec.name)
        if fetched not in datatypes:
            raise UnservableModel(f"manifest: output {spec.name!r}: the model file has no output {fetched!r}")
        if datatypes[fetched] != spec.datatype:
            raise UnservableModel(
                f"manifest: output {spec.name!r} is {spec.datatype}, and the model file gives {datatypes[fetched]}"
            )
