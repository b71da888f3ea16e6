"""What a version goes through before it may answer: its golden examples, or at least one run.

So a wrong model is found before a caller meets it, and no caller's run is the first, which is the slow one. A model
that refuses made-up inputs is not broken by that, only unwarmed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from cloud_service.backend import Array
from cloud_service.errors import CloudError, RunFailed, UnservableModel
from cloud_service.repository.golden import Example, compare, read_examples
from cloud_service.repository.scan import Found
from cloud_service.samples import sample
from cloud_service.servable import Servable
from nearfar_wire.errors import WireError

__all__ = ["try_out"]

_LOG: Final = logging.getLogger(__name__)

# Half of the longest call that the service lets anybody make by default: what takes longer serves nobody.
_LONGEST_RUN_S: Final = 30.0
# What a dimension that may vary is tried with: a text of some length, and the least there is.
_FREE: Final = (32, 1)


def try_out(found: Found, servable: Servable) -> Mapping[str, Array] | None:
    """Hold the version to its golden examples, or run it once; blocks.

    Returns inputs that it can run on, as its model file takes them, or None where it refused those that were made up.
    Raises UnservableModel: where it does not answer an example as it must."""
    kept: Mapping[str, Array] | None = None
    for example in read_examples(found):
        prepared = _hold_to(example, servable)
        kept = kept or prepared
    return kept or _warmed(found, servable)


def _hold_to(example: Example, servable: Servable) -> Mapping[str, Array]:
    wanted = list(example.outputs)
    try:
        servable.wanted(wanted)
        prepared = servable.prepared(example.inputs)
        outputs = servable.restored(_bounded(servable, prepared, servable.fetched(wanted)), wanted)
    except (CloudError, WireError) as error:
        raise UnservableModel(f"{example.source}: {error}") from error
    compare(example, outputs, servable.serving.golden)
    return prepared


def _warmed(found: Found, servable: Servable) -> Mapping[str, Array] | None:
    for free in _FREE:
        try:
            made = sample(servable.backend.inputs, free=free)
            _bounded(servable, made, [spec.name for spec in servable.backend.outputs])
        except Exception as error:  # noqa: BLE001 - made-up inputs may meet anything in it; its callers' are another matter
            refusal = type(error).__name__
        else:
            return made
    _LOG.info(
        "%s version %d is not warmed up, it refuses made-up inputs (%s); give it a golden.npz",
        found.model,
        found.version,
        refusal,
    )
    return None


def _bounded(servable: Servable, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
    run = servable.backend.new_run()
    late = threading.Timer(_LONGEST_RUN_S, run.stop)
    late.daemon = True
    late.start()
    try:
        return run.execute(tensors, outputs)
    except RunFailed as error:
        if not late.is_alive():
            raise UnservableModel(f"a run took longer than {_LONGEST_RUN_S:g} s") from error
        raise
    finally:
        late.cancel()
