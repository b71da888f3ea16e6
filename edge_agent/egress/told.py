"""What a server said of itself in the trailing metadata of a call. It may say anything: what is not plausible is not
heard, and nothing of it is quoted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nearfar_wire.load_report import LOAD_KEYS, decode_load
from router.running.advice import NOT_AGAIN_S, NOTHING_TOLD, Told

__all__ = ["told_by"]

_PUSHBACK_KEY: Final = "grpc-retry-pushback-ms"
# A number of milliseconds of this many digits is three months.
_MAX_DIGITS: Final = 10

Trailing = Iterable[tuple[str, str | bytes]]


def told_by(trailing: Trailing | None) -> Told:
    """Return what trailing metadata says of the server's load, and of when to come again; the first word counts."""
    report, pushback_s = None, None
    for key, value in trailing or ():
        if key in LOAD_KEYS and report is None and isinstance(value, bytes):
            report = decode_load(value)
        elif key == _PUSHBACK_KEY and pushback_s is None:
            pushback_s = _pushback_s(value)
    if report is None:
        return NOTHING_TOLD if pushback_s is None else Told(pushback_s=pushback_s)
    return Told(report.queue_wait_s, report.stay_local_s, pushback_s or 0.0)


def _pushback_s(value: str | bytes) -> float | None:
    """Return the pause that a refusal asks for. A negative number is gRPC's way to say: not again."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS):
        return None
    return NOT_AGAIN_S if text != digits else int(digits) / 1000
