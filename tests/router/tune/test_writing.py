from __future__ import annotations

import tomllib

import pytest

from router.errors import TuneError
from router.tune.writing import as_document, as_tuned

START = b"""\
# Ours.
schema = 1
name = "shop"
version = 4  # raise me

[worth]
second = 0.2 # a hurry
"""


def test_a_policy_to_be_run_is_the_start_with_its_numbers() -> None:
    assert as_document(START, {"worth.second": 1.0}) == START.replace(b"0.2", b"1.0")
    assert as_document(START, {}) == START


def test_the_tuned_policy_says_of_each_number_what_it_was_and_keeps_the_rest() -> None:
    point = {"worth.second": 1.0, "hedge.share": 0.02}
    notes = {"": ["for cost"], "worth.second": ["was 0.2"], "hedge.share": ["was not there"], "version": ["was 4"]}
    assert as_tuned(START, point, 5, notes).decode() == (
        '# tuned: for cost\n# Ours.\nschema = 1\nname = "shop"\n# tuned: was 4\nversion = 5  # raise me\n'
        "\n[worth]\n# tuned: was 0.2\nsecond = 1.0 # a hurry\n\n[hedge]\n# tuned: was not there\nshare = 0.02\n"
    )


def test_notes_of_an_earlier_search_make_room_for_the_new_ones() -> None:
    once = as_tuned(START, {"worth.second": 1.0}, 5, {"": ["one"], "worth.second": ["was 0.2"]})
    twice = as_tuned(once, {"worth.second": 2.0}, 6, {"": ["two"]}).decode()
    assert [line for line in twice.splitlines() if line.startswith("# tuned:")] == ["# tuned: two"]
    assert "# Ours." in twice
    assert tomllib.loads(twice)["worth"]["second"] == 2.0


def test_a_layout_that_cannot_take_a_change_is_refused() -> None:
    with pytest.raises(TuneError, match=r"hedge\.share"):
        as_document(b"hedge = 3\n", {"hedge.share": 0.02})
