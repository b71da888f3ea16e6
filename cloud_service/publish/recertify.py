"""A new certificate for the same files, from what production told: audits, and labels where the app learnt them.

The gain table and the grid of thresholds are the old certificate's, and so were fixed before any of these requests
came. The earlier audits calibrate, the later ones evaluate, and all of them say how confidences are spread now: a drift
test that is begun with what was once would cry for ever. What a label forbids is not among them, and is not covered."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cloud_service.publish.audited import read_audits, require_escalated
from cloud_service.publish.certify import binned, promise_of
from cloud_service.publish.errors import PublishError
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import Manifest, read_manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.audits import AuditRecord
from router.cascade.certificate import Certificate, Promise, Reference, parse_certificate, to_json
from router.cascade.learn import Method, certify
from router.errors import CertificateError, CertifyError

__all__ = ["Recertified", "recertify"]

_CALIBRATE: Final = 0.7
_FEWEST: Final = 2
"""One to calibrate, one to evaluate on; what the promise takes, certify says."""


@dataclass(frozen=True, slots=True)
class Recertified:
    """The new certificate, and what became of the audits: how many were used, and left out by reason."""

    certificate: Certificate
    used: int
    kept: int
    """Of those used, how many kept the device's answer."""
    labelled: int
    """How many audits say who was right; labels count where all that are used do."""
    left_out: dict[str, int]
    refused: tuple[str, ...]


def recertify(
    release: Path,
    audits: Path | Sequence[Path],
    *,
    alphas: Sequence[float] | None = None,
    delta: float | None = None,
    labelled: bool = False,
) -> Recertified:
    """Write a new certificate into the folder `release`; the old one stays beside it as certificate.N.json.

    `alphas` and `delta` are the old certificate's unless given. `labelled`: use only audits that say who was right, and
    promise accuracy; they have to be a part of all that was drawn by chance.

    Raises PublishError: where none can be made, and then nothing changed."""
    manifest, path, old = _read(release)
    files = [audits] if isinstance(audits, Path) else list(audits)
    records, left_out = read_audits(files, manifest, old)
    told = [record for record in records if record.device_right is not None and record.remote_right is not None]
    if labelled:
        left_out["without a label"] += len(records) - len(told)
        records = told
    if len(records) < _FEWEST:
        why = ", ".join(f"{count} {reason}" for reason, count in (+left_out).items()) or "there are no others"
        raise PublishError(f"{len(records)} audits of this release can be used: {why}", "collect some first")
    require_escalated(records, old)
    method = Method.LABELS if len(told) == len(records) else Method.AGREEMENT
    risk = old.promises[0].delta if delta is None else delta
    promises, refused = _promises(records, old, sorted(set(alphas or [p.alpha for p in old.promises])), risk, method)
    cut = _cut(len(records))
    first, last = (datetime.datetime.fromtimestamp(r.at_utc, datetime.UTC) for r in (records[0], records[-1]))
    confidences = np.array([math.nan if r.confidence is None else r.confidence for r in records])
    edges = old.reference.edges
    certificate = old.model_copy(
        update={
            "method": method,
            "promises": promises,
            "reference": Reference(edges=edges, counts=binned(np.array(edges), confidences)),
            "n_calibrate": cut,
            "n_evaluate": len(records) - cut,
            "split": f"audits from {first:%Y-%m-%d} to {last:%Y-%m-%d}, the later ones evaluated on",
            "made_utc": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    _replace(path, to_json(certificate))
    kept = sum(record.kept for record in records)
    return Recertified(certificate, len(records), kept, len(told), dict(+left_out), tuple(refused))


def _promises(
    records: Sequence[AuditRecord], old: Certificate, alphas: Sequence[float], delta: float, method: Method
) -> tuple[list[Promise], list[str]]:
    """Return what can be promised, and why the rest cannot. Raises PublishError: where it is nothing."""
    table = old.table()
    scores = np.array([-math.inf if r.confidence is None else table.score(r.answer, r.confidence) for r in records])
    gains = np.array([_gain(record, method) for record in records])
    apart = np.array([record.disagree == 1 for record in records])
    cut = _cut(len(records))
    promises: list[Promise] = []
    refused: list[str] = []
    for alpha in alphas:
        try:
            threshold = certify(scores[:cut].tolist(), gains[:cut].tolist(), old.gains.grid, alpha, delta, method)
        except CertifyError as error:
            refused.append(str(error))
            continue
        promises.append(promise_of(threshold, alpha, delta, scores[cut:], gains[cut:], apart[cut:]))
    if not promises:
        advice = "collect more audits, or ask for a larger --alpha"
        raise PublishError("no promise can be made: " + refused[-1], advice)
    return promises, refused


def _cut(count: int) -> int:
    """Return how many of `count` audits calibrate; one at the least is left to evaluate on."""
    return min(math.ceil(count * _CALIBRATE), count - 1)


def _read(release: Path) -> tuple[Manifest, Path, Certificate]:
    try:
        manifest = read_manifest(release / "manifest.toml")
    except OSError as error:
        raise PublishError(f"{release} is no release: {error.strerror or error}", "name its folder") from error
    except ManifestError as error:
        raise PublishError(str(error), "prepare the release again") from error
    if manifest.certificate is None or manifest.device is None or manifest.remote is None:
        raise PublishError(f"{release} has no certificate to renew", "prepare the release with data first")
    path = release / manifest.certificate
    try:
        old = parse_certificate(path.read_bytes(), str(path))
        device = digest_of((release / manifest.device.file).read_bytes())
    except OSError as error:
        raise PublishError(f"{release} is not whole: {error.strerror or error}", "prepare it again") from error
    except CertificateError as error:
        raise PublishError(str(error), "prepare the release again") from error
    of_files = (device, manifest.remote.digest, preprocessing_digest(manifest))
    if (old.device_digest, old.remote_digest, old.preprocessing_digest) != of_files:
        raise PublishError("the certificate is not of the files beside it", "prepare the release again")
    return manifest, path, old


def _gain(record: AuditRecord, method: Method) -> int:
    if method is Method.AGREEMENT:
        return int(record.disagree == 1)
    assert record.remote_right is not None and record.device_right is not None
    return record.remote_right - record.device_right


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, whole or not at all, and keep what was there under the next free number."""
    parse_certificate(content, str(path))  # what no agent would read is not written
    try:
        number = 1
        while (kept := path.with_suffix(f".{number}.json")).exists():
            number += 1
        kept.write_bytes(path.read_bytes())
        made = path.with_suffix(".new")
        made.write_bytes(content)
        made.replace(path)
    except OSError as error:
        raise PublishError(f"{path} cannot be written: {error.strerror or error}", "make it writable") from error
