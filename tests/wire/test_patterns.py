"""Patterns of tokenizers: those that are around pass, and those that try every way do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.patterns import why_slow

AROUND = {
    "GPT-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "Llama 3": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "GPT-4o": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "CLIP": r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    "T5": r" {2,}",
    "BLOOM": r" ?[^(\s|[.,!?…。，、।۔،])]+",
    "groups of digits": r"(?=(\d{3})+(?!\d))",
    "space": r"\s+",
    "words": r"\w+|[^\w\s]+",
    "lazy": r"(?i)a+?b",
}


@pytest.mark.parametrize("pattern", AROUND.values(), ids=AROUND)
def test_patterns_of_tokenizers_that_are_around_pass(pattern: str) -> None:
    assert why_slow(pattern) == ""
    assert why_slow(f"(?:{pattern})") == ""


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a+)+$", "repeats what repeats"),
        (r"(a|aa)+$", "repeats what repeats"),
        (r"(?:x+x+)+y", "repeats what repeats"),
        (r"((a?){9}){9}", "repeats what repeats"),
        (r"((((((((a|b|ab)?)?c){2})?){2}){2})?)?", "repeats what repeats"),
        (r"a{2}{2}", "repeats what repeats"),
        (r"a**", "repeats what repeats"),
        (r"a*a*b", "several repetitions"),
        (r"(a*)(a*)b", "several repetitions"),
        (r"a{1,999}a{1,999}b", "several repetitions"),
        (r"x|a+(?=a*b)", "several repetitions"),
        (r"(\w)\1", "refers back"),
        (r"\k<n>", "refers back"),
        (r"\g<0>", "refers back"),
        (r"(?<n>a)", "a group that is not understood"),
        (r"(?#", "a group that is not understood"),
        (r"(", "a group without an end"),
        (r")", "is not understood"),
        (r"[a", "a class without an end"),
        (r"+a", "repeats nothing"),
        ("(" * 20 + ")" * 20, "nested too deeply"),
        ("a" * 5000, "is longer than"),
    ],
)
def test_patterns_that_try_every_way_or_are_not_understood_do_not(pattern: str, why: str) -> None:
    assert why in why_slow(pattern)


@given(st.text("()[]{}|*+?\\ab1,:!=<pL", max_size=40))
def test_any_text_is_a_pattern_or_is_not_and_nothing_else(pattern: str) -> None:
    assert isinstance(why_slow(pattern), str)
