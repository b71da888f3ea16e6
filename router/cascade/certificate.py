"""The certificate: what was promised, for which files exactly, and all that the device needs to keep it.

A JSON document beside the manifest. It names digests of both models and of the preparation; if any differs from what
runs, it speaks of nothing. Reading one checks it whole, so that a damaged certificate is no certificate."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from router.cascade.gain import KNOTS, GainTable
from router.cascade.learn import Method
from router.errors import CertificateError
from router.versions import whole_number

__all__ = [
    "MAX_CERTIFICATE_BYTES",
    "Certificate",
    "Gains",
    "Promise",
    "Reference",
    "parse_certificate",
    "to_json",
]

MAX_CERTIFICATE_BYTES: Final = 8 << 20

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Row = Annotated[list[float], Field(min_length=1, max_length=KNOTS)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Gains(_Part):
    """A GainTable as JSON writes it."""

    knots: Row
    default: Row
    classes: Annotated[dict[Annotated[int, Field(ge=-1, le=1 << 31)], Row], Field(max_length=100_000)]
    grid: Annotated[list[float], Field(min_length=1, max_length=10_000)]
    """The thresholds that are tested, in this order; fixed when the table was."""

    @classmethod
    def of(cls, table: GainTable, grid: Sequence[float]) -> Self:
        """Return `table` and the grid that was fixed with it, as JSON writes them."""
        classes = {answer: list(row) for answer, row in table.rows.items()}
        return cls(knots=list(table.knots), default=list(table.default), classes=classes, grid=list(grid))

    def table(self) -> GainTable:
        """Return the table that was written."""
        rows = {answer: tuple(row) for answer, row in self.classes.items()}
        return GainTable(tuple(self.knots), rows, tuple(self.default))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.knots)):
            raise ValueError("knots rise")
        if any(len(row) != len(self.knots) for row in (self.default, *self.classes.values())):
            raise ValueError("every class has a gain at each knot")
        if any(later >= earlier for earlier, later in pairwise(self.grid)):
            raise ValueError("the grid falls")
        return self


class Reference(_Part):
    """How the device's confidences were spread in calibration; an edge belongs to the bin below it."""

    edges: Annotated[list[float], Field(min_length=1, max_length=999)]
    counts: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=1000)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sorted(self.edges) != self.edges or len(self.counts) != len(self.edges) + 1:
            raise ValueError("edges rise, and there is one count more than edges")
        return self


class Promise(_Part):
    """P(expected loss <= alpha) >= 1 - delta, kept by keeping answers whose score is strictly above `threshold`."""

    alpha: Annotated[float, Field(gt=0, le=0.5)]
    delta: Annotated[float, Field(gt=0, le=0.5)]
    threshold: float | None
    """None: nothing may be kept."""
    kept: Share
    """Share of the evaluation set that stays on the device."""
    loss: Annotated[float, Field(ge=-1, le=1)]
    """Loss on the evaluation set: what was seen, not what is promised."""
    alpha_d: Annotated[float, Field(gt=0, le=1)]
    """95 % upper bound of kept disagreement, from the evaluation set: what audits are held to."""
    passed: Annotated[list[float], Field(max_length=1_000_000)]
    """Every threshold that passed, falling."""

    @model_validator(mode="after")
    def _threshold_passed(self) -> Self:
        if (self.passed[-1] if self.passed else None) != self.threshold:
            raise ValueError("threshold is the last that passed")
        if any(later >= earlier for earlier, later in pairwise(self.passed)):
            raise ValueError("thresholds that passed fall")
        return self

    @property
    def value(self) -> float:
        """The threshold as a number: inf keeps nothing."""
        return math.inf if self.threshold is None else self.threshold


class Certificate(_Part):
    """See the module."""

    schema_version: Annotated[Literal[1], whole_number("1"), Field(alias="schema")] = 1
    model: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    method: Method
    task: Literal["classification", "multilabel", "regression", "embedding"]
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """Beyond it two answers disagree; None where the task needs none."""
    score: Literal["margin", "max_probability", "energy", "value"]
    device_digest: Digest
    remote_digest: Digest
    preprocessing_digest: Digest
    gains: Gains
    promises: Annotated[list[Promise], Field(min_length=1, max_length=64)]
    reference: Reference
    n_fit: Annotated[int, Field(ge=1)]
    n_calibrate: Annotated[int, Field(ge=1)]
    n_evaluate: Annotated[int, Field(ge=1)]
    split: Text
    """How the three sets were kept apart."""
    seed: int
    """Of the draw of the three sets."""
    made_utc: Text
    not_covered: Annotated[list[Text], Field(max_length=64)]

    def table(self) -> GainTable:
        """Return the gain table."""
        return self.gains.table()

    def promise(self, alpha: float, confidence: float) -> Promise | None:
        """Return the most permissive promise that is at least as strict as asked; None where there is none."""
        slack = 1e-12  # 1 - 0.9 is not 0.1
        strict = [p for p in self.promises if p.alpha <= alpha + slack and 1.0 - p.delta >= confidence - slack]
        return max(strict, key=lambda promise: (promise.alpha, promise.delta), default=None)


def parse_certificate(content: bytes, source: str) -> Certificate:
    """Read a certificate from the bytes of a file; `source` names it in errors.

    Raises CertificateError: with the exact place of the first fault."""
    if len(content) > MAX_CERTIFICATE_BYTES:
        raise CertificateError("", f"longer than {MAX_CERTIFICATE_BYTES} bytes", source=source)
    try:
        json.loads(content, object_pairs_hook=_once)
    except RecursionError as error:
        raise CertificateError("", "not JSON: nested too deeply", source=source) from error
    except ValueError as error:
        raise CertificateError("", f"not JSON: {error}", source=source) from error
    try:
        # Strict: of its own accord pydantic takes true for 1 and "5" for 5, and nobody has certified those.
        return Certificate.model_validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CertificateError(place, first["msg"], source=source) from error


def to_json(certificate: Certificate) -> bytes:
    """Return the file's bytes: the same certificate gives the same bytes."""
    document = certificate.model_dump(mode="json", by_alias=True)
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a key that stands twice, of which a reader would silently take the last."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document
