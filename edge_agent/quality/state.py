"""What audits and confidences have told so far, kept across restarts: a small file of JSON a release.

Of another certificate it says nothing, and is begun anew; so it is where it cannot be read. Written whole or not at
all."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from router.cascade.certificate import Certificate, to_json
from router.cascade.drift import Drift
from router.cascade.watch import Watch
from router.versions import whole_number

__all__ = ["Books", "load_books", "save_books"]

_LOG: Final = logging.getLogger("nearfar.agent")
_MAX_BYTES: Final = 1 << 20


@dataclass(slots=True)
class Books:
    """Watches by alpha and delta of their promise, and the drift test; None where there is no certificate."""

    watches: dict[tuple[float, float], Watch]
    drift: Drift | None


class _Kept(BaseModel):
    alpha: float
    delta: float
    watch: Watch


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    books: Annotated[Literal[1], whole_number("1")] = 1
    certificate: str
    watches: Annotated[list[_Kept], Field(max_length=64)]
    drift: Drift


def load_books(path: Path, certificate: Certificate) -> Books | None:
    """Return what was kept for this certificate; None where there is nothing that counts."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        document = _Document.model_validate_json(content[:_MAX_BYTES], strict=True)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        _LOG.warning("%s cannot be read (%s): audits are counted anew", path, type(error).__name__)
        return None
    if document.certificate != _digest(certificate):
        return None
    reference = certificate.reference
    if document.drift.edges != tuple(reference.edges) or len(document.drift.counts) != len(reference.counts):
        return None
    return Books({(kept.alpha, kept.delta): kept.watch for kept in document.watches}, document.drift)


def save_books(path: Path, certificate: Certificate, books: Books) -> None:
    """Write the books; a failure is logged and costs nothing else."""
    if books.drift is None:
        return
    kept = [_Kept(alpha=alpha, delta=delta, watch=watch) for (alpha, delta), watch in books.watches.items()]
    document = _Document(certificate=_digest(certificate), watches=kept, drift=books.drift)
    made = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(document.model_dump_json().encode())
        made.replace(path)
    except OSError as error:
        with suppress(OSError):
            made.unlink(missing_ok=True)
        _LOG.warning("%s cannot be written (%s): audits are forgotten at the end", path, error.strerror)


def _digest(certificate: Certificate) -> str:
    return hashlib.sha256(to_json(certificate)).hexdigest()
