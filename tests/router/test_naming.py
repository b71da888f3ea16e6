"""What a mistyped name was meant to be."""

from __future__ import annotations

import pytest

from router.naming import did_you_mean, shown


@pytest.mark.parametrize(
    ("given", "known", "said"),
    [
        ("grater", ["greater", "less"], '; did you mean "greater"?'),
        ("xyz", ["b", "a"], "; known here: a, b"),
        ("xyz", [], ""),
        ("bat", ["battery_pct", "charging"], '; did you mean "battery_pct"?'),
        ("AUTO", ["auto", "never"], '; did you mean "auto"?'),
        ("mоde", ["mode"], ' (in it U+043E, CYRILLIC SMALL LETTER O); did you mean "mode"?'),
        ("ｍｏｄｅ", ["mode"], ' (in it U+FF4D, FULLWIDTH LATIN SMALL LETTER M); did you mean "mode"?'),
        ("mo\u200bde", ["mode"], ' (in it U+200B, ZERO WIDTH SPACE); did you mean "mode"?'),
        ("only‐on‐device", ["only_on_device"], ' (in it U+2010, HYPHEN); did you mean "only_on_device"?'),
        ("xyz", [f"n{i:02}" for i in range(40)], f"; known here: {', '.join(f'n{i:02}' for i in range(24))}, ..."),
        ("a" * 1_000_000, ["b"], "; known here: b"),
        ("xyz", ["\x1b[31m", "b" * 1000], f"; known here: \\x1b[31m, {'b' * 64}"),
        ("abc\u202e", ["ab\u202ecd"], ' (in it U+202E, RIGHT-TO-LEFT OVERRIDE); did you mean "ab\\u202ecd"?'),
    ],
)
def test_the_nearest_name_or_all_of_them(given: str, known: list[str], said: str) -> None:
    assert did_you_mean(given, known) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mode", "mode"),
        ("größe", "größe"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("\u202eedom\u200b", "\\u202eedom\\u200b"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_name_is_told_so_that_a_terminal_shows_all_of_it_and_obeys_none(name: str, said: str) -> None:
    assert shown(name) == said
