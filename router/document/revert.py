"""The table `[revert]`: when a policy is taken back that harms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.document.form import Part, told

__all__ = ["RevertPart"]

# A share of nothing is nothing one could be above.
_Rise = Annotated[float, Field(ge=0.01, le=1)]


class RevertPart(Part):
    """When an agent takes a new policy back by itself, and returns to the one before it.

    What was usual under the policy before is what the agent counted in the last hours. Without this table in the new
    policy that of the one before it holds; without either nothing is taken back. A policy that was taken back is not
    taken again; the next one needs a higher version."""

    error_rise: Annotated[
        _Rise,
        told(
            "By how much the share of requests that get no answer may rise: failed, past their deadline, or refused.",
            unit="share",
            reason="Five more of a hundred is what users notice, and more than a bad quarter of an hour of a network.",
        ),
    ] = 0.05
    remote_rise: Annotated[
        _Rise,
        told(
            "By how much the share of requests that a remote target answers may rise. 1: by any amount.",
            unit="share",
            reason="A change of threshold moves some requests; three of ten more are a mistake, or mean to be said.",
        ),
    ] = 0.3
    within_s: Annotated[
        float,
        Field(gt=0, le=86_400),
        told(
            "For how long a new policy is watched.",
            unit="s",
            reason="A quarter of an hour has some hundred requests on most devices; what harms later has other causes.",
        ),
    ] = 900.0
