"""mahimahi's packet-delivery traces: a line a packet, with the millisecond at which it may pass. Pure."""

from __future__ import annotations

from array import array
from typing import Final

from router.simulate.capacity import Packets
from router.simulate.traces.lines import MAX_PACKETS, Lines, TraceFault, numbered

__all__ = ["read_packets"]

_LONGEST_MS: Final = 2**32 - 1


def read_packets(lines: Lines) -> Packets:
    """Read a trace. Raises TraceFault: at the first line that is no whole millisecond or goes back in time."""
    moments = array("L" if array("I").itemsize < 4 else "I")
    before = 0
    for number, text in numbered(lines, MAX_PACKETS):
        # isdigit alone would take other scripts' digits, and int() their underscores.
        if not (text.isascii() and text.isdigit()) or len(text) > 10:
            raise TraceFault(number, f"not a whole number of milliseconds, such as 1042{_or_rather(text)}")
        moment = int(text)
        if moment > _LONGEST_MS:
            raise TraceFault(number, f"beyond {_LONGEST_MS} ms, which is seven weeks")
        if moment < before:
            raise TraceFault(
                number, f"goes back from {before} ms to {moment} ms; sort the trace, or see if it is cut off"
            )
        before = moment
        moments.append(moment)
    if not moments:
        raise TraceFault(0, "holds no packet")
    if moments[-1] == 0:
        raise TraceFault(0, "ends at 0 ms: the last line is the trace's length, after which it begins again")
    return Packets(moments)


def _or_rather(text: str) -> str:
    columns = any(sign in text for sign in (",", ";", "\t", " "))
    return '; several columns are a table over time: say table = "..." in the place of mahimahi' if columns else ""
