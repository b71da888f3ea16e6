"""The W3C trace context: which trace a call belongs to, as its headers tell. Pure.

Read strictly: what is malformed is no context at all, so nothing a stranger made up reaches a log or a trace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["TRACEPARENT", "TRACESTATE", "TraceContext", "read_trace_context"]

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_VENDOR: Final = r"[a-z0-9][a-z0-9_*/-]{0,240}(?:@[a-z][a-z0-9_*/-]{0,13})?"
_MEMBER: Final = re.compile(_VENDOR + r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", re.ASCII)
# What the standard asks everyone to pass on at least, and more than anyone sends.
_MAX_MEMBERS: Final = 32
_MAX_STATE: Final = 512
_MAX_PARENT: Final = 256


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Ids as lower-case hex; `state` is vendors' own, passed on unread."""

    trace_id: str
    parent_id: str
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


def read_trace_context(headers: Mapping[str, str]) -> TraceContext | None:
    """Return the context that `headers`, by lower-case name, carry; None where they carry none that holds."""
    text = headers.get(TRACEPARENT)
    if text is None or len(text) > _MAX_PARENT:
        return None
    found = _PARENT.fullmatch(text)
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    # A later version may say more behind the flags; the first one may not.
    if version == "ff" or (version == "00" and more is not None) or not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return TraceContext(trace_id, parent_id, bool(int(flags, 16) & 1), _state(headers.get(TRACESTATE, "")))


def _state(text: str) -> str:
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    keys = [member.partition("=")[0] for member in members]
    if len(text) > _MAX_STATE or len(members) > _MAX_MEMBERS or len(set(keys)) < len(keys):
        return ""
    return ",".join(members) if all(_MEMBER.fullmatch(member) for member in members) else ""
