"""One request on its way: its decision, its permit, and what each target did with it.

call.py is what the drivers drive; remote.py knows the calls that are under way over the network, audit.py the one that
nobody waits for."""

from edge_agent.call.call import Call

__all__ = ["Call"]
