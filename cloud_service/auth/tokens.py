"""Signed bearer tokens (JWT): which count, and whom they speak of.

What a token says of how to verify it is never followed: the operator fixed the algorithms and the keys, and a header's
own key or address is not looked at. Every refusal is the same to the caller, and no token is ever logged. A token is
made to be used again, so `jti` is only a name it can be revoked by.

Verifying costs some 100 us, so whom a token was found to speak of is kept, under the token's digest, until the token
expires or the keys change. Revocation is asked of every call, elsewhere."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import jwt
from jwt.exceptions import InvalidJTIError, InvalidSubjectError

from cloud_service.auth.bearer import MAX_TOKEN_BYTES, Bearer
from cloud_service.auth.keys import PublicKey
from cloud_service.errors import Doubt, Unauthenticated

__all__ = ["SignedTokens", "TokenRule"]

# Clocks kept by NTP differ by less; a token is not made to live by the second.
_LEEWAY_S: Final = 30.0
# One a device of a large fleet; an entry is some 0.5 KiB.
_MAX_KNOWN: Final = 4096
_MAX_NAME: Final = 256
_REQUIRED: Final = ("exp", "sub")
# All else that its library says against a token is of its form.
_DOUBTS: Final[Sequence[tuple[type[Exception], Doubt]]] = (
    (jwt.InvalidSignatureError, Doubt.SIGNATURE),
    (jwt.InvalidAudienceError, Doubt.AUDIENCE),
    (jwt.InvalidIssuerError, Doubt.ISSUER),
    (InvalidSubjectError, Doubt.CLAIMS),
    (InvalidJTIError, Doubt.CLAIMS),
)


@dataclass(frozen=True, slots=True)
class TokenRule:
    """What every token has to be. With no `audience`, a token that is made out to one is refused."""

    audience: str | None = None
    issuer: str | None = None
    tenant_claim: str = "tenant"


class SignedTokens:
    """See the module. For one event loop."""

    def __init__(
        self, keys: Callable[[], Sequence[PublicKey]], rule: TokenRule, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Verify with the keys that `keys` gives now; where it gives others, all is verified again."""
        self._current_keys = keys
        self._rule = rule
        self._clock = clock
        self._keys: Sequence[PublicKey] = ()
        self._known: dict[bytes, Bearer] = {}

    def verified(self, token: str) -> Bearer:
        """Return whom `token` speaks of. Raises Unauthenticated: whatever is wrong with it."""
        try:
            digest = hashlib.sha256(token.encode("ascii")).digest()
        except UnicodeEncodeError:
            _refuse(Doubt.MALFORMED)
        keys = self._current_keys()
        if keys is not self._keys:
            self._keys, self._known = keys, {}
        known = self._known.get(digest)
        if known is None:
            known = self._verify(token)
            while len(self._known) >= _MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[digest] = known
        if self._clock() >= known.expires_utc + _LEEWAY_S:
            self._known.pop(digest, None)
            _refuse(Doubt.EXPIRED)
        return known

    def _verify(self, token: str) -> Bearer:
        if len(token) > MAX_TOKEN_BYTES:
            _refuse(Doubt.MALFORMED)
        try:
            header = jwt.get_unverified_header(token)
            # No extension that has to be understood is understood here.
            if "crit" in header or "b64" in header:
                _refuse(Doubt.MALFORMED)
            return self._bearer(self._signed_claims(token, header))
        except (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError) as error:
            _refuse(_doubt(error))

    def _signed_claims(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: an issuer's JSON
        keys = self._for(header)
        if not keys:
            _refuse(Doubt.UNKNOWN_KEY)
        for key in keys:
            with suppress(jwt.InvalidSignatureError):
                return self._claims(token, key, header["alg"])
        raise jwt.InvalidSignatureError

    def _for(self, header: Mapping[str, Any]) -> list[PublicKey]:  # Any: a stranger's JSON
        algorithm, key_id = header.get("alg"), header.get("kid")
        return [
            key
            for key in self._keys
            if algorithm in key.algorithms and (key.key_id is None or key_id is None or key.key_id == key_id)
        ]

    def _claims(self, token: str, key: PublicKey, algorithm: str) -> Mapping[str, Any]:  # Any: an issuer's JSON
        return jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],  # one of the operator's, or the key would not have been chosen
            audience=self._rule.audience,
            issuer=self._rule.issuer,
            # Times are ours to judge, by the clock that was given.
            options={"require": list(_REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )

    def _bearer(self, claims: Mapping[str, Any]) -> Bearer:  # Any: as above
        latest_start = self._clock() + _LEEWAY_S
        if any(_instant(claims[name]) > latest_start for name in ("nbf", "iat") if name in claims):
            _refuse(Doubt.NOT_YET)
        subject = _name(claims["sub"])
        return Bearer(
            subject=subject,
            tenant=_name(claims.get(self._rule.tenant_claim, subject)),
            token_id=claims.get("jti", ""),
            expires_utc=_instant(claims["exp"]),
        )


def _instant(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse(Doubt.CLAIMS)
    return float(value)


def _name(value: object) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= _MAX_NAME and value.isprintable()):
        _refuse(Doubt.CLAIMS)
    return value


def _doubt(error: Exception) -> Doubt:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return {"aud": Doubt.AUDIENCE, "iss": Doubt.ISSUER}.get(error.claim, Doubt.CLAIMS)
    return next((doubt for kind, doubt in _DOUBTS if isinstance(error, kind)), Doubt.MALFORMED)


def _refuse(doubt: Doubt) -> NoReturn:
    # Without the cause: its text quotes the token.
    raise Unauthenticated(doubt=doubt) from None
