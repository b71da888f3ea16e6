"""What an app asks, checked: tensors as the manifest has them, a time that is one, a label that the policy knows.

What is wrong is one typed error that says what to do, and quotes no value."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edge_agent.cancellation import Cancellation
from edge_agent.errors import DeadlineExceeded, InputError, RequestError, UnknownLabel
from edge_agent.releases import Release
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.errors import TensorError, kind_of, quoted
from nearfar_wire.specs import check
from router.naming import did_you_mean
from router.rules.policy import Policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["arrays_of", "check_label", "check_passed_along", "seconds"]

# Which kinds of numpy's an array of each kind may be made of, where the app hands over a list or a number.
_MADE_OF: Final = {"b": "b", "i": "iu", "u": "iu", "f": "iuf", "O": "OSU"}


def seconds(model: str, deadline_ms: float, most_s: float) -> float:
    """Return the seconds to a request's deadline, `most_s` at the most. Raises RequestError, DeadlineExceeded."""
    if isinstance(deadline_ms, bool) or not isinstance(deadline_ms, Real) or deadline_ms != deadline_ms:
        given = kind_of(deadline_ms) if deadline_ms == deadline_ms else "NaN"
        raise RequestError(f"deadline_ms is a number of milliseconds from now, not {given}")
    if deadline_ms <= 0:
        raise DeadlineExceeded(model, 0.0)
    # Compared before it is converted: an integer may be larger than any float.
    return float(deadline_ms) / 1000 if deadline_ms < most_s * 1000 else most_s


def check_label(policy: Policy, label: str) -> None:
    """Pass a label that the policy has. Raises UnknownLabel."""
    if isinstance(label, str) and label in policy.labels:
        return
    named = quoted(label) if isinstance(label, str) else f"named by {kind_of(label)}"
    known = did_you_mean(str(label), policy.labels)
    raise UnknownLabel(f"policy {policy.name} has no privacy label {named}{known}; nothing ran or left")


def check_passed_along(cancellation: object, traceparent: object) -> None:
    """Pass what a request may be accompanied by. What no trace can be continued with is left out when it is sent.

    Raises RequestError: for what is of another type."""
    if cancellation is not None and not isinstance(cancellation, Cancellation):
        raise RequestError(f"cancellation is an edge_agent.Cancellation, not {kind_of(cancellation)}")
    if traceparent is not None and not isinstance(traceparent, str):
        raise RequestError(f"traceparent is text, as W3C has it, not {kind_of(traceparent)}")


def arrays_of(
    release: Release, inputs: Mapping[str, Any]
) -> Mapping[str, NDArray[Any]]:  # Any: arrays, or what numpy makes arrays of
    """Return the arrays of a request that are as the release's manifest wants them. Raises InputError."""
    if type(inputs) is not dict and not isinstance(inputs, Mapping):
        raise InputError(release.name, None, f"a mapping of input names to arrays is wanted, not {kind_of(inputs)}")
    for name, value in inputs.items():
        if type(value) is not np.ndarray or type(name) is not str:
            inputs = {name: _array(release, name, value) for name, value in inputs.items()}
            break
    try:
        check(release.inputs, inputs)
    except TensorError as error:
        raise InputError(release.name, error.tensor, error.problem) from None
    return inputs


def _array(release: Release, name: str, value: object) -> NDArray[Any]:  # Any: any datatype
    """Make an array of a list or number, of the datatype that the model takes; an array stays what it is."""
    if not isinstance(name, str):
        raise InputError(release.name, None, f"an input's name is text, not {kind_of(name)}")
    if type(value) is np.ndarray:
        return value
    spec = next((spec for spec in release.inputs if spec.name == name), None)
    dtype = None if spec is None else DATATYPES[spec.datatype]
    try:
        # Its own kind first: told the datatype, numpy would cut 0.9 to 0 without a word. A masked array loses its mask
        # here, and what was under it is looked at like the rest.
        plain = np.asarray(value)
        if isinstance(value, np.ndarray):
            return plain
        if dtype is None or plain.dtype.kind in _MADE_OF[dtype.kind] or plain.size == 0:
            with np.errstate(over="raise"):  # a number that the datatype cannot hold is no infinity
                return np.asarray(value, dtype)
    except Exception:  # noqa: BLE001, S110  an object may turn into an array in its own way, and fail in its own
        pass  # told below, without foreign words, which may quote the value
    wanted = f"{spec.datatype} array" if spec is not None else "array"
    raise InputError(release.name, name, f"{kind_of(value)} that is no {wanted}; pass one")
