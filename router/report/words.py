"""Numbers and instants as people read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["clock", "count", "percent", "plain", "signed", "spans", "tick_texts"]


def plain(number: float, digits: int = 3) -> str:
    """Return a number with so many digits that count, and no exponent where one can do without."""
    if number != 0 and not 1e-4 <= abs(number) < 1e15:
        return f"{number:.{digits}g}"
    text = f"{number:.{digits}g}"
    if "e" in text:
        text = f"{float(text):.0f}"
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if len(whole.lstrip("-")) > 3 else text


def count(number: int) -> str:
    """Return a whole number."""
    return f"{number:,}"


def percent(share: float) -> str:
    """Return a share of one: to a tenth where that says something."""
    number = 100 * share
    if number and abs(number) < 0.1:
        return f"{number:.2g} %"
    return f"{number:.1f} %" if abs(number) < 10 else f"{number:.0f} %"


def signed(score: float | None) -> str:
    """Return a score; a dash where there is none."""
    return "–" if score is None else f"{score:.2f}".replace("-", "−")


def clock(seconds: float) -> str:
    """Return an instant of the scenario: hours, minutes and seconds since its beginning."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def spans(seconds: float) -> str:
    """Return a length of time in the unit that fits it."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{plain(seconds / length)} {unit}"
    return f"{plain(seconds)} s" if seconds >= 1 else f"{plain(seconds * 1000)} ms"


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """Return an axis' numbers, all with as many decimals as they need to be told apart."""
    for decimals in range(7):
        texts = [f"{tick:,.{decimals}f}" for tick in ticks]
        if all(abs(float(text.replace(",", "")) - tick) < 1e-9 for text, tick in zip(texts, ticks, strict=True)):
            return texts
    return [plain(tick) for tick in ticks]
