"""Which bearer tokens count. Every refusal is the same error, whatever was wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.auth.bearer import MAX_TOKEN_BYTES
from cloud_service.auth.keys import PublicKey, read_keys
from cloud_service.auth.tokens import SignedTokens, TokenRule
from cloud_service.errors import Doubt, Unauthenticated
from tests.builders.tokens import Issuer

OURS, STRANGER, RSA = Issuer(), Issuer(), Issuer("RS256")
RULE = TokenRule(audience="nearfar", issuer="https://issuer.test")
FITS: dict[str, Any] = {"aud": "nearfar", "iss": "https://issuer.test"}
ALLOWED = ("EdDSA", "ES256", "RS256")


def _tokens(
    *documents: bytes, rule: TokenRule = RULE, clock: Callable[[], float] = time.time, allowed: Sequence[str] = ALLOWED
) -> SignedTokens:
    keys = [key for document in documents or (OURS.public_pem,) for key in read_keys(document, allowed)]
    return SignedTokens(lambda: keys, rule, clock=clock)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES384", "RS256", "PS256"])
@pytest.mark.parametrize("form", ["pem", "jwks"])
def test_a_token_names_its_subject_and_tenant(algorithm: str, form: str) -> None:
    issuer = Issuer(algorithm, key_id="k1" if form == "jwks" else None)
    document = issuer.public_pem if form == "pem" else json.dumps({"keys": [issuer.jwk()]}).encode()
    bearer = _tokens(document, allowed=[algorithm]).verified(issuer.token(**FITS, tenant="acme", jti="7"))
    assert (bearer.subject, bearer.tenant, bearer.token_id) == ("device", "acme", "7")


def test_without_a_tenant_a_token_is_its_subjects_own() -> None:
    assert _tokens().verified(OURS.token(**FITS)).tenant == "device"


def test_the_operator_names_the_claim_that_is_the_tenant() -> None:
    rule = TokenRule(tenant_claim="org")
    assert _tokens(rule=rule).verified(OURS.token(org="acme", tenant="other")).tenant == "acme"


def _signed_with_the_public_key() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': 'device', 'exp': time.time() + 60} | FITS)}"
    signature = hmac.new(RSA.public_pem, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _tampered() -> str:
    head, body, signature = OURS.token(**FITS).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


BAD: dict[str, Callable[[], str]] = {
    "alg_none": lambda: OURS.unsigned({"alg": "none"}, **FITS),
    "alg_None": lambda: OURS.unsigned({"alg": "None"}, **FITS),
    "no_alg": lambda: OURS.unsigned({"typ": "JWT"}, **FITS),
    "alg_a_number": lambda: OURS.unsigned({"alg": 1}, **FITS),
    "alg_a_list": lambda: OURS.unsigned({"alg": ["EdDSA"]}, **FITS),
    "hs_with_the_public_key": _signed_with_the_public_key,
    "algorithm_of_another_key": lambda: RSA.unsigned({"alg": "EdDSA"}, **FITS),
    "an_algorithm_not_allowed": lambda: Issuer("ES384").token(**FITS),
    "tampered": _tampered,
    "no_signature": lambda: OURS.token(**FITS).rpartition(".")[0] + ".",
    "of_a_stranger": lambda: STRANGER.token(**FITS),
    "wrong_audience": lambda: OURS.token(**FITS | {"aud": "other"}),
    "no_audience": lambda: OURS.token(iss=FITS["iss"]),
    "wrong_issuer": lambda: OURS.token(**FITS | {"iss": "https://evil.test"}),
    "no_issuer": lambda: OURS.token(aud="nearfar"),
    "expired": lambda: OURS.token(**FITS, exp=int(time.time()) - 60),
    "not_yet": lambda: OURS.token(**FITS, nbf=int(time.time()) + 600),
    "issued_in_the_future": lambda: OURS.token(**FITS, iat=int(time.time()) + 600),
    "no_expiry": lambda: OURS.token(**FITS, exp=None),
    "expiry_a_text": lambda: OURS.token(**FITS, exp="9999999999"),
    "expiry_true": lambda: OURS.token(**FITS, exp=True),
    "expiry_infinite": lambda: OURS.token(**FITS, exp=float("inf")),
    "expiry_beyond_a_float": lambda: OURS.token(**FITS, exp=10**400),
    "no_subject": lambda: OURS.token(**FITS, sub=None),
    "subject_empty": lambda: OURS.token(**FITS, sub=""),
    "subject_a_number": lambda: OURS.token(**FITS, sub=7),
    "subject_with_a_line_break": lambda: OURS.token(**FITS, sub="a\nb"),
    "subject_endless": lambda: OURS.token(**FITS, sub="a" * 257),
    "tenant_a_list": lambda: OURS.token(**FITS, tenant=["acme", "other"]),
    "tenant_empty": lambda: OURS.token(**FITS, tenant=""),
    "jti_a_number": lambda: OURS.token(**FITS, jti=7),
    "crit": lambda: OURS.token(**FITS, headers={"crit": ["exp"], "exp": 1}),
    "detached_payload": lambda: OURS.token(**FITS, headers={"b64": False, "crit": ["b64"]}),
    "own_key_in_the_header": lambda: STRANGER.token(**FITS, headers={"jwk": STRANGER.jwk()}),
    "own_keys_address": lambda: STRANGER.token(**FITS, headers={"jku": "https://evil.test/keys"}),
    "own_certificates_address": lambda: STRANGER.token(**FITS, headers={"x5u": "https://evil.test/chain"}),
    "huge": lambda: OURS.token(**FITS, note="a" * MAX_TOKEN_BYTES),
    "garbage": lambda: "garbage",
    "dots": lambda: "...",
    "empty": lambda: "",
    "not_ascii": lambda: "tökén",
    "deep": lambda: base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("=") + ".e30.e30",
}


@pytest.mark.parametrize("token", [pytest.param(make, id=name) for name, make in BAD.items()])
def test_I3_a_token_that_is_wrong_in_any_way_is_refused_in_the_same_words(token: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        _tokens(OURS.public_pem, RSA.public_pem).verified(token())
    assert str(caught.value) == str(Unauthenticated())
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("case", "doubt"),
    [
        ("alg_none", Doubt.UNKNOWN_KEY),
        ("hs_with_the_public_key", Doubt.UNKNOWN_KEY),
        ("tampered", Doubt.SIGNATURE),
        ("of_a_stranger", Doubt.SIGNATURE),
        ("wrong_audience", Doubt.AUDIENCE),
        ("no_audience", Doubt.AUDIENCE),
        ("wrong_issuer", Doubt.ISSUER),
        ("no_issuer", Doubt.ISSUER),
        ("expired", Doubt.EXPIRED),
        ("not_yet", Doubt.NOT_YET),
        ("issued_in_the_future", Doubt.NOT_YET),
        ("no_expiry", Doubt.CLAIMS),
        ("no_subject", Doubt.CLAIMS),
        ("tenant_empty", Doubt.CLAIMS),
        ("jti_a_number", Doubt.CLAIMS),
        ("crit", Doubt.MALFORMED),
        ("huge", Doubt.MALFORMED),
        ("garbage", Doubt.MALFORMED),
        ("not_ascii", Doubt.MALFORMED),
    ],
)
def test_the_operator_can_tell_why_a_token_does_not_count(case: str, doubt: Doubt) -> None:
    """Clocks that differ, keys that were exchanged and an audience that was set wrongly looked alike to everybody."""
    with pytest.raises(Unauthenticated) as caught:
        _tokens(OURS.public_pem, RSA.public_pem).verified(BAD[case]())
    assert caught.value.doubt is doubt


@given(st.text(max_size=200) | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_I3_whatever_is_written_is_refused_and_nothing_else_happens(token: str) -> None:
    with pytest.raises(Unauthenticated):
        _tokens().verified(token)


def test_I3_a_key_that_is_named_has_to_be_there() -> None:
    issuer = Issuer(key_id="k1")
    tokens = _tokens(json.dumps({"keys": [issuer.jwk()]}).encode())
    with pytest.raises(Unauthenticated):
        tokens.verified(issuer.token(**FITS, headers={"kid": "k2"}))
    assert tokens.verified(issuer.token(**FITS)).subject == "device"


def test_I3_without_an_audience_of_its_own_a_service_takes_no_token_that_is_made_out_to_another() -> None:
    tokens = _tokens(rule=TokenRule())
    assert tokens.verified(OURS.token()).subject == "device"
    with pytest.raises(Unauthenticated):
        tokens.verified(OURS.token(aud="other"))


def test_I3_a_token_is_made_to_be_used_again() -> None:
    tokens, token = _tokens(), OURS.token(**FITS, jti="once")
    assert tokens.verified(token) == tokens.verified(token)


def test_a_token_that_was_verified_expires_all_the_same() -> None:
    now = time.time()
    tokens, token = _tokens(clock=lambda: now), OURS.token(**FITS, exp=int(now) + 60)
    tokens.verified(token)
    now += 89  # a clock may be off by half a minute
    tokens.verified(token)
    now += 2
    with pytest.raises(Unauthenticated):
        tokens.verified(token)


def test_a_token_that_was_verified_is_not_verified_again_until_the_keys_change() -> None:
    keys: list[Sequence[PublicKey]] = [read_keys(OURS.public_pem, ALLOWED)]
    tokens, token = SignedTokens(lambda: keys[0], RULE), OURS.token(**FITS)
    first = tokens.verified(token)
    assert tokens.verified(token) is first
    keys[0] = read_keys(STRANGER.public_pem, ALLOWED)
    with pytest.raises(Unauthenticated):
        tokens.verified(token)
    assert tokens.verified(STRANGER.token(**FITS)).subject == "device"
