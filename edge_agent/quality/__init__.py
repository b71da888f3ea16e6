"""Whether what a release promises still holds: which promise is in force, audits of it, what the app says was right.

promises.py keeps the books of one release; judging.py reads the device's answers; log.py writes audits for
recertification; state.py keeps the books across restarts. The tests themselves are the router's:
router/cascade/watch.py and drift.py."""

from edge_agent.quality.judging import Judged
from edge_agent.quality.log import AuditLog
from edge_agent.quality.promises import Quality

__all__ = ["AuditLog", "Judged", "Quality"]
