"""The table `[worth]`: the one currency that plans are compared in."""

from __future__ import annotations

from router.document.form import Part, Worth

__all__ = ["WorthPart"]


class WorthPart(Part):
    """What things are worth, all in one currency; only the ratios count."""

    wrong_answer: Worth = 1.0
    """The unit the others are seen against."""
    missed_deadline: Worth = 1.0
    """A late answer is as bad as a wrong one."""
    failed_request: Worth = 1.0
    """So is none."""
    second: Worth = 0.05
    """Twenty seconds of waiting weigh as one wrong answer."""
    dollar: Worth = 1.0
    """A dollar weighs as one wrong answer."""
    megabyte: Worth = 0.001
    """At a thousandth a thousand 1 MB uploads weigh as one wrong answer: about the price of metered data."""
