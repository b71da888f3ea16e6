"""A new certificate for the same files, from what production told: audits, and labels where the app learnt them.

The gain table and the grid of thresholds are the old certificate's, and so were fixed before any of these requests
came. The earlier audits calibrate, the later ones evaluate. Audited are requests that were chosen before their route
was known; what a label forbids is not among them, and is not covered."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_service.publish.errors import PublishError
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest import Manifest, read_manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade import binomial
from router.cascade.audits import MAX_AUDIT_BYTES, AuditRecord, parse_audit
from router.cascade.certificate import Certificate, Promise, parse_certificate, to_json
from router.cascade.learn import Method, Threshold, certify
from router.errors import AuditError, CertificateError, CertifyError

__all__ = ["Recertified", "read_audits", "recertify"]

_CALIBRATE: Final = 0.7
_ALPHA_D_LEVEL: Final = 0.05
_MAX_LINES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Recertified:
    """The new certificate, and what became of the audits: how many were used, and left out by reason."""

    certificate: Certificate
    used: int
    left_out: dict[str, int]
    refused: tuple[str, ...]


def recertify(
    release: Path, audits: Path, *, alphas: Sequence[float] | None = None, delta: float | None = None
) -> Recertified:
    """Write a new certificate into the folder `release`; the old one stays beside it as certificate.N.json.

    `alphas` and `delta` are the old certificate's unless given. Raises PublishError: where none can be made, and then
    nothing changed."""
    manifest, path, old = _read(release)
    records, left_out = read_audits(audits, manifest, old)
    if not records:
        raise PublishError(f"{audits} has no audit of this release ({_told(left_out)})", "collect some first")
    labelled = all(record.device_right is not None and record.remote_right is not None for record in records)
    method = Method.LABELS if labelled else Method.AGREEMENT
    table = old.table()
    scores = [-math.inf if r.confidence is None else table.score(r.answer, r.confidence) for r in records]
    gains = [_gain(record, method) for record in records]
    apart = [record.disagree == 1 for record in records]
    cut = math.ceil(len(records) * _CALIBRATE)
    wanted = sorted(alphas or [promise.alpha for promise in old.promises])
    risk = old.promises[0].delta if delta is None else delta
    grid = old.gains.grid
    promises: list[Promise] = []
    refused: list[str] = []
    for alpha in wanted:
        try:
            threshold = certify(scores[:cut], gains[:cut], grid, alpha, risk, method, seed=old.seed)
        except CertifyError as error:
            refused.append(str(error))
            continue
        promises.append(_promise(threshold, alpha, risk, scores[cut:], gains[cut:], apart[cut:]))
    if not promises:
        raise PublishError("no promise can be made: " + refused[-1], "collect more audits, or ask for a larger --alpha")
    first, last = (datetime.datetime.fromtimestamp(r.at_utc, datetime.UTC) for r in (records[0], records[-1]))
    certificate = old.model_copy(
        update={
            "method": method,
            "promises": promises,
            "reference": old.reference,
            "n_calibrate": cut,
            "n_evaluate": len(records) - cut,
            "split": f"audits from {first:%Y-%m-%d} to {last:%Y-%m-%d}, the later ones evaluated on",
            "made_utc": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    _replace(path, to_json(certificate))
    return Recertified(certificate, len(records), dict(left_out), tuple(refused))


def read_audits(path: Path, manifest: Manifest, certificate: Certificate) -> tuple[list[AuditRecord], Counter[str]]:
    """Return the audits of this release in the order of their time, the last line of each request, and what was left
    out. Raises PublishError: for a line that is no audit, by its number."""
    left_out: Counter[str] = Counter()
    found: dict[str, AuditRecord] = {}
    wanted = (certificate.device_digest, certificate.remote_digest, preprocessing_digest(manifest))
    for number, line in enumerate(_lines(path), start=1):
        if number > _MAX_LINES:
            raise PublishError(f"{path} has more than {_MAX_LINES} lines", "give the latest ones")
        try:
            record = parse_audit(line)
        except AuditError as error:
            raise PublishError(
                f"{path}: line {number}: {error}", "leave the line out if nothing else is lost"
            ) from None
        if record.model != certificate.model:
            left_out["of another model"] += 1
        elif (record.device_digest, record.remote_digest, record.preprocessing_digest) != wanted:
            left_out["of other files or preparation"] += 1
        elif record.disagree is None:
            left_out["without the cloud's answer"] += 1
        else:
            left_out["said again later"] += record.id in found
            found[record.id] = record
    return sorted(found.values(), key=lambda record: (record.at_utc, record.id)), +left_out


def _read(release: Path) -> tuple[Manifest, Path, Certificate]:
    try:
        manifest = read_manifest(release / "manifest.toml")
    except OSError as error:
        raise PublishError(f"{release} is no release: {error.strerror or error}", "name its folder") from error
    except ManifestError as error:
        raise PublishError(str(error), "prepare the release again") from error
    if manifest.certificate is None or manifest.device is None:
        raise PublishError(f"{release} has no certificate to renew", "prepare the release with data first")
    path = release / manifest.certificate
    try:
        old = parse_certificate(path.read_bytes(), str(path))
        device = digest_of((release / manifest.device.file).read_bytes())
    except OSError as error:
        raise PublishError(f"{release} is not whole: {error.strerror or error}", "prepare it again") from error
    except CertificateError as error:
        raise PublishError(str(error), "prepare the release again") from error
    if old.device_digest != device or old.preprocessing_digest != preprocessing_digest(manifest):
        raise PublishError("the certificate is not of the files beside it", "prepare the release again")
    return manifest, path, old


def _lines(path: Path) -> Iterable[str]:
    try:
        with path.open(encoding="utf-8") as file:
            while line := file.readline(MAX_AUDIT_BYTES + 2):
                if line.strip():
                    yield line.rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PublishError(f"{path} cannot be read as text ({type(error).__name__})", "one audit a line") from error


def _gain(record: AuditRecord, method: Method) -> int:
    if method is Method.AGREEMENT:
        return int(record.disagree == 1)
    assert record.remote_right is not None and record.device_right is not None
    return record.remote_right - record.device_right


def _promise(
    threshold: Threshold,
    alpha: float,
    delta: float,
    scores: Sequence[float],
    gains: Sequence[int],
    apart: Sequence[bool],
) -> Promise:
    kept = [score > threshold.value for score in scores]
    wrong = sum(stays and differs for stays, differs in zip(kept, apart, strict=True))
    count = max(1, len(scores))
    return Promise(
        alpha=alpha,
        delta=delta,
        threshold=None if math.isinf(threshold.value) else threshold.value,
        kept=sum(kept) / count,
        loss=sum(gain for stays, gain in zip(kept, gains, strict=True) if stays) / count,
        alpha_d=binomial.upper_bound(wrong, len(scores), _ALPHA_D_LEVEL) if scores else 1.0,
        passed=list(threshold.passed),
    )


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, whole or not at all, and keep what was there under the next free number."""
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


def _told(left_out: Counter[str]) -> str:
    return ", ".join(f"{count} {why}" for why, count in left_out.items()) or "it is empty"
