"""The certificate of a release as a document: what was promised, of which files, and what it does not say."""

from __future__ import annotations

import datetime
from typing import Final

from cloud_service.publish.certify import Certified
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.splits import Split
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.certificate import Certificate, Gains

__all__ = ["certificate_of"]

_NOT_COVERED: Final = (
    "inputs unlike those calibrated on: other users, cameras, seasons or subjects",
    "any sub-group by itself: the promise is about the average over all requests",
    "requests whose privacy label forbids the cloud: they can be neither escalated nor audited",
    "a device or full model with another digest than those of this certificate",
)


def certificate_of(options: PrepareOptions, manifest: Manifest, certified: Certified, apart: Split) -> Certificate:
    """Return the certificate of a release whose whole manifest is `manifest`."""
    assert manifest.device is not None and manifest.remote is not None and manifest.remote.digest is not None
    table = certified.table
    return Certificate(
        model=options.name,
        method=certified.method,
        task=options.task,
        tolerance=options.tolerance,
        score=certified.kind,
        device_digest=manifest.device.digest,
        remote_digest=manifest.remote.digest,
        preprocessing_digest=preprocessing_digest(manifest),
        gains=Gains.of(table, certified.grid),
        promises=list(certified.promises),
        reference=certified.reference,
        n_fit=len(apart.fit),
        n_calibrate=len(apart.calibrate),
        n_evaluate=len(apart.evaluate),
        split=apart.how,
        seed=options.seed,
        made_utc=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_covered=[*_NOT_COVERED, *_counted_singly(options, apart)],
    )


def _counted_singly(options: PrepareOptions, apart: Split) -> tuple[str, ...]:
    """Return what a promise does not say that was tested on each example of a group as on a draw of its own."""
    groups = options.examples.groups
    if groups is None:
        return ()
    many = len(set(groups[apart.calibrate].tolist()))
    return (
        f"what differs from group to group: the {len(apart.calibrate)} examples calibrated on are of {many} groups, "
        "and each was counted as if it were drawn by itself",
    )
