"""How busy the service is, as trailing metadata of each inference: what balancers and our own agents choose by.

A report is good for some milliseconds, so that a call does not pay for making one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cloud_service.load import Load
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, encode_load

__all__ = ["LoadTrailer"]

# A limit, or a queue, moves by the run of a model: shorter than most.
_GOOD_FOR_S: Final = 0.005
# A repository's models in each of their versions; callers name them, so that there may be more in time.
_MAX_KEPT: Final = 1024

Trailer = tuple[tuple[str, bytes], ...]


class LoadTrailer:
    """See the module. `load` tells of a model in a version, or None where there is none."""

    def __init__(self, load: Callable[[str, str], Load | None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._now = now
        self._kept: dict[tuple[str, str], tuple[float, Trailer]] = {}

    def of(self, model: str, version: str) -> Trailer:
        """Return the metadata to send with an answer or a refusal; empty for a model that there is not."""
        now = self._now()
        kept = self._kept.get((model, version))
        if kept is not None and now < kept[0]:
            return kept[1]
        load = self._load(model, version)
        if load is None:
            return ()
        content = encode_load(LoadReport(load.queue_wait_s, load.utilisation, load.limit, load.stay_local_s))
        trailer = tuple((key, content) for key in LOAD_KEYS)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[model, version] = now + _GOOD_FOR_S, trailer
        return trailer
