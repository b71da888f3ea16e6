"""What an app's own tests can use in place of the real thing. We use the same in ours."""

from __future__ import annotations

from edge_agent.testing.link import Faults, FaultyLink

__all__ = ["Faults", "FaultyLink"]
