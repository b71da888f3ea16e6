"""What a certificate says to a request, for a policy that asks for a promise. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from router.rules.policy import PromiseTerms
from router.types import Promise

if TYPE_CHECKING:  # where the document enters pydantic does
    from router.cascade.certificate import Certificate
    from router.cascade.certificate import Promise as Certified

__all__ = ["audited", "certified_for", "of_rows", "promise_of"]

_TOGETHER = "its rows are kept or escalated together, and each was certified alone"


def certified_for(terms: PromiseTerms, certificate: Certificate) -> Certified | None:
    """Return the certificate's promise that is at least as strict as the policy wants; None where it has none."""
    return certificate.promise(terms.max_loss, terms.confidence)


def promise_of(terms: PromiseTerms, certificate: Certificate | None, *, why_uncovered: str, alarm: str) -> Promise:
    """Return what holds for requests now. `why_uncovered` is empty where the certificate is of what runs, `alarm` where
    nothing was noticed in production."""
    if certificate is None or why_uncovered:
        return Promise("uncovered", why_uncovered or "the release has no certificate")
    found = certified_for(terms, certificate)
    if found is None:
        asked = f"a loss of at most {terms.max_loss:g} with confidence {terms.confidence:g}"
        return Promise("uncovered", f"the certificate promises nothing as strict as {asked}")
    if alarm:
        return Promise("alarm", alarm)
    if math.isinf(found.value):
        return Promise("uncovered", "under this promise the certificate keeps nothing on the device")
    return Promise("in_force", "", found.value, found.kept)


def of_rows(promise: Promise, certificate: Certificate | None, rows: int) -> Promise:
    """Return what `promise` is for a request of so many rows, which is kept only if each of them may be.

    That escalates rows which would have stayed alone. Agreement cannot suffer from it. What labels certified can: the
    cloud may be wrong where the device was right, and those rows were a part of the balance."""
    if rows <= 1 or promise.state != "in_force" or certificate is None or certificate.method == "agreement":
        return promise
    return Promise("in_force", _TOGETHER, promise.threshold, promise.kept, False)


def audited(terms: PromiseTerms, drawn: float) -> bool:
    """Tell whether a request with this number, drawn evenly from [0, 1), is to be audited."""
    return drawn < terms.audit
