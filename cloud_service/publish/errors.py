"""What preparing a release can refuse: always with what to do about it, for the person at the command line."""

from __future__ import annotations

from cloud_service.errors import CloudError

__all__ = ["PublishError"]


class PublishError(CloudError):
    """`problem` says what is wrong, `advice` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice
