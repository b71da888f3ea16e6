"""What an operator may write of tenants, and what is told of what is wrong."""

from __future__ import annotations

import pytest

from cloud_service.admission.tenants import Tenants, Terms, parse_tenants
from cloud_service.errors import SettingsError


def test_an_empty_document_bounds_nothing() -> None:
    assert parse_tenants(b"", "tenants.toml") == Tenants()


def test_what_a_tenant_does_not_say_is_the_defaults() -> None:
    tenants = parse_tenants(
        b"[default]\nrequests_per_s = 20\nin_flight = 8\n[tenants.reports]\nrequests_per_s = 2.5\nbest_priority = 2\n",
        "tenants.toml",
    )
    assert tenants.terms("reports") == Terms(requests_per_s=2.5, burst=2, in_flight=8, best_priority=2)
    assert tenants.terms("anyone") == Terms(requests_per_s=20, burst=20, in_flight=8)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        pytest.param(b"[default]\nrequests_per_s = nan\n", "default.requests_per_s", id="nan"),
        pytest.param(b"[default]\nrequests_per_s = inf\n", "default.requests_per_s", id="infinity"),
        pytest.param(b"[default]\nrequests_per_s = 0\n", "default.requests_per_s", id="nothing"),
        pytest.param(b'[default]\nrequests_per_s = "5"\n', "default.requests_per_s", id="text"),
        pytest.param(b"[default]\nin_flight = true\n", "default.in_flight", id="truth for a number"),
        pytest.param(b"[tenants.a]\nbest_priority = 0\n", "tenants.a.best_priority", id="priority nought"),
        pytest.param(b"[tenants.a]\nrequest_per_s = 1\n", 'did you mean "requests_per_s"', id="typo"),
        pytest.param(b"[tenants.a]\nburst = 5\n", "tenants.a.burst", id="burst of no rate"),
        pytest.param(b"[tenant.a]\nin_flight = 5\n", 'did you mean "tenants"', id="typo of a table"),
        pytest.param(b"[tenants.''] \nin_flight = 5\n", "tenants", id="nobody"),
        pytest.param(b"in_flight = \n", "line 1", id="no toml"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: bytes, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_tenants(document, "tenants.toml")
    assert caught.value.setting == "tenants"
    assert "tenants.toml" in caught.value.problem
    assert told in caught.value.problem
