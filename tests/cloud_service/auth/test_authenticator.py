"""From a credential to a caller."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import pytest
from prometheus_client import CollectorRegistry

from cloud_service.auth.authenticator import Authenticator, combined, require_administrator
from cloud_service.auth.keys import read_keys
from cloud_service.auth.tokens import SignedTokens, TokenRule
from cloud_service.caller import ANONYMOUS, Caller
from cloud_service.calls import Calls
from cloud_service.errors import PermissionDenied, Unauthenticated
from cloud_service.metrics import Metrics
from tests.builders.tokens import Issuer

OURS = Issuer()
KEYS = read_keys(OURS.public_pem, ["EdDSA"])
ADMIN_TOKEN = "of-the-operator-alone"


def _authenticator(*, certificates: bool = False, admin_token: str | None = None) -> Authenticator:
    return Authenticator(
        tokens=SignedTokens(lambda: KEYS, TokenRule()),
        certificates=certificates,
        admin_token=admin_token,
        administrators=["ops", "spiffe://test/ops"],
        revoked=lambda: frozenset({"stolen", "token-9", "old.test"}),
    )


def _caller(authenticator: Authenticator, authorization: str | None = None, peer: Sequence[str] = ()) -> Caller:
    headers = {} if authorization is None else {"authorization": authorization}
    return authenticator.authenticate(lambda: headers, lambda: peer)


def test_a_service_that_identifies_nobody_does_not_even_look() -> None:
    def never() -> NoReturn:
        raise AssertionError

    assert Authenticator.open().authenticate(never, never) is ANONYMOUS


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_names_the_caller(scheme: str) -> None:
    assert _caller(_authenticator(), f"{scheme} {OURS.token(tenant='acme')}") == Caller("device", "acme")


def test_why_a_credential_does_not_count_is_counted_and_logged_and_not_told_to_its_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    registry = CollectorRegistry()
    calls = Calls(Metrics(registry), access_log=True)
    tried = [(None, "none_sent"), ("Basic x", "malformed"), (f"Bearer {OURS.token(exp=1)}", "expired")]
    for authorization, doubt in tried:
        call = calls.begin("ModelInfer", dict)
        with pytest.raises(Unauthenticated) as refusal:
            _caller(_authenticator(), authorization)
        call.end("UNAUTHENTICATED")
        assert str(refusal.value) == str(Unauthenticated())
        assert registry.get_sample_value("nearfar_cloud_unidentified_total", {"doubt": doubt}) == 1
    assert [record.fields["doubt"] for record in caplog.records] == [doubt for _, doubt in tried]  # type: ignore[attr-defined]  # the access log's own
    assert registry.get_sample_value("nearfar_cloud_unidentified_total", {"doubt": "audience"}) == 0


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no_token"),
        pytest.param("Bearer ", id="empty_token"),
        pytest.param(f"Basic {OURS.token()}", id="wrong_scheme"),
        pytest.param(OURS.token(), id="no_scheme"),
        pytest.param(f"Bearer  {OURS.token()}", id="two_spaces"),
        pytest.param(f"Bearer {OURS.token()}, Bearer {OURS.token()}", id="two_headers"),
        pytest.param("Bearer " + "a" * 9000, id="huge"),
        pytest.param(f"Bearer {ADMIN_TOKEN}", id="an_administrators_token_that_is_none_here"),
        pytest.param("Bearer \udc80", id="not_text"),
    ],
)
def test_I3_who_does_not_prove_who_they_are_is_refused(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        _caller(_authenticator(), authorization)


def test_a_certificate_names_the_caller_who_sends_no_token() -> None:
    authenticator = _authenticator(certificates=True)
    assert _caller(authenticator, peer=["spiffe://test/a", "a.test"]) == Caller("spiffe://test/a", "spiffe://test/a")
    assert _caller(authenticator, f"Bearer {OURS.token()}", ["a.test"]) == Caller("device", "device")


def test_a_certificate_does_not_make_up_for_a_wrong_token() -> None:
    with pytest.raises(Unauthenticated):
        _caller(_authenticator(certificates=True), "Bearer wrong", ["a.test"])


def test_a_certificate_that_names_nobody_identifies_nobody() -> None:
    with pytest.raises(Unauthenticated):
        _caller(_authenticator(certificates=True), peer=[])


def test_a_name_in_a_certificate_counts_only_where_certificates_are_asked_for() -> None:
    with pytest.raises(Unauthenticated):
        _caller(_authenticator(), peer=["a.test"])


@pytest.mark.parametrize(
    ("claims", "peer"),
    [
        pytest.param({"sub": "stolen"}, [], id="subject"),
        pytest.param({"jti": "token-9"}, [], id="token_id"),
        pytest.param(None, ["new.test", "old.test"], id="any_name_of_a_certificate"),
    ],
)
def test_I4_a_revoked_credential_is_refused_as_such(claims: Mapping[str, Any] | None, peer: Sequence[str]) -> None:
    authorization = None if claims is None else f"Bearer {OURS.token(**claims)}"
    with pytest.raises(PermissionDenied) as caught:
        _caller(_authenticator(certificates=True), authorization, peer)
    assert not any(name in str(caught.value) for name in ("stolen", "token-9", "old.test"))


def test_administrators_are_known_by_their_names() -> None:
    authenticator = _authenticator(certificates=True)
    assert _caller(authenticator, f"Bearer {OURS.token(sub='ops')}").administrator
    assert _caller(authenticator, peer=["spiffe://test/ops"]).administrator
    assert not _caller(authenticator, f"Bearer {OURS.token(roles=['administrator'], tenant='ops')}").administrator


def test_the_administrators_own_token_is_an_administrator_of_no_tenant() -> None:
    caller = _caller(_authenticator(admin_token=ADMIN_TOKEN), f"Bearer {ADMIN_TOKEN}")
    assert caller == Caller("", "", administrator=True)
    assert caller != ANONYMOUS


def test_with_an_administrators_token_alone_everybody_else_stays_anonymous() -> None:
    authenticator = Authenticator(admin_token=ADMIN_TOKEN)
    assert _caller(authenticator) is ANONYMOUS
    assert _caller(authenticator, f"Bearer {ADMIN_TOKEN}").administrator
    with pytest.raises(Unauthenticated):
        _caller(authenticator, "Bearer wrong")


def test_what_is_for_administrators_asks_the_unknown_who_they_are_and_refuses_the_others() -> None:
    require_administrator(Caller("ops", "ops", administrator=True))
    with pytest.raises(Unauthenticated, match="if this service knows any"):
        require_administrator(ANONYMOUS)
    with pytest.raises(PermissionDenied):
        require_administrator(Caller("device", "acme"))


def test_headers_that_come_twice_are_one_that_is_no_credential() -> None:
    headers = combined([("Authorization", "Bearer a"), ("authorization", "Bearer b"), ("x-bin", b"\x00")])
    assert headers == {"authorization": "Bearer a, Bearer b"}


def test_a_known_token_costs_next_to_nothing() -> None:
    authenticator, headers = _authenticator(), {"authorization": f"Bearer {OURS.token()}"}

    def microseconds() -> float:
        started = time.perf_counter()
        for _ in range(200):
            authenticator.authenticate(lambda: headers, list)
        return (time.perf_counter() - started) / 200 * 1e6

    microseconds()
    # About 3 on an idle core, where verifying takes over 100.
    assert min(microseconds() for _ in range(10)) < 30


@pytest.mark.wide
def test_a_service_that_asks_nobody_who_they_are_loads_nothing_for_it() -> None:
    code = (
        "import sys; from cloud_service.auth.identity import open_identity; from cloud_service.config import Settings;"
        "open_identity(Settings(models='m'), on_certificate=print);"
        "sys.exit('jwt' in sys.modules or 'cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
