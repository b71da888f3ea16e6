"""The report's palette: it stands out from the page, and can be told apart by whoever sees fewer colours."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.router.report.studies import dress

Colour = tuple[float, float, float]
TOLD_APART = ("device", "remote-1", "remote-2", "bad")
"""What stands beside one another in one drawing, with nothing but its colour to tell it by."""
MIXED = ("device", "plan-1", "remote-1", "bad")
# Machado, Oliveira and Fernandes (2009), severity 1, on linear light.
SEES = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def _palette(scheme: str) -> dict[str, Colour]:
    light, dark = re.findall(r":root \{(.*?)\}", dress().style, re.DOTALL)
    found = re.findall(r"--([\w-]+): #([0-9a-f]{6});", light if scheme == "light" else dark)
    return {name: _linear(value) for name, value in found}


def _linear(value: str) -> Colour:
    parts = [int(value[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def _contrast(one: Colour, other: Colour) -> float:
    high, low = sorted((0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other)))[::-1]
    return (high + 0.05) / (low + 0.05)


def _seen(colour: Colour, by: str) -> Colour:
    red, green, blue = (
        min(1.0, max(0.0, sum(factor * part for factor, part in zip(row, colour, strict=True)))) for row in SEES[by]
    )
    return red, green, blue


def _oklab(colour: Colour) -> Colour:
    red, green, blue = colour
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_stands_out_from_what_it_is_drawn_on(scheme: str) -> None:
    palette = _palette(scheme)
    drawn = [
        "accent",
        "policy",
        "rule",
        "bound",
        "bad",
        "frame",
        *(n for n in palette if n.startswith(("rem", "plan"))),
    ]
    for name in (*drawn, "device"):
        for ground in ("paper", "raised"):
            assert _contrast(palette[name], palette[ground]) >= 3.0, (name, ground)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize("names", [TOLD_APART, MIXED], ids=["answers", "plans"])
def test_colours_beside_one_another_are_told_apart_by_everybody(scheme: str, by: str, names: tuple[str, ...]) -> None:
    palette = _palette(scheme)
    for one, other in combinations(names, 2):
        here, there = (_oklab(_seen(palette[name], by)) for name in (one, other))
        apart = sum((a - b) ** 2 for a, b in zip(here, there, strict=True)) ** 0.5
        assert apart >= 0.08, (one, other, round(apart, 3))
