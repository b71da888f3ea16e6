from __future__ import annotations

import argparse

import pytest

from router.cli.whole import whole


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("007", 7), ("10", 10)])
def test_a_whole_number_between_both_ends_is_read(text: str, number: int) -> None:
    assert whole(3, 10)(text) == number


@pytest.mark.parametrize("text", ["2", "11", "-3", "+3", " 3", "1_0", "3.0", "0x5", "٣", "²", "", "9" * 5000])
def test_whatever_else_is_refused_with_both_ends_and_the_reason(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a whole number from 3 to 10: fewer are none$"):
        whole(3, 10, "fewer are none")(text)
