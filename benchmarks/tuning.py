"""How far tuning gets on recorded networks and arrivals that it has not seen: for each kind of trace the search looks
at some of its files (or the first part of the only one), and others of the same kind decide. Needs NEARFAR_DATA.

Two apps: a small picture, which every network carries, and a large one in a hurry, which some do not. The score is 0
for the best fixed choice in hindsight and 1 for the bound; what lies above the bound is split by what it would take to
gain it (router/simulate/remaining.py)."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.cli.scenario_files import Beside
from router.document import PolicyDocument
from router.rules.compile import compile_policy
from router.simulate.comparison import compare
from router.simulate.measures import MEASURES
from router.simulate.remaining import Remaining, remaining
from router.simulate.scenario import Scenario, read_scenario
from router.simulate.split import apart, first, rest
from router.toml.document import read_document
from router.tune.aims import Aim, Judge
from router.tune.heldout import verdict
from router.tune.search import Runs, search
from router.tune.space import Point, space_of
from router.tune.trial import Part, tried
from router.tune.writing import as_document
from router.types import DEVICE, Kind

__all__ = ["main"]

_EVALUATIONS: Final = 60
_FILES: Final = 2
"""So many of a kind are looked at, and as many others decide."""
_TARGETS: Final = {DEVICE: Kind.DEVICE, "cloud": Kind.CLOUD}

_SCENARIO: Final = """
schema = 1
name = "{name}"
duration_s = {duration_s}
device = {{ model = "phone-midrange" }}
links.air = {{ radio = "{radio}", up = {up}, down = {down}, rtt_ms = 60, jitter = 0.2 }}
targets.cloud = {{ server = "cpu-16", rtt_ms = 20, usd_per_request = 0.0001 }}

[models.vision]
device_ms = 20
service_ms = {{ cloud = 20 }}
upload_bytes = {upload_bytes}
answers = {{ accuracy = {{ device = 0.755, cloud = 0.9 }}, auroc = 0.8 }}

[[workload]]
name = "app"
model = "vision"
deadline_ms = {deadline_ms}
arrivals = {arrivals}
"""
_BURSTS: Final = "{ bursts = { requests = 8, within_s = 2.0, between_s = 45 } }"
_START: Final = """\
schema = 1
name = "start"
version = 1

[worth]
second = {second}
dollar = 100.0

[targets.cloud]
usd_per_request = 0.0001

