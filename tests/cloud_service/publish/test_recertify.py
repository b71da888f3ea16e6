"""A new certificate from audits: what they say, what they cannot say, and what is refused."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cloud_service.publish.certify import binned
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recertify import recertify
from router.cascade.audits import AuditRecord, to_line
from router.cascade.certificate import Certificate, parse_certificate
from router.cascade.drift import Drift, begin_drift, notice
from router.cascade.learn import Method
from tests.builders.audit_files import audits, write_audits
from tests.builders.certified_release import certified_release

UNTOLD = {"device_right": None, "remote_right": None}


@dataclass
class Place:
    """A release, its certificate, and a file of audits."""

    release: Path
    old: Certificate
    file: Path

    def written(self) -> Certificate:
        return parse_certificate((self.release / "certificate.json").read_bytes(), "c")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "release", certified_release(tmp_path / "release"), tmp_path / "audits.jsonl")


def test_audits_that_all_say_who_was_right_promise_accuracy(place: Place) -> None:
    before = (place.release / "certificate.json").read_bytes()
    write_audits(place.file, audits(place.old, 1000))
    renewed = recertify(place.release, place.file, alphas=[0.2, 0.1, 0.2], delta=0.2)
    certificate = renewed.certificate
    assert certificate == place.written()
    assert certificate.method is Method.LABELS
    assert [(p.alpha, p.delta) for p in certificate.promises] == [(0.1, 0.2), (0.2, 0.2)]
    assert (certificate.n_calibrate, certificate.n_evaluate, renewed.used) == (700, 300, 1000)
    assert certificate.split == "audits from 1970-01-01 to 1972-09-26, the later ones evaluated on"
    assert certificate.gains == place.old.gains
    assert (place.release / "certificate.1.json").read_bytes() == before
    recertify(place.release, place.file, alphas=[0.2])
    assert len(list(place.release.glob("certificate.*.json"))) == 2


def test_the_evaluation_is_what_the_later_audits_say(place: Place) -> None:
    records = audits(place.old, 1000)
    write_audits(place.file, random.Random(0).sample(records, 1000))
    promise = recertify(place.release, place.file, alphas=[0.2]).certificate.promises[0]
    table = place.old.table()
    later = [(table.score(r.answer, r.confidence or 0), r.disagree or 0) for r in records[700:]]
    kept = [(score > promise.value, apart) for score, apart in later]
    assert promise.kept == pytest.approx(sum(stays for stays, _ in kept) / 300)
    assert promise.loss == pytest.approx(sum(apart for stays, apart in kept if stays) / 300)


def test_where_one_audit_does_not_say_who_was_right_agreement_is_promised(place: Place) -> None:
    records = [*audits(place.old, 600), *audits(place.old, 400, seed=1, **UNTOLD)]
    write_audits(place.file, records)
    renewed = recertify(place.release, place.file, alphas=[0.2])
    assert renewed.certificate.method is Method.AGREEMENT
    assert (renewed.used, renewed.labelled) == (1000, 600)


def test_those_alone_that_say_who_was_right_can_be_asked_for(place: Place) -> None:
    write_audits(place.file, [*audits(place.old, 600), *audits(place.old, 400, seed=1, **UNTOLD)])
    renewed = recertify(place.release, place.file, alphas=[0.2], labelled=True)
    assert renewed.certificate.method is Method.LABELS
    assert (renewed.used, renewed.left_out) == (600, {"without a label": 400})


def test_labels_can_make_good_what_disagreement_only_suspects(place: Place) -> None:
    """Where the device is right although the cloud disagrees, nothing is lost by keeping its answers."""
    write_audits(place.file, audits(place.old, 1000, device_right=1))
    kept_by_label = recertify(place.release, place.file, alphas=[0.02]).certificate.promises[0].kept
    write_audits(place.file, audits(place.old, 1000, **UNTOLD))
    assert recertify(place.release, place.file, alphas=[0.02]).certificate.promises[0].kept < kept_by_label


def test_the_drift_test_is_begun_anew_with_the_confidences_of_now(place: Place) -> None:
    """The reference stayed that of the first calibration: after an alarm it would have cried for ever."""
    records = [r.model_copy(update={"confidence": (r.confidence or 0) * 0.5}) for r in audits(place.old, 1000)]
    write_audits(place.file, records)
    reference = recertify(place.release, place.file, alphas=[0.4]).certificate.reference
    confidences = [r.confidence for r in records]
    assert reference.counts == binned(np.array(reference.edges), np.array(confidences, dtype=float))
    later = [(r.confidence or 0) * 0.5 for r in audits(place.old, 2000, seed=2)]
    assert _alarm(place.old.reference.edges, place.old.reference.counts, later)
    assert not _alarm(reference.edges, reference.counts, later)


def _alarm(edges: list[float], counts: list[int], stream: list[float]) -> bool:
    chance = random.Random(0)
    test: Drift = begin_drift(edges, counts, 0.01)
    for confidence in stream:
        test = notice(test, confidence, chance.random())
    return test.alarm


def test_a_confidence_that_could_not_be_read_keeps_nothing(place: Place) -> None:
    blind = audits(place.old, 300, seed=3, confidence=None, kept=False, disagree=1, device_right=0)
    write_audits(place.file, [*audits(place.old, 700), *blind])
    certificate = recertify(place.release, place.file, alphas=[0.2]).certificate
    assert certificate.reference.counts[0] >= 300
    assert certificate.promises[0].loss <= 0.2
    assert not math.isinf(certificate.promises[0].value)


@pytest.mark.wide
def test_files_of_several_devices_are_one_whatever_their_order(place: Place, tmp_path: Path) -> None:
    first, second = audits(place.old, 500), audits(place.old, 500, seed=1)
    one = write_audits(tmp_path / "one", first)
    two = tmp_path / "two"
    two.write_text("\ufeff" + "".join(to_line(record) + "\n\n" for record in second), encoding="utf-8")
    forwards = recertify(place.release, [one, two], alphas=[0.2]).certificate
    backwards = recertify(place.release, [two, one, one], alphas=[0.2])
    assert backwards.left_out == {"said again later": 500}
    assert backwards.certificate.promises == forwards.promises


def test_what_does_not_speak_of_this_release_is_left_out_and_counted(place: Place) -> None:
    strange = "sha256:" + "9" * 64
    records: list[AuditRecord] = [
        *audits(place.old, 500),
        *audits(place.old, 1, seed=1, model="other"),
        *audits(place.old, 2, seed=2, device_digest=strange),
        *audits(place.old, 3, seed=3, remote_digest=strange),
        *audits(place.old, 4, seed=4, preprocessing_digest=strange),
        *audits(place.old, 5, seed=5, remote_digest=None),
        *audits(place.old, 6, seed=6, disagree=None),
    ]
    write_audits(place.file, records)
    renewed = recertify(place.release, place.file, alphas=[0.2])
    assert renewed.used == 500
    assert renewed.left_out == {
        "of another model": 1, "of other files or preparation": 14, "without the cloud's answer": 6
    }  # fmt: skip


def test_a_label_that_comes_later_counts_and_is_not_lost_by_what_comes_after_it(place: Place) -> None:
    told = audits(place.old, 500)
    untold = audits(place.old, 500, **UNTOLD)
    write_audits(place.file, [*untold, *told, *untold[:100]])
    renewed = recertify(place.release, place.file, alphas=[0.2])
    assert (renewed.used, renewed.labelled) == (500, 500)
    assert renewed.certificate.method is Method.LABELS


def test_a_line_that_the_device_could_not_end_is_left_out(place: Place) -> None:
    """A device that lost power while it wrote made its whole file useless."""
    write_audits(place.file, audits(place.old, 500))
    with place.file.open("a") as file:
        file.write(to_line(audits(place.old, 1, seed=1)[0])[:40])
    assert recertify(place.release, place.file, alphas=[0.2]).left_out == {"cut off at the end of a file": 1}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "0 audits of this release can be used: there are no others; collect some first"),
        (["{}"], "line 1: not an audit record"),
        (['{"audit": 1, "secret": "x"}'], "line 1: not an audit record"),
        (["x" * 9000], "line 1: an audit is at most"),
    ],
    ids=["empty", "nothing", "something-else", "endless"],
)
def test_a_file_without_audits_is_refused(place: Place, lines: list[str], told: str) -> None:
    write_audits(place.file, lines)
    with pytest.raises(PublishError, match=told):
        recertify(place.release, place.file)


def test_a_file_that_is_not_there_is_refused(place: Place) -> None:
    with pytest.raises(PublishError, match="cannot be read: No such file or directory"):
        recertify(place.release, place.file)


def test_audits_of_kept_answers_alone_are_refused(place: Place) -> None:
    """With none of the escalated ones among them, every threshold looked as safe as the one that was in force."""
    kept = [record for record in audits(place.old, 1000) if record.kept]
    write_audits(place.file, kept)
    before = (place.release / "certificate.json").read_bytes()
    with pytest.raises(PublishError, match="audits of escalated requests are missing"):
        recertify(place.release, place.file, alphas=[0.2])
    assert (place.release / "certificate.json").read_bytes() == before


def test_too_few_audits_are_refused_with_the_number_that_it_takes_and_nothing_changes(place: Place) -> None:
    write_audits(place.file, audits(place.old, 100))
    before = {path.name: path.read_bytes() for path in place.release.iterdir()}
    with pytest.raises(PublishError, match=r"alpha 0\.01 at delta 0\.1 \(labels\) needs 230 inputs .* there are 70"):
        recertify(place.release, place.file, alphas=[0.01], delta=0.1)
    assert {path.name: path.read_bytes() for path in place.release.iterdir()} == before


def test_some_alphas_may_be_refused_and_the_others_promised(place: Place) -> None:
    write_audits(place.file, audits(place.old, 300))
    renewed = recertify(place.release, place.file, alphas=[0.001, 0.3])
    assert [promise.alpha for promise in renewed.certificate.promises] == [0.3]
    assert "alpha 0.001" in renewed.refused[0]


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("m.onnx", lambda content: content + b"!"),
        ("manifest.toml", lambda content: content.replace(b"[-1, 4]", b"[-1, 5]").replace(b"    4,", b"    5,")),
        ("manifest.toml", lambda content: content.replace(b"c" * 64, b"e" * 64)),
    ],
    ids=["device-model", "preparation", "full-model"],
)
def test_a_release_whose_files_are_not_the_certificates_is_refused(place: Place, file: str, change: object) -> None:
    write_audits(place.file, audits(place.old, 500))
    content = (place.release / file).read_bytes()
    changed = change(content)  # type: ignore[operator]
    assert changed != content
    (place.release / file).write_bytes(changed)
    with pytest.raises(PublishError, match="the certificate is not of the files beside it"):
        recertify(place.release, place.file, alphas=[0.2])


@pytest.mark.parametrize("file", ["manifest.toml", "certificate.json", "m.onnx"])
def test_a_release_that_is_not_whole_is_refused(place: Place, file: str) -> None:
    write_audits(place.file, audits(place.old, 500))
    (place.release / file).unlink()
    with pytest.raises(PublishError, match=r"is no release|is not whole"):
        recertify(place.release, place.file)
