"""The report of a release: what is promised, measured and not covered, as one HTML page with pictures."""

from cloud_service.publish.report.facts import (
    CandidateRow,
    HindsightBar,
    PromiseRow,
    ReliabilityPoint,
    ReportFacts,
    RiskPoint,
)
from cloud_service.publish.report.page import write_report

__all__ = [
    "CandidateRow",
    "HindsightBar",
    "PromiseRow",
    "ReliabilityPoint",
    "ReportFacts",
    "RiskPoint",
    "write_report",
]
