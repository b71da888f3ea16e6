"""What a request to a remote target would weigh, before it is made: its tensors, and what names and shapes add to them.

The latter is worked out once for a model, to a few bytes: some lengths are known of a request alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from edge_agent.asking.request_ids import ID_CHARACTERS
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.manifest import Manifest
from nearfar_wire.manifest.feeds import Feed
from nearfar_wire.manifest.sides import RemoteSide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Weigh", "weighing"]

Weigh = Callable[["Arrays"], int]

# In front of a field that has a length: its number, and the length. Longer ones than 127 bytes have more of it.
_FIELD_BYTES: Final = 2
_RGB: Final = 3


def weighing(manifest: Manifest) -> Weigh:
    """Return what tells how many bytes a request with such inputs would be."""
    remote = manifest.remote
    if remote is None:
        return lambda _: 0
    if remote.send == "app" or not remote.feeds:
        around = _around(remote, ((spec.name, spec.datatype, len(spec.shape)) for spec in manifest.inputs))
        return lambda inputs: around + sum(map(_size, inputs.values()))
    axes = {spec.name: len(spec.shape) for spec in manifest.inputs}
    feeds = [_fed(feed) for feed in remote.feeds.values()]
    around = _around(remote, ((name, feed.datatype, axes[feed.source]) for name, feed in remote.feeds.items()))
    return lambda inputs: around + sum(weigh(inputs) for weigh in feeds)


def _around(remote: RemoteSide, tensors: Iterable[tuple[str, str, int]]) -> int:
    """Return what stands around the contents of tensors of such names, datatypes and numbers of axes."""
    total = _text(remote.model) + (_text(remote.version) if remote.version else 0)
    total += _FIELD_BYTES + ID_CHARACTERS
    for name, datatype, axes in tensors:
        described = _text(name) + _text(datatype) + (_FIELD_BYTES + axes if axes else 0)
        # Contents are longer than 127 bytes more often than not.
        total += _FIELD_BYTES + described + _FIELD_BYTES
    return total


def _text(text: str) -> int:
    return _FIELD_BYTES + len(text.encode())


def _fed(feed: Feed) -> Weigh:
    source = feed.source
    if feed.datatype == BYTES:
        return lambda inputs: _size(inputs[source])
    size = DATATYPES[feed.datatype].itemsize
    resize = next((step.resize for step in feed.steps if step.resize is not None), None)
    if resize is None:
        return lambda inputs: inputs[source].size * size
    pixels = resize[0] * resize[1] * _RGB * size
    return lambda inputs: pixels * (inputs[source].shape[0] if inputs[source].ndim else 1)


def _size(array: NDArray[Any]) -> int:  # Any: as above
    if array.dtype.kind != "O":
        return array.nbytes
    return sum(4 + len(element) for element in array.flat)
