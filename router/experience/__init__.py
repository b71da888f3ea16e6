"""What was learnt from calls, and how every target looks by it. Pure: no clock, no lock, no chance.

The agent (edge_agent/experience.py) and the simulator drive the same `Experience`, so that they learn alike."""

from router.experience.admission import Admission
from router.experience.experience import Experience
from router.experience.facts import ModelFacts, TargetFacts

__all__ = ["Admission", "Experience", "ModelFacts", "TargetFacts"]
