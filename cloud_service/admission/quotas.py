"""Whether a tenant has had its share: a token bucket, and a bound on its calls in work, for each. Pure.

A tenant is whoever the credential says. Tenants that the document does not name share the default's numbers, each with
a bucket of its own. How many buckets are remembered is bounded; who is forgotten comes back with a full one."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from cloud_service.admission.tenants import Tenants, Terms

__all__ = ["Quotas"]

_MAX_TENANTS: Final = 4096


class _Bucket:
    """Tokens as they were at an instant; later ones are what has come in since, up to the burst."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class Quotas:
    """See the module. Holds no clock and no lock."""

    def __init__(self, tenants: Tenants, *, max_tenants: int = _MAX_TENANTS) -> None:
        self._tenants = tenants
        self._max_tenants = max_tenants
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._in_flight: dict[str, int] = {}

    def terms(self, tenant: str) -> Terms:
        """Return what the tenant may have."""
        return self._tenants.terms(tenant)

    def full(self, tenant: str) -> bool:
        """Tell whether as many of the tenant's calls are in work as may be."""
        most = self._tenants.terms(tenant).in_flight
        return most is not None and self._in_flight.get(tenant, 0) >= most

    def wait_s(self, tenant: str, now: float) -> float:
        """Return how long until the tenant may begin another call by its rate: 0 is at once."""
        rate = self._tenants.terms(tenant).requests_per_s
        if rate is None:
            return 0.0
        # Within a rounding of a whole token: who comes when it was told to must not be sent away again.
        missing = 1.0 - 1e-9 - self._tokens(tenant, now)
        return max(0.0, missing / rate)

    def enter(self, tenant: str, now: float) -> None:
        """Begin a call of the tenant, which `full` and `wait_s` allow."""
        terms = self._tenants.terms(tenant)
        if terms.in_flight is not None:
            self._in_flight[tenant] = self._in_flight.get(tenant, 0) + 1
        if terms.requests_per_s is not None:
            self._buckets[tenant] = _Bucket(max(0.0, self._tokens(tenant, now) - 1.0), now)
            self._buckets.move_to_end(tenant)
            if len(self._buckets) > self._max_tenants:
                self._buckets.popitem(last=False)

    def leave(self, tenant: str) -> None:
        """End a call of the tenant that was begun."""
        if tenant not in self._in_flight:
            return
        self._in_flight[tenant] -= 1
        if not self._in_flight[tenant]:
            del self._in_flight[tenant]

    def _tokens(self, tenant: str, now: float) -> float:
        terms = self._tenants.terms(tenant)
        bucket = self._buckets.get(tenant)
        if bucket is None or terms.requests_per_s is None:
            return float(terms.burst)
        return min(terms.burst, bucket.tokens + (now - bucket.at) * terms.requests_per_s)
