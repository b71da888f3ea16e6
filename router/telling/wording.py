"""How numbers are told to people. Pure."""

from __future__ import annotations

__all__ = ["in_ms"]


def in_ms(seconds: float) -> str:
    """Return a time in milliseconds: to three digits, and whole from a second on."""
    ms = seconds * 1000
    return f"{ms:.0f} ms" if abs(ms) >= 1000 else f"{ms:.3g} ms"
