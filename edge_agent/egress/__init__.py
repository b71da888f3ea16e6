"""The one door through which anything leaves the device: the only code that holds a channel.

A request that is to reach a remote target needs a permit, and the door issues one only for the targets that the policy
permits the request's label to reach. A request whose label closes every remote target gets none: it is handed a plan
without a transport in it. Import contracts keep grpc and sockets out of the rest of the agent."""

from edge_agent.egress.door import Door, Permit

__all__ = ["Door", "Permit"]
