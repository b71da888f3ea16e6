"""Which keys a service takes to verify tokens with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cloud_service.auth.keys import ALGORITHMS, UnusableKeys, read_keys
from tests.builders.tokens import Issuer

OURS = Issuer()


def _jwks(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


def _short_rsa() -> bytes:
    return (
        rsa.generate_private_key(65537, 1024).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def test_a_file_may_hold_several_keys_of_several_kinds() -> None:
    keys = read_keys(OURS.public_pem + Issuer("RS256").public_pem, ["EdDSA", "RS256", "PS256"])
    assert [key.algorithms for key in keys] == [{"EdDSA"}, {"RS256", "PS256"}]


def test_what_an_issuers_set_says_of_a_key_is_kept_to() -> None:
    keys = read_keys(_jwks(Issuer("RS256", key_id="r").jwk(alg="PS256")), ["RS256", "PS256"])
    assert [(key.key_id, set(key.algorithms)) for key in keys] == [("r", {"PS256"})]


def test_what_an_issuers_set_holds_for_others_is_left_out() -> None:
    others = (Issuer().jwk(use="enc"), {"kty": "new"}, "text", Issuer("ES384").jwk())
    assert len(read_keys(_jwks(*others, OURS.jwk()), ["EdDSA"])) == 1


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param(lambda: b"", "no public key for EdDSA, RS256", id="empty"),
        pytest.param(lambda: b"\xff\x00", "no public key", id="garbage"),
        pytest.param(lambda: OURS.private_pem, "private", id="private_pem"),
        pytest.param(lambda: OURS.public_pem + OURS.private_pem, "private", id="private_among_public"),
        pytest.param(lambda: _jwks(OURS.jwk(d="secret")), "private", id="private_jwk"),
        pytest.param(lambda: _jwks({"kty": "oct", "k": "secret"}), "shared", id="shared_jwk"),
        pytest.param(lambda: _short_rsa(), "2048 bits", id="short_rsa"),
        pytest.param(lambda: Issuer("ES256").public_pem, "no public key for EdDSA, RS256", id="of_no_use"),
        pytest.param(lambda: OURS.public_pem.replace(b"M", b"A"), "is no public key", id="damaged"),
        pytest.param(lambda: b'{"keys": 7}', "no public key", id="keys_a_number"),
        pytest.param(lambda: b'{"key": []}', "is no JWKS", id="no_keys"),
        pytest.param(lambda: b"{", "is no JWKS", id="no_json"),
        pytest.param(lambda: Issuer().public_pem * 17, "17 keys", id="too_many"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_nothing_of_it(document: Callable[[], bytes], problem: str) -> None:
    with pytest.raises(UnusableKeys, match=problem) as caught:
        read_keys(document(), ["EdDSA", "RS256"])
    assert "secret" not in str(caught.value)


def test_no_algorithm_has_a_shared_secret() -> None:
    assert not any(name.startswith("HS") or name.lower() == "none" for name in ALGORITHMS)
