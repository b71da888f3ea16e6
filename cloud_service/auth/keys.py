"""The public keys that tokens may be signed with: one file, PEM or JWKS, read whole and checked before one is used.

An algorithm comes with the only kind of key that it may be verified with, so a token cannot choose to have an RSA key
used as a shared secret. A file that holds a private key is refused: whoever reads it could sign."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError

__all__ = ["ALGORITHMS", "PublicKey", "UnusableKeys", "read_keys"]

VerifyingKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

# A key that is on its way in and one on its way out, for a few issuers. A token without a key's id is tried on each.
_MAX_KEYS: Final = 16
# What NIST asks of RSA until 2030.
_LEAST_RSA_BITS: Final = 2048
_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


class UnusableKeys(Exception):
    """What is wrong with a file of keys, in words that hold nothing of it."""


def _rsa(key: object) -> bool:
    return isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS


def _curve(kind: type) -> Callable[[object], bool]:
    return lambda key: isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, kind)


ALGORITHMS: Final[Mapping[str, Callable[[object], bool]]] = MappingProxyType(
    {
        "EdDSA": lambda key: isinstance(key, Ed25519PublicKey),
        "ES256": _curve(SECP256R1),
        "ES384": _curve(SECP384R1),
        "RS256": _rsa,
        "PS256": _rsa,
    }
)
"""What may sign, and which keys are for it. No algorithm with a shared secret: a service that verifies could sign."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key, and the algorithms it may verify. `key_id` is None where the file names none."""

    key: VerifyingKey
    algorithms: frozenset[str]
    key_id: str | None = None


def read_keys(document: bytes, allowed: Collection[str]) -> Sequence[PublicKey]:
    """Return the keys of a PEM file or a JWKS that are for one of the algorithms `allowed`; the others are left out.

    Raises UnusableKeys: where none is left, there are too many, or one is private."""
    parse = _from_jwks if document.lstrip().startswith(b"{") else _from_pem
    keys = []
    for key, key_id, own in parse(document):
        algorithms = frozenset(name for name in allowed if ALGORITHMS[name](key) and own in (None, name))
        if algorithms:
            keys.append(PublicKey(key, algorithms, key_id))
    if not keys:
        raise UnusableKeys(
            f"it holds no public key for {', '.join(allowed)}; it takes PEM (BEGIN PUBLIC KEY) or JWKS, and RSA keys "
            f"of at least {_LEAST_RSA_BITS} bits"
        )
    if len(keys) > _MAX_KEYS:
        raise UnusableKeys(f"it holds {len(keys)} keys, and {_MAX_KEYS} is the limit; take out those no longer used")
    return keys


def _from_pem(document: bytes) -> Iterator[tuple[Any, str | None, str | None]]:  # Any: a key of whatever kind
    for block in _PEM.finditer(document):
        if b"PRIVATE" in block[1]:
            raise _private()
        try:
            yield load_pem_public_key(block[0]), None, None
        except ValueError as error:  # UnsupportedAlgorithm has another meaning: a kind of key that is not ours
            raise UnusableKeys(f"its block {block[1].decode()} is no public key; give BEGIN PUBLIC KEY") from error


def _from_jwks(document: bytes) -> Iterator[tuple[Any, str | None, str | None]]:  # Any: as above
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise UnusableKeys('it is no JWKS, which is {"keys": [...]}') from error
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        if "d" in entry or "k" in entry:
            raise _private()
        if entry.get("use", "sig") != "sig":
            continue
        try:
            parsed = PyJWK(entry)
        except PyJWTError:
            continue  # an issuer's set may hold kinds of keys that nobody here knows
        key_id, own = entry.get("kid"), entry.get("alg")
        yield parsed.key, key_id if isinstance(key_id, str) else None, own if isinstance(own, str) else None


def _private() -> UnusableKeys:
    return UnusableKeys("it holds a private or shared key, with which whoever reads it could sign; give public ones")