[escalation]
below = "best"
"""


@dataclass(frozen=True, slots=True)
class _App:
    name: str
    upload_bytes: int
    deadline_ms: int
    second: float


@dataclass(frozen=True, slots=True)
class _Day:
    name: str
    up: str
    down: str
    radio: str
    arrivals: str = _BURSTS
    duration_s: int = 1800


_APPS: Final = (_App("small", 24_000, 2000, 0.05), _App("large", 150_000, 1200, 0.3))


def main() -> None:
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        print("tuning: left out, because NEARFAR_DATA is not set")
        return
    print(f"tuning, {_EVALUATIONS} evaluations; cost and score of a request on traces that were held out, means")
    print(f"  {'kind':16}{'app':7}{'static':>8}{'start':>8}{'tuned':>8}{'bound':>8}{'score':>8}{'tuned':>8}", end="")
    print(f"{'learnable':>11}{'luck':>7}{'to come':>9}  changed")
    for kind, days in _kinds(Path(data) / "net"):
        for app in _APPS:
            print(f"  {kind:16}{app.name:7}{_line(Path(data) / 'net', days, app)}", flush=True)


def _line(net: Path, days: Sequence[_Day], app: _App) -> str:
    scenarios = [_scenario(net, day, app) for day in days]
    training, held = _parts(scenarios)
    start = _START.format(second=app.second).encode()
    point, word = _tuned(start, training, held)
    policies = [compile_policy(as_document(start, each), targets=_TARGETS) for each in ({}, point)]
    lines: list[tuple[float, ...]] = []
    lefts: list[Remaining] = []
    for part in held:
        compared = compare(part.setting, policies, part.seed)
        before, after = (judged.outcomes.cost.value for judged in compared.policies)
        least = compared.least_cost
        lines.append((compared.static.cost.value, before, after, least))
        worth = policies[0].worth
        lefts.append(remaining(part.setting, policies[1], part.seed, cost=after, least=least, worth=worth))
    static, before, after, least = (sum(column) / len(column) for column in zip(*lines, strict=True))
    room = static - least
    scores = [(static - cost) / room for cost in (before, after)]
    parts = [
        sum(part) / sum(left.whole for left in lefts)
        for part in (
            [left.learnable for left in lefts],
            [left.luck for left in lefts],
            [left.to_come for left in lefts],
        )
    ]
    costs = "".join(f"{cost:8.4f}" for cost in (static, before, after, least))
    changed = ", ".join(f"{path} {value}" for path, value in point.items())
    return (
        f"{costs}{scores[0]:8.2f}{scores[1]:8.2f}{parts[0]:11.0%}{parts[1]:7.0%}{parts[2]:9.0%}"
        f"  {changed or '-'} ({word})"
    )


def _tuned(start: bytes, training: Sequence[Part], held: Sequence[Part]) -> tuple[Point, str]:
    """Return what a search finds in `training`, and what held-out runs say of it; the start where it is not better."""
    space = space_of(read_document(start, PolicyDocument, max_bytes=1 << 20))
    judge = Judge(Aim(MEASURES["cost"]), [part.name for part in training], 1)
    asked = search(space, judge, seed=1, evaluations=_EVALUATIONS)
    points = next(asked)
    while True:
        try:
            points = asked.send(_runs(start, points, training))
        except StopIteration as ended:
            point: Point = ended.value.point
            break
    begun, found = _runs(start, [{}, point], held)
    assert begun is not None
    assert found is not None
    word = verdict(Judge(judge.aim, [part.name for part in held], 1), begun, found, {}).word
    return (point if word == "better" else {}), word


def _runs(start: bytes, points: Sequence[Point], parts: Sequence[Part]) -> list[Runs]:
    worth = compile_policy(start, targets=_TARGETS).worth
    documents = [as_document(start, point) for point in points]
    return [[tried(part, document, _TARGETS, worth) for part in parts] for document in documents]


def _parts(scenarios: Sequence[Scenario]) -> tuple[list[Part], list[Part]]:
    if len(scenarios) == 1:
        (whole,) = scenarios
        cut = 0.6 * whole.setting.duration_s
        seed = apart(whole.seed, "held out")
        return [Part("first", first(whole.setting, cut), whole.seed)], [Part("rest", rest(whole.setting, cut), seed)]
    half = (len(scenarios) + 1) // 2
    training = [Part(each.name, each.setting, each.seed) for each in scenarios[:half]]
    return training, [Part(each.name, each.setting, apart(each.seed, "held out")) for each in scenarios[half:]]


def _scenario(net: Path, day: _Day, app: _App) -> Scenario:
    text = _SCENARIO.format(
        name="".join(letter if letter.isalnum() else "-" for letter in f"day-{day.name}"),
        duration_s=day.duration_s,
        radio=day.radio,
        up=day.up,
        down=day.down,
        upload_bytes=app.upload_bytes,
        deadline_ms=app.deadline_ms,
        arrivals=day.arrivals,
    )
    return read_scenario(text.encode(), Beside(net))


def _kinds(net: Path) -> Iterator[tuple[str, list[_Day]]]:
    yield "LTE packets", [_packets(name) for name in ("TMobile-LTE-short", "ATT-LTE-driving", "Verizon-LTE-short")]
    recorded = f'{{ trace = "{net.parent / "workload" / "azure_conv.csv.gz"}", speed = 0.2 }}'
    yield "Azure arrivals", [_packets("TMobile-LTE-short", recorded, 900)]
    with tarfile.open(net / "lumos5g_dev.tar.gz") as archive:
        names = sorted(member.name for member in archive if member.isfile())
    for kind, radio in (("4G", "cellular-slow-wake"), ("5G", "nr-nsa")):
        for way in ("driving", "walking"):
            found = [name for name in names if f"/{kind}/" in name and way in name]
            chosen = found[:: max(1, len(found) // (2 * _FILES))][: 2 * _FILES]
            # Neighbours were recorded on one day: those that are looked at and those that decide take turns.
            yield f"{kind} {way}", [_table(name, radio) for name in (*chosen[::2], *chosen[1::2])]


def _packets(name: str, arrivals: str = _BURSTS, duration_s: int = 1800) -> _Day:
    up, down = (f'{{ mahimahi = "mahimahi/{name}.{way}.gz" }}' for way in ("up", "down"))
    return _Day(name, up, down, "cellular-slow-wake", arrivals, duration_s)


def _table(name: str, radio: str) -> _Day:
    series = f'{{ table = "lumos5g_dev.tar.gz/{name}" }}'
    return _Day(Path(name).stem, series, series, radio)
