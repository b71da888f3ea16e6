"""From a call's credential to its caller. Refuses by default, in words that are always the same.

Where clients have certificates, TLS has asked for one before a call exists. A bearer token beside it says more, so it
names the caller; a token that is wrong is never made up for by a certificate. The administrators' static token is
known by comparing digests, which takes the same time for every wrong one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Final, Protocol

from cloud_service.auth.bearer import MAX_TOKEN_BYTES, Bearer
from cloud_service.caller import ANONYMOUS, Caller
from cloud_service.calls import current_call
from cloud_service.errors import Doubt, PermissionDenied, Unauthenticated

__all__ = ["Authenticator", "Tokens", "combined", "require_administrator"]

_SCHEME: Final = "bearer"
_STATIC_ADMINISTRATOR: Final = Caller("", "", administrator=True)


class Tokens(Protocol):
    """What knows signed tokens."""

    def verified(self, token: str) -> Bearer:
        """Return whom a token speaks of. Raises Unauthenticated."""


class Authenticator:
    """See the module. Neither reads files nor waits."""

    def __init__(
        self,
        *,
        tokens: Tokens | None = None,
        certificates: bool = False,
        admin_token: str | None = None,
        administrators: Collection[str] = (),
        revoked: Callable[[], Set[str]] = frozenset,
    ) -> None:
        """Know callers by `tokens`, by `certificates` that TLS has verified, or by both; with neither, know nobody.

        `administrators` are names of callers, `revoked` gives the names that are no longer good. With `admin_token`
        alone only administrators are told apart."""
        self._tokens = tokens
        self._certificates = certificates
        self._admin_digest = None if admin_token is None else _digest(admin_token)
        self._administrators = frozenset(administrators)
        self._revoked = revoked
        self._reads_tokens = tokens is not None or admin_token is not None
        self._anonymous_may_call = tokens is None and not certificates

    @classmethod
    def open(cls) -> Authenticator:
        """Return the authenticator of a service that identifies nobody."""
        return cls()

    def authenticate(self, headers: Callable[[], Mapping[str, str]], peer: Callable[[], Sequence[str]]) -> Caller:
        """Return who calls. `headers` gives what `combined` makes of them; `peer` the names in the verified client
        certificate, the most telling first. Each is called only where it is needed.

        Raises Unauthenticated: without a credential that counts; the call notes why. Raises PermissionDenied: with a
        revoked one."""
        try:
            return self._known(headers, peer)
        except Unauthenticated as refusal:
            call = current_call()
            if call is not None:
                call.doubt = refusal.doubt
            raise

    def _known(self, headers: Callable[[], Mapping[str, str]], peer: Callable[[], Sequence[str]]) -> Caller:
        if self._reads_tokens:
            authorization = headers().get("authorization")
            if authorization is not None:
                return self._by_token(authorization)
        if self._anonymous_may_call:
            return ANONYMOUS
        if self._certificates:
            names = peer()
            if names:
                return self._caller(names[0], names[0], names)
        raise Unauthenticated

    def _by_token(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != _SCHEME or not token or len(token) > MAX_TOKEN_BYTES:
            raise Unauthenticated(doubt=Doubt.MALFORMED)
        if self._admin_digest is not None and hmac.compare_digest(_digest(token), self._admin_digest):
            return _STATIC_ADMINISTRATOR
        if self._tokens is None:
            raise Unauthenticated(doubt=Doubt.UNKNOWN_KEY)
        bearer = self._tokens.verified(token)
        return self._caller(bearer.subject, bearer.tenant, (bearer.subject, bearer.token_id))

    def _caller(self, name: str, tenant: str, revocable: Iterable[str]) -> Caller:
        if not self._revoked().isdisjoint(revocable):
            raise PermissionDenied("this credential was revoked; ask the service's operator for another")
        return Caller(name, tenant, administrator=name in self._administrators)


def require_administrator(caller: Caller) -> None:
    """Let administrators pass. Raises Unauthenticated: where nobody knows who calls. Raises PermissionDenied."""
    if caller.administrator:
        return
    if caller == ANONYMOUS:
        # Also where nobody is asked who they are, and the advice to send a credential alone would lead nowhere.
        raise Unauthenticated("this is for administrators; send the credential of one, if this service knows any")
    raise PermissionDenied("this is for the service's administrators; ask its operator")


def combined(headers: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """Return headers, or metadata, by their names in lower case.

    One that came twice has its values joined by a comma, as HTTP has it: two credentials are then none. Binary values
    are left out."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        if isinstance(value, str):
            key = name.lower()
            by_name[key] = f"{by_name[key]}, {value}" if key in by_name else value
    return by_name


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
