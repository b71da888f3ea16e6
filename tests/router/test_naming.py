"""What a mistyped name was meant to be."""

from __future__ import annotations

import pytest

from router.naming import did_you_mean


@pytest.mark.parametrize(
    ("given", "known", "said"),
    [
        ("grater", ["greater", "less"], '; did you mean "greater"?'),
        ("xyz", ["b", "a"], "; known here: a, b"),
        ("xyz", [], ""),
        ("a" * 1_000_000, ["b"], "; known here: b"),
    ],
)
def test_the_nearest_name_or_all_of_them(given: str, known: list[str], said: str) -> None:
    assert did_you_mean(given, known) == said
