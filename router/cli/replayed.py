"""What a replay found, as a page for a terminal. Only writes: numbers are router.offpolicy's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from router.cli.columns import aligned
from router.cli.lines import Lines
from router.cli.record_lines import RecordLines
from router.offpolicy.audited import Judged
from router.offpolicy.estimate import Estimate, Estimates
from router.offpolicy.replaying import Replay
from router.simulate.intervals import Figure

__all__ = ["WARNING", "report"]

WARNING: Final = (
    "WARNING: these are figures of the world that the logged policy made. Wherever what is done changes the world,",
    "its radio, queues, temperature, battery or budgets, replayed latencies, energy and costs are WRONG: simulate",
    "(nearfar-policy simulate), which has a policy live with what it does.",
)
_LONG_S: Final = 3600.0
"""A silence that is told: nobody's app is in use all night, but whoever knows theirs knows whether it is."""
_TOLD: Final = 15
"""Turns on a terminal; all of them are in the JSON."""
_STORIES: Final = 3
_MODEL: Final = (
    "as logged: the mean of the records. IPS: weighed by how much more probable what was done is under this policy.",
    "SNIPS: by the sum of the weights. DR: doubly robust; its direct model is what the decisions themselves expected",
    "of each plan (quantiles of times, shares of failures, the release's evaluation). ± is half of a 95 % interval.",
)


def report(
    lines: RecordLines,
    audits: Lines,
    paths: Sequence[Path],
    replays: Sequence[Replay],
    estimates: Sequence[Estimates],
) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from _read(lines)
    yield from _bad(audits, "lines of audits")
    for path, replay, estimate in zip(paths, replays, estimates, strict=True):
        yield ""
        yield from _changed(path, replay)
        yield from _strangers(replay)
        yield ""
        yield from _estimated(replay, estimate)
        if audits.count:
            yield ""
            yield from _judged(replay.judging.judged())
    yield ""
    yield from WARNING


# -- what was read -----------------------------------------------------------------------------------------------------


def _read(lines: RecordLines) -> Iterator[str]:
    read = lines.versions.total()
    versions = ", ".join(f"{count:,} of version {version}" for version, count in sorted(lines.versions.items()))
    yield f"{read:,} records ({versions})" if len(lines.versions) > 1 else f"{read:,} records"
    yield from _bad(lines.lines, "lines")
    if lines.repeated:
        yield f"{lines.repeated:,} records stand there twice, and count once"
    if lines.ids_forgotten:
        yield "there are so many records that not all which stand there twice were noticed"
    if lines.silence_s >= _LONG_S:
        hours = lines.silence_s / 3600
        yield f"no request in {hours:,.1f} h before {lines.silence_until}: none came, or their records are missing"
    if lines.backwards:
        yield (
            f"{lines.backwards:,} times the clock goes back, as after a restart, or where lines were put in another"
            " order: intervals take neighbours as they stand"
        )


def _bad(lines: Lines, what: str) -> Iterator[str]:
    if lines.bad:
        yield f"{lines.bad.total():,} of {lines.count:,} {what} are left out:"
        for problem, count in lines.bad.most_common():
            yield f"{count:8,}  {problem}, first at {lines.first[problem]}"


# -- what changes ------------------------------------------------------------------------------------------------------


def _changed(path: Path, replay: Replay) -> Iterator[str]:
    changes, policy = replay.changes, replay.policy
    share = changes.chosen_otherwise / changes.records
    yield (
        f"{changes.chosen_otherwise:,} of {changes.records:,} decisions ({share:.1%}) are others under policy"
        f" {policy.name} version {policy.version} ({path}); {changes.planned_otherwise:,} are the same on other terms"
    )
    ranked = changes.ranked()
    if not ranked:
        return
    rows = [(f"{count:,}", turn.choice, turn.instead, turn.why) for turn, count in ranked[:_TOLD]]
    yield from aligned([("count", "from", "to", "because"), *rows], left=(1, 2, 3))
    if len(ranked) > _TOLD:
        left = sum(count for _, count in ranked[_TOLD:])
        yield f"{left:,} more in {len(ranked) - _TOLD} kinds: see --json"
    yield "such as"
    for turn, _ in ranked[:_STORIES]:
        for example in changes.examples[turn][:1]:
            was, now = example.in_words()
            yield f"  {example.request} ({example.place})"
            yield f"    was: {example.was.choice}: {was}"
            yield f"    now: {example.now.choice}: {now}"


