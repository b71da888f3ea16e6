"""One request on its way: its decision, its permit, and what each target did with it.

call.py is what the drivers drive; audit.py knows the remote call that nobody waits for."""

from edge_agent.call.call import Call

__all__ = ["Call"]
