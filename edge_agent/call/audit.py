"""The audit of one request that was drawn for it.

It asks a remote target as well, and nobody waits: whatever goes wrong costs the audit, and nothing else.
What is compared, and what follows, is edge_agent.quality's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from edge_agent.call.setting import Setting
from edge_agent.quality import Judged, Quality
from edge_agent.result import Sent
from nearfar_wire.errors import WireError
from router.rules.policy import PromiseTerms
from router.running.attempt import Outcome
from router.types import DEVICE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_agent.egress.remote import InFlight, Remote

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Audit"]

# Nobody waits for an audit, and a slow cloud must not look like one that agrees.
_AUDIT_S: Final = 10.0


class Audit:
    """See the module."""

    __slots__ = ("_device", "_flight", "_judged", "_quality", "_request_id", "_setting")

    def __init__(self, setting: Setting, quality: Quality, request_id: str) -> None:
        self._setting = setting
        self._quality = quality
        self._request_id = request_id
        self._judged: Judged | None = None
        self._device: Arrays | None = None
        self._flight: InFlight | None = None

    @property
    def _terms(self) -> PromiseTerms:
        terms = self._setting.policy.promise
        assert terms is not None, "there is an audit only where the policy asks for a promise"
        return terms

    def answered(self, outputs: Arrays, judged: Judged | None) -> None:
        """Hold the device's answer, and what it was judged to be."""
        self._device, self._judged = outputs, judged

    def skip(self) -> None:
        """Count that the request is not audited, although it was drawn."""
        self._setting.metrics.audit(self._setting.release.name, "skipped")

    def start(self, remote: Remote, inputs: Callable[[], Arrays], traceparent: str | None) -> Sent | None:
        """Ask `remote` as well; what it answers is compared with the device's kept answer. Returns what was sent."""
        from edge_agent.egress.failure import RemoteFailure

        quality, metrics, release = self._quality, self._setting.metrics, self._setting.release
        model = release.name
        if not quality.admit_audit():
            self.skip()
            return None
        side = release.manifest.remote
        assert side is not None
        both = count(1)

        def arrived() -> None:
            # An answer can come before the call that asked for it has returned: whoever is second goes on.
            if next(both) == 2:
                self._finish(remote)

        try:
            self._flight = remote.call(
                side.model,
                side.version,
                self._request_id,
                inputs(),
                timeout_s=_AUDIT_S,
                on_done=arrived,
                traceparent=traceparent,
            )
        except (WireError, RemoteFailure):
            quality.audit_over()
            metrics.audit(model, "failed")
            return None
        except BaseException:
            quality.audit_over()
            raise
        sent = Sent(remote.name, remote.endpoint, self._flight.sent_bytes, 0, audit=True)
        arrived()
        return sent

    def _finish(self, remote: Remote) -> None:
        """Called once the answer is there, mostly from gRPC's thread and after the request has ended."""
        from edge_agent.egress.answer import read_answer
        from edge_agent.egress.failure import RemoteFailure

        quality, flight, release = self._quality, self._flight, self._setting.release
        outcome = "failed"
        try:
            if flight is None or self._judged is None or self._device is None:
                return
            answer, digest = read_answer(flight.result(), self._request_id, release.manifest, release.outputs)
            if quality.covers(remote.name, digest):
                apart = quality.compared(self._terms, self._request_id, self._judged, self._device, answer, kept=True)
                outcome = "disagrees" if apart else "agrees"
        except RemoteFailure as failure:
            # Its receipt is written by now; what it was charged can be given back.
            if failure.unsent and flight is not None and self._setting.ledger is not None:
                self._setting.ledger.corrected(remote.name, remote.kind, -flight.sent_bytes, sent=False)
        except WireError:
            pass
        finally:
            quality.audit_over()
            self._setting.metrics.audit(release.name, outcome)

    def note_escalated(self, outcome: Outcome, remote: Arrays) -> None:
        """A request that was drawn, and did not keep the device's answer, lost nothing, and counts as that."""
        if outcome.target in (None, DEVICE):
            return
        device, judged = self._device, self._judged
        try:
            if device is not None and judged is not None and outcome.certified:
                self._quality.compared(self._terms, self._request_id, judged, device, remote, kept=False)
            else:
                self._quality.escalated_audit(self._terms)
        except WireError:
            return
        self._setting.metrics.audit(self._setting.release.name, "escalated")
