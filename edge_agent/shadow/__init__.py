"""A second policy that an agent carries along: it decides what the other one has decided, and does nothing."""

from edge_agent.shadow.file import ShadowFile
from edge_agent.shadow.onlooker import Shadow
from edge_agent.shadow.summary import ShadowDifference, ShadowSummary

__all__ = ["Shadow", "ShadowDifference", "ShadowFile", "ShadowSummary"]
