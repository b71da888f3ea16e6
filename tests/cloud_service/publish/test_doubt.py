"""When the evaluation set speaks against a promise."""

from __future__ import annotations

import pytest

from cloud_service.publish.doubt import doubts
from tests.builders.certificates_of_loss import certificate, promise


@pytest.mark.parametrize(
    ("alpha", "loss", "n", "told"),
    [
        pytest.param(0.1, 0.186, 43, False, id="eight of 43 come by chance"),
        pytest.param(0.1, 0.28, 43, True, id="twelve of 43 hardly"),
        pytest.param(0.01, 0.012, 1000, False, id="a little above"),
        pytest.param(0.01, 0.03, 1000, True, id="three times as much"),
        pytest.param(0.01, -0.2, 1000, False, id="a gain"),
        pytest.param(0.01, 0.0, 1000, False, id="nothing lost"),
    ],
)
def test_a_loss_that_a_kept_promise_hardly_ever_shows_is_told(alpha: float, loss: float, n: int, told: bool) -> None:
    held = certificate(promises=[{**promise(alpha, 0.1, [0.25]), "loss": loss}], n_evaluate=n)
    assert bool(doubts(held)) is told
