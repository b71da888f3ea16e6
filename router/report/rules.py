"""Rule coverage: which rules held, how often and when, and which never did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.report.coverage import Covered
from router.report.markup import Html, joined, tag
from router.report.study import Profile
from router.report.traces import stretches
from router.report.words import count, percent

__all__ = ["rules"]

_HEADS: Final = ("Rule", "Holds when", "Wants", "Held for", "When", "Changed the choice")


def rules(profile: Profile) -> Html:
    """Return what became of each rule of a policy."""
    if not profile.covered:
        return tag("p", f"{profile.policy.name} has no rules.", class_="quiet")
    requests = max(1, sum(profile.recording.requests))
    idle = [covered.name for covered in profile.covered if not covered.count]
    said = f"All {len(profile.covered)} rules held at some time." if not idle else _idle(idle, len(profile.covered))
    rows = [_row(covered, requests) for covered in profile.covered]
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", name, scope="col", class_="text") for name in _HEADS])),
        tag("tbody", rows),
        aria_label=f"Rules of {profile.policy.name}",
    )
    return joined([
        tag("p", said),
        tag("div", table, class_="wide-table", tabindex=0, role="region", aria_label=f"Rules of {profile.policy.name}"),
    ])  # fmt: skip


def _idle(names: Sequence[str], of: int) -> Html:
    listed = ", ".join(names)
    return joined([tag("strong", f"{len(names)} of {of} rules never held"), f" in this scenario: {listed}."])


def _row(covered: Covered, requests: int) -> Html:
    share = covered.count / requests
    bar = tag("svg", tag("rect", x="0%", y="20%", height="60%", width=f"{100 * share:.2f}%"), class_="bar",
              aria_hidden="true")  # fmt: skip
    return tag(
        "tr",
        tag("th", covered.name, scope="row"),
        tag("td", covered.when, class_="text"),
        tag("td", covered.wants, class_="text"),
        tag("td", tag("span", f"{count(covered.count)}, {percent(share)}" if covered.count else tag("strong", "never")),
            bar),
        tag("td", _when(covered)),
        tag("td", _mattered(covered), class_="text"),
        class_="" if covered.count else "never",
    )  # fmt: skip


def _when(covered: Covered) -> Html:
    if not covered.count:
        return joined(["–"])
    path = tag("path", d=stretches(covered.held), class_="rule")
    return tag("svg", path, viewBox=f"0 0 {len(covered.held)} 100", preserveAspectRatio="none", class_="spark",
               role="img", aria_label="when it held, over the scenario's time")  # fmt: skip


def _mattered(covered: Covered) -> str:
    unknown = "; ".join(f"{name} was unknown to {percent(share)} of requests" for name, share in covered.unknown)
    if unknown and covered.skips_unknown:
        unknown += ", which skips it"
    if not covered.tried:
        return unknown or "–"
    if not covered.mattered:
        found = f"in none of {covered.tried} situations looked at: without it the same would have been done"
    else:
        found = f"in {covered.mattered} of {covered.tried} situations looked at"
    return f"{found}; {unknown}" if unknown else found
