"""The books of one release: what its certificate says now, and what audits and confidences say of that.

Only requests that were decided on certified terms are looked at. Everything here may be called from any thread."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edge_agent.quality.judging import Judge, Judged
from edge_agent.quality.log import AuditLog
from edge_agent.quality.state import Books, load_books, save_books
from nearfar_wire.disagreement import answer_output, disagree, right
from router.cascade.audits import AuditRecord
from router.cascade.certificate import Certificate
from router.cascade.drift import begin_drift, notice_all
from router.cascade.watch import Watch, begin_watch, observe
from router.errors import CertifyError
from router.rules.policy import PromiseTerms
from router.rules.promise import certified_for, of_rows, promise_of
from router.types import Promise

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from nearfar_wire.manifest import Manifest

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Quality"]

_LOG: Final = logging.getLogger("nearfar.agent")
_DRIFT_DELTA: Final = 0.01
"""Probability that the drift test ever cries without cause."""
_REMEMBERED: Final = 1024
_MOST_AUDITS: Final = 8
# Confidences that are looked at together: between two runs of a model every line of Python is cold.
_FOLD: Final = 32


@dataclass(frozen=True, slots=True)
class _Compared:
    """An audited request whose answers may still be told right or wrong."""

    record: AuditRecord
    device: NDArray[Any]  # Any, here and below: by task
    remote: NDArray[Any]


class Quality:
    """See the module."""

    def __init__(
        self,
        manifest: Manifest,
        certificate: Certificate | None,
        why_uncovered: str,
        *,
        chance: random.Random,
        log: AuditLog | None = None,
        state: Path | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`why_uncovered` is empty where `certificate` is of the files that run. `state` is a file to remember in."""
        self._manifest = manifest
        self._certificate = certificate
        self._why_uncovered = why_uncovered
        self._chance = chance
        self._log = log
        self._state = state
        self._wall = wall
        self._lock = threading.Lock()
        self._answer = answer_output(manifest)
        score = manifest.score
        self._judge = None if score is None or certificate is None else Judge(manifest, score, certificate.table())
        self._strange: dict[str, str] = {}
        self._promises: dict[PromiseTerms, Promise] = {}
        self.changes = 0
        """Rises with whatever may change what `promise` returns."""
        self._pending: deque[float] = deque()
        self._remembered: OrderedDict[str, _Compared] = OrderedDict()
        self._terms_seen: set[PromiseTerms] = set()
        self._told: set[str] = set()
        self._auditing = 0
        self._books = self._begun() if certificate is None or state is None else self._resumed(state, certificate)

    # -- what holds ---------------------------------------------------------------------------------------------------

    def promise(self, terms: PromiseTerms) -> Promise:
        """Return what holds for a request that is decided now; the same object until something changes."""
        promise = self._promises.get(terms)
        if promise is None:
            with self._lock:
                promise = self._promises[terms] = self._made(terms)
        return promise

    def promise_for(self, terms: PromiseTerms, rows: int) -> Promise:
        """Return what holds for a request of so many rows."""
        promise = self.promise(terms)
        return promise if rows <= 1 else of_rows(promise, self._certificate, rows)

    def audits(self, terms: PromiseTerms) -> float:
        """Return the share of requests that is audited: it is drawn for, before anything is known of a request."""
        return 0.0 if self._certificate is None else terms.audit

    def covers(self, target: str, digest: str | None) -> bool:
        """Note which model a remote target answered with; tells whether it is the certificate's."""
        if self._certificate is None or self._why_uncovered:
            return False
        known = digest == self._certificate.remote_digest
        if known and not self._strange:
            return True
        with self._lock:
            before = dict(self._strange)
            if known:
                self._strange.pop(target, None)
            else:
                told = "with no digest" if digest is None else f"with {digest[:19]}"
                self._strange[target] = f"{target} answers {told}, which the certificate does not know"
            if self._strange != before:
                self._changed()
        return known

    def _changed(self) -> None:
        """Have promises made anew. The lock is held."""
        self._promises.clear()
        self.changes += 1

    def _made(self, terms: PromiseTerms) -> Promise:
        strange = next(iter(self._strange.values()), "")
        alarm = self._alarm(terms)
        return promise_of(terms, self._certificate, why_uncovered=self._why_uncovered or strange, alarm=alarm)

    def _alarm(self, terms: PromiseTerms) -> str:
        watch = self._watch(terms)
        if watch is not None and watch.alarm:
            seen = f"{watch.disagreements} of {watch.audits} audits"
            return f"the cloud disagrees with more kept answers than was certified: {seen}"
        drift = self._books.drift
        if drift is not None and drift.alarm:
            return f"the device's confidences are not spread as in calibration, seen over {drift.seen} requests"
        return ""

    def state(self, terms: PromiseTerms) -> str:
        """Return the word for what the promise is worth now."""
        return self.promise(terms).state

    # -- audits under way ---------------------------------------------------------------------------------------------

    def admit_audit(self) -> bool:
        """Begin an audit, unless as many as may be are under way: a cloud that hangs must not gather them."""
        with self._lock:
            if self._auditing >= _MOST_AUDITS:
                return False
            self._auditing += 1
            return True

    def audit_over(self) -> None:
        """End one."""
        with self._lock:
            self._auditing -= 1

    # -- what is seen -------------------------------------------------------------------------------------------------

    def score(self, outputs: Arrays) -> float | None:
        """Return s(x) of an answer that was decided on certified terms, the least of its rows, and look at its
        confidences; None where there is no table or no score."""
        judge = self._judge
        if judge is None:
            return None
        one = judge.one_row(outputs)
        if one is None:
            judged = judge.judge(outputs)
            if judged is None:
                return None
            self.noticed(judged)
            return judged.score
        score, confidence = one
        self._pending.append(confidence)
        if len(self._pending) >= _FOLD:
            with self._lock:
                self._fold()
        return score

    def judge(self, outputs: Arrays) -> Judged | None:
        """Return what the device made of each row of an answer, as `score` has it; nothing is looked at by that."""
        return None if self._judge is None else self._judge.judge(outputs)

    def noticed(self, judged: Judged) -> None:
        """Look at the confidences of a request that was decided on certified terms."""
        self._pending.extend(judged.confidences)
        if len(self._pending) >= _FOLD:
            with self._lock:
                self._fold()

    def _fold(self) -> None:
        """Look at what is pending. The lock is held."""
        before, pending = self._books.drift, self._pending
        if before is None:
            pending.clear()
            return
        # Others may add to them meanwhile.
        confidences = [pending.popleft() for _ in range(len(pending))]
        drift = notice_all(before, confidences, [self._chance.random() for _ in confidences])
        raised = drift.alarm and not before.alarm
        self._books.drift = drift
        if raised:
            self._raise_alarms()

    def escalated_audit(self, terms: PromiseTerms) -> None:
        """Count an audited request that did not keep the device's answer: it lost nothing."""
        with self._lock:
            self._observe(terms, [False])

    def compared(
        self, terms: PromiseTerms, request_id: str, judged: Judged, device: Arrays, remote: Arrays, *, kept: bool
    ) -> bool:
        """Compare both ends' answers to an audited request; tells whether any row disagrees.

        Raises TensorError: they cannot be compared."""
        certificate, manifest = self._certificate, self._manifest
        assert certificate is not None
        apart = disagree(manifest.task, device[self._answer], remote[self._answer], manifest.tolerance).tolist()
        with self._lock:
            self._observe(terms, [kept and differs for differs in apart])
            for row, (answer, confidence, differs) in enumerate(
                zip(judged.classes, judged.confidences, apart, strict=True)
            ):
                record = AuditRecord(
                    id=request_id if len(apart) == 1 else f"{request_id}-{row}",
                    model=certificate.model,
                    device_digest=certificate.device_digest,
                    remote_digest=certificate.remote_digest,
                    preprocessing_digest=certificate.preprocessing_digest,
                    at_utc=self._wall(),
                    answer=answer,
                    confidence=confidence if confidence == confidence else None,
                    kept=kept,
                    disagree=int(differs),
                )
                self._write(record)
            if len(apart) == 1:
                self._remember(request_id, _Compared(record, device[self._answer], remote[self._answer]))
        return any(apart)

    def feedback(self, request_id: str, label: NDArray[Any]) -> bool:  # Any: by task
        """Note what was right of an audited request; tells whether that could be used.

        What was not audited is not: who tells of mistakes alone makes a biased sample."""
        with self._lock:
            compared = self._remembered.get(request_id)
            if compared is None:
                return False
            task, tolerance = self._manifest.task, self._manifest.tolerance
            near, far = (int(right(task, part, label, tolerance)[0]) for part in (compared.device, compared.remote))
            self._write(compared.record.model_copy(update={"device_right": near, "remote_right": far}))
        return True

    @property
    def answer(self) -> str:
        """The output that is the answer."""
        return self._answer

    def _remember(self, request_id: str, compared: _Compared) -> None:
        self._remembered[request_id] = compared
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    def _write(self, record: AuditRecord) -> None:
        if self._log is not None:
            self._log.add(record)

    def _observe(self, terms: PromiseTerms, disagreed: Sequence[bool]) -> None:
        """Feed the watch. The lock is held."""
        watch = self._watch(terms)
        if watch is None:
            return
        before = watch.alarm
        for one in disagreed:
            watch = observe(watch, one)
        self._books.watches[self._key(terms)] = watch
        if watch.alarm and not before:
            self._raise_alarms()
        if self._state is not None and self._certificate is not None:
            save_books(self._state, self._certificate, self._books)

    def _raise_alarms(self) -> None:
        self._changed()
        if self._state is not None and self._certificate is not None:
            save_books(self._state, self._certificate, self._books)
        for terms in list(self._terms_seen):
            alarm = self._alarm(terms)
            if alarm and alarm not in self._told:
                self._told.add(alarm)
                _LOG.warning("model %s: %s; everything that can be is escalated: certify again", self._name(), alarm)

    def _name(self) -> str:
        return self._manifest.name

    def _key(self, terms: PromiseTerms) -> tuple[float, float]:
        assert self._certificate is not None
        found = certified_for(terms, self._certificate)
        return (0.0, 0.0) if found is None else (found.alpha, found.delta)

    def _watch(self, terms: PromiseTerms) -> Watch | None:
        if self._certificate is None:
            return None
        found = certified_for(terms, self._certificate)
        if found is None:
            return None
        self._terms_seen.add(terms)
        key = (found.alpha, found.delta)
        if key not in self._books.watches:
            try:
                self._books.watches[key] = begin_watch(found.alpha_d, found.delta)
            except CertifyError:
                return None  # a bound of 1 says nothing that audits could contradict
        return self._books.watches[key]

    def _begun(self) -> Books:
        if self._certificate is None:
            return Books({}, None)
        reference = self._certificate.reference
        return Books({}, begin_drift(reference.edges, reference.counts, _DRIFT_DELTA))

    def _resumed(self, state: Path, certificate: Certificate) -> Books:
        return load_books(state, certificate) or self._begun()
