"""Bearer tokens for tests, good ones and every kind of bad one: an issuer, and what it signs."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

__all__ = ["Issuer", "bearer"]

_KEYS: Final[dict[str, Callable[[], Any]]] = {  # Any: a private key of the algorithm's kind
    "EdDSA": Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
}
_JWK: Final = {"E": ECAlgorithm, "O": OKPAlgorithm, "R": RSAAlgorithm}


class Issuer:
    """Signs tokens with a key of its own."""

    def __init__(self, algorithm: str = "EdDSA", *, key_id: str | None = None) -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self._key = _KEYS[algorithm]()

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token of one hour for the subject "device"; a claim that is None is left out."""
        now = int(time.time())
        given = {"sub": "device", "iat": now, "exp": now + 3600} | claims
        kept = {name: value for name, value in given.items() if value is not None}
        own = {} if self.key_id is None else {"kid": self.key_id}
        body = json.dumps(kept).encode()
        return jwt.PyJWS().encode(body, self._key, algorithm=self.algorithm, headers=own | (headers or {}))

    def unsigned(self, header: dict[str, Any], **claims: Any) -> str:
        """Return what claims to be signed as `header` says, with no signature."""
        body = {"sub": "device", "exp": time.time() + 3600} | claims
        return f"{_part(header)}.{_part(body)}."

    @property
    def public_pem(self) -> bytes:
        pem: bytes = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    @property
    def private_pem(self) -> bytes:
        pem: bytes = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem

    def jwk(self, **more: object) -> dict[str, Any]:
        """Return the public key as an entry of a JWKS."""
        kind = "O" if self.algorithm == "EdDSA" else "E" if self.algorithm.startswith("ES") else "R"
        entry: dict[str, Any] = _JWK[kind].to_jwk(self._key.public_key(), as_dict=True)  # type: ignore[attr-defined]
        return entry | ({} if self.key_id is None else {"kid": self.key_id}) | more


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries `token`."""
    return (("authorization", f"Bearer {token}"),)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
