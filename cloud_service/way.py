"""How the calls of one version go: where they are read and written, where they run, and with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_service.account import Account, Observed
from cloud_service.backend import Array
from cloud_service.batching.lane import Lane
from cloud_service.batching.planner import Rules
from cloud_service.batching.timing import Timing
from cloud_service.configuration import batch_size
from cloud_service.observer import Observer
from cloud_service.servable import Servable
from cloud_service.workers import Workers
from nearfar_wire.datatypes import BYTES

__all__ = ["Way", "way_of"]

# Numbers of so many bytes are read or written in some tens of microseconds, less than handing them to a thread costs.
_SMALL_BYTES: Final = 256 << 10
# BYTES become one object an element, and a manifest's steps compute: both are a hundred times as dear by the byte.
_SMALL_DEAR_BYTES: Final = 4 << 10


@dataclass(frozen=True, slots=True)
class Way:
    """`version` is the servable's, as callers write it. Up to `runs` runs go on at once, by these `rules`.

    `small_bytes` is the longest message that is read in the event loop, 0 where none is.

    `rows_here` are the most rows that are run in the event loop; 0 where nothing is. `wanted` and `fetched` are the
    outputs of who asks for none by name, as callers and as the model file call them."""

    version: str
    lane: Lane
    account: Account
    rules: Rules
    runs: int
    small_bytes: int
    rows_here: int
    wanted: Sequence[str]
    fetched: Sequence[str]

    def runs_here(self, tensors: Mapping[str, Array]) -> bool:
        """Tell whether a small message's prepared tensors may be run in the event loop."""
        for tensor in tensors.values() if self.rows_here else ():
            if tensor.ndim and tensor.shape[0] > self.rows_here:
                return False
        return self.rows_here > 0


def is_light(outputs: Mapping[str, Array]) -> bool:
    """Tell whether outputs can be written in the event loop."""
    size = 0
    for output in outputs.values():
        size += output.nbytes * (_SMALL_BYTES // _SMALL_DEAR_BYTES if output.dtype.kind == "O" else 1)
    return size <= _SMALL_BYTES


def way_of(servable: Servable, workers: Workers, observer: Observer, *, batching: bool) -> Way:
    """Work out the way from what was measured and what the operator said; `batching` holds where its file says
    nothing."""
    profile, wishes = servable.profile, servable.serving
    wanted = batching if wishes.batching.enabled is None else wishes.batching.enabled
    rules = Rules()
    if profile.batches and wanted:
        rules = Rules(
            profile.max_batch,
            wishes.batching.max_queue_delay_s,
            wishes.batching.preferred,
            # What the operator prefers is sent whole, whoever comes beside it.
            None if wishes.batching.preferred else profile.max_beside_urgent,
        )
    runs = min(wishes.instances.runs or workers.threads, workers.threads)
    counts_rows = batch_size(servable, rules) > 0
    account = Account(
        rows_of=servable.backend.inputs[0].name if counts_rows else None,
        largest=rules.max_batch,
    )
    lane = Lane(
        servable.model,
        Observed(servable.backend, account),
        workers,
        observer,
        rules=rules,
        timing=Timing(profile.run_s_of),
        runs=runs,
        stacks=profile.batches,
        lone=Observed(servable.lone, account) if servable.lone else None,
    )
    everything = servable.wanted(())
    fetched = servable.fetched(everything)
    return Way(
        version=str(servable.version),
        lane=lane,
        account=account,
        rules=rules,
        runs=runs,
        small_bytes=_small_bytes(servable),
        rows_here=profile.rows_here,
        wanted=everything,
        fetched=fetched,
    )


def _small_bytes(servable: Servable) -> int:
    form = servable.form
    if any(described.encoding is not None for described in form.described):
        return 0
    if form.feeds or any(spec.datatype == BYTES for spec in form.inputs):
        return _SMALL_DEAR_BYTES
    return _SMALL_BYTES
