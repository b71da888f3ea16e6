"""What may stand in for the full model on a device: made one after the other, each by one way of making it smaller.

propose.py says what is worth trying on which graph; quantized.py, lighter.py and layers.py make it."""

from cloud_service.publish.candidates.candidate import Candidate
from cloud_service.publish.candidates.propose import propose

__all__ = ["Candidate", "propose"]
