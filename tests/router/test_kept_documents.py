"""What agents write for themselves and for others, and read back: a value of another type stands in for none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.spending.kept import load, save
from router.cascade.audits import parse_audit, to_line
from router.cascade.certificate import parse_certificate, to_json
from router.errors import AuditError, CertificateError, RouterError, SavedError
from router.experience.saved import restore
from router.experience.saved import save as save_learnt
from router.spending.budget import BudgetState
from router.types import Resource
from tests.builders.audit_files import audits
from tests.builders.certificates_of_loss import certificate
from tests.builders.phones import KINDS, Phone

Values = Any  # JSON
Place = tuple[str | int, ...]

KEPT_BUDGETS = (BudgetState(Resource.MONEY, 20_000, 0.5, 0.1, 3600.0, 0.25, 30.0),)


def _learnt() -> str:
    phone = Phone("cellular")
    phone.call(13.0)
    phone.call(0.5, upload_bytes=50_000, carried_s=0.4)
    phone.experience.device_ran("m", 0.004, phone.now)
    phone.experience.learn_runs()
    return save_learnt(phone.experience.known, KINDS, phone.now, 1.7e9)


def _read_learnt(text: str) -> None:
    restore(Phone("cellular").experience.known, text, KINDS, {"m"}, 0.0, 1.7e9)


DOCUMENTS: dict[str, tuple[Callable[[], str], Callable[[str], object], type[RouterError]]] = {
    "certificate": (
        lambda: to_json(certificate()).decode(),
        lambda text: parse_certificate(text.encode(), "certificate.json"),
        CertificateError,
    ),
    "audit": (lambda: to_line(audits(certificate(), 1)[0]), parse_audit, AuditError),
    "learnt": (_learnt, _read_learnt, SavedError),
}


def _leaves(value: Values, place: Place = ()) -> Iterator[tuple[Place, Values]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*place, key))
    elif value is not None:
        yield place, value


def _changed(document: Values, place: Place, value: object) -> str:
    changed = json.loads(json.dumps(document))
    there = changed
    for key in place[:-1]:
        there = there[key]
    there[place[-1]] = value
    return json.dumps(changed)


def _of_other_types(value: Values) -> Iterator[object]:
    if isinstance(value, bool):
        yield from (1, 0.0, "true", [])
    elif isinstance(value, str):
        yield from (1, True, [value])
    else:
        yield from (True, str(value), [value], float("nan"), float("inf"))


@pytest.mark.parametrize(("written", "read", "error"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_value_of_another_type_is_refused_wherever_it_stands(
    written: Callable[[], str], read: Callable[[str], object], error: type[RouterError]
) -> None:
    """`"schema": true` was a certificate of version 1, and `"n_fit": "400"` one of 400 examples."""
    text = written()
    read(text)
    document, taken = json.loads(text), []
    for place, value in _leaves(document):
        for other in _of_other_types(value):
            try:
                read(_changed(document, place, other))
            except error:
                continue
            taken.append((place, other))
    assert taken == []


def test_a_budget_that_was_written_down_otherwise_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    assert save(path, KEPT_BUDGETS)
    assert load(path) == (KEPT_BUDGETS, "")
    document, taken = json.loads(path.read_text()), []
    for place, value in _leaves(document):
        for other in _of_other_types(value):
            path.write_text(_changed(document, place, other))
            if load(path)[0]:
                taken.append((place, other))
    assert taken == []