def _strangers(replay: Replay) -> Iterator[str]:
    name = replay.policy.name
    for target, count in replay.unnamed.most_common():
        yield f"{name} does not name the target {target}, of {count:,} records: it is taken as others of its kind are"
    for label, count in replay.unknown_labels.most_common():
        yield (
            f'{name} has no label "{label}", which {count:,} records bear: they are decided as if they had none; an'
            " agent would refuse them"
        )


# -- what it would have come to ----------------------------------------------------------------------------------------


def _estimated(replay: Replay, found: Estimates) -> Iterator[str]:
    for count, why in _left_out(replay):
        yield f"{count:,} records {why}, and are left out of estimates"
    told = f"{int(found.effective):,} effective samples in {found.records:,} records"
    if found.differing:
        told += f", {int(found.effective_differing):,} in the {found.differing:,} on which they differ"
    if found.refused is not None:
        yield f"No estimate: {found.refused.why}."
        advice = found.refused.advice
        if advice is None:
            yield "Exploring would not help: simulate (nearfar-policy simulate)."
        else:
            yield f"Simulate (nearfar-policy simulate), or explore: {advice}."
        return
    yield f"What it would have come to, for one request; {told}:"
    yield from _table(found.figures)
    cut = "no weight was cut" if not found.cut else f"{found.cut:,} weights were cut to it, which is a bias"
    yield f"Largest weight {found.largest_weight:.3g}, mean weight {found.mean_weight:.3f}; {cut}."
    if found.doubtful:
        yield (
            "The mean weight is not near 1: the probabilities in the log are not those by which it was drawn. Do not"
            " believe these figures."
        )
    for share, what in (
        (found.unseen, "what it would do was never done in such a situation, and counts for nothing in IPS"),
        (found.astray, "what was done went another way than on its terms, and is taken as it went"),
    ):
        if share:
            yield f"{share:.2%} of {what}."
    if found.unmodelled:
        yield f"For {found.unmodelled:,} records nothing was expected of the plans: DR is IPS there."
    yield from _MODEL


def _left_out(replay: Replay) -> list[tuple[int, str]]:
    counts = [
        (replay.audited, "were drawn for an audit"),
        (replay.without_odds, "say no probability of what was done, or one that cannot be"),
        (replay.without_end, "do not say what came of the request"),
    ]
    return [(count, why) for count, why in counts if count]


def _table(figures: Sequence[Estimate]) -> Iterator[str]:
    rows = [["", "as logged", "IPS", "SNIPS", "DR"]]
    for each in figures:
        unit, write = _WRITTEN[each.figure.name]
        cells = [f"{write(of.value)} ±{write(of.half)}" for of in (each.logged, each.ips, each.snips, each.dr)]
        rows.append([f"{each.figure.name} {unit}".strip(), *cells])
    yield from aligned(rows, left=(0,))


def _scaled(factor: float, digits: int) -> Callable[[float], str]:
    return lambda value: f"{value * factor:,.{digits}f}"


_WRITTEN: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "cost": ("", _scaled(1, 4)),
    "misses": ("%", _scaled(100, 2)),
    "failures": ("%", _scaled(100, 2)),
    "on_device": ("%", _scaled(100, 1)),
    "latency": ("ms", _scaled(1000, 1)),
    "energy": ("J", lambda value: f"{value:.3g}"),
    "money": ("$/1000", _scaled(1000, 4)),
    "bytes": ("kB", _scaled(0.001, 2)),
}


# -- who was right -----------------------------------------------------------------------------------------------------


def _judged(found: Judged) -> Iterator[str]:
    yield (
        f"{found.compared:,} of the requests were audited, {found.labelled:,} of them have labels"
        f"{f'; {found.undecided:,} more say nothing of this policy' if found.undecided else ''}:"
    )
    rows = [("kept on the device", found.kept_as_logged, found.kept)] if found.compared else []
    if found.compared:
        rows.append(("kept, and the cloud disagrees", found.disagreeing_as_logged, found.disagreeing))
    if found.labelled:
        rows.append(("wrong answers", found.wrong_as_logged, found.wrong))
    for name, before, after in rows:
        yield f"  {name:30}  as logged {_percent(before):22}  under this policy {_percent(after)}"


def _percent(of: Figure) -> str:
    return f"{of.value:.2%} ({of.low:.2%} to {of.high:.2%})"
