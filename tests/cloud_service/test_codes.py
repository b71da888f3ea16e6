from __future__ import annotations

import pytest

from cloud_service import errors
from cloud_service.codes import CODE_OF, code_of
from nearfar_wire.status import CODES, Code


def _leaves(kind: type[Exception]) -> set[type[Exception]]:
    children = kind.__subclasses__()
    return set().union(*map(_leaves, children)) if children else {kind}


def test_every_refusal_has_a_code_of_its_own_choosing() -> None:
    assert _leaves(errors.CallError) <= set(CODE_OF)
    assert Code.INTERNAL not in CODE_OF.values()


@pytest.mark.parametrize("error", [errors.RunFailed(), ValueError(), TimeoutError()], ids=repr)
def test_what_nobody_expected_is_internal(error: Exception) -> None:
    assert code_of(error) is Code.INTERNAL


def test_a_service_that_is_stopping_asks_the_caller_to_try_elsewhere() -> None:
    assert CODES[code_of(errors.Draining())].retryable
