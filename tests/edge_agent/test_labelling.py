"""The likeliest classes of an answer, by name."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import RequestError
from edge_agent.labelling import top_classes
from edge_agent.testing import fake_release


def test_the_likeliest_stand_first_and_a_class_without_a_name_is_its_index() -> None:
    assert top_classes(fake_release(), {"probabilities": np.array([[0.25, 0.75, 0.0]])}, 2) == [
        ("1", 0.75),
        ("0", 0.25),
    ]


def test_an_answer_without_rows_has_none() -> None:
    """It was an IndexError of numpy's."""
    with pytest.raises(RequestError, match="no rows"):
        top_classes(fake_release(), {"probabilities": np.zeros((0, 3))}, 1)
