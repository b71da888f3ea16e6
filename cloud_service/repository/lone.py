"""A second session of a model, on all cores, for the call that is alone on the machine.

Beside each other runs do best on one core each; alone, such a run leaves the other cores idle. The copy costs the
model's memory once more, so where nobody asked for it, it is there only if a lone run is a fifth quicker with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from cloud_service.backend import Array, Backend
from cloud_service.errors import InvalidInput, RunFailed
from cloud_service.repository.serving import Instances

__all__ = ["open_lone"]

# The last fifth of what two cores gain at best; less is not worth a copy of the model.
_QUICKER: Final = 0.8
# What is over sooner gains less than handing it to several threads costs.
_LEAST_S: Final = 0.002
_RUNS: Final = 9


def open_lone(
    open_backend: Callable[[Instances], Backend],
    backend: Backend,
    instances: Instances,
    sample: Mapping[str, Array] | None,
    *,
    threads: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Backend | None:
    """Return a session for lone calls, or None where there is to be none; blocks for some runs of `sample`.

    `threads` are those that the service has; 1 where none can be spared. Raises UnservableModel."""
    asked = instances.lone_threads
    wanted = threads if asked is None else asked
    if wanted <= instances.threads_per_run or (asked is None and sample is None):
        return None
    lone = open_backend(Instances(threads_per_run=wanted))
    if sample is None:
        return lone
    outputs = [spec.name for spec in backend.outputs]
    try:
        quicker = asked is not None or _is_quicker(lone, backend, sample, outputs, clock)
    except (InvalidInput, RunFailed):
        return None
    lone.tidy(sample)
    return lone if quicker else None


def _is_quicker(
    lone: Backend, backend: Backend, sample: Mapping[str, Array], outputs: list[str], clock: Callable[[], float]
) -> bool:
    """Compare the least times of runs that take turns: what else the machine does only ever adds."""
    least_s = [float("inf"), float("inf")]
    for _ in range(_RUNS):
        for place, each in enumerate((lone, backend)):
            started = clock()
            each.new_run().execute(sample, outputs)
            least_s[place] = min(least_s[place], clock() - started)
    lone_s, beside_s = least_s
    return beside_s >= _LEAST_S and lone_s <= _QUICKER * beside_s
