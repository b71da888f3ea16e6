"""Every rule through every day, and what each came to: figures with their intervals, and a score.

    score = (best fixed choice's cost - cost) / (best fixed choice's cost - bound)

0 is the best of asking always the same and the best threshold on the device's confidence, both chosen in hindsight; 1
is what somebody could have reached who knew the day, and not who is right. See router/simulate/comparison.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.routing.days import day
from benchmarks.routing.oracle import oracle, revealed
from benchmarks.routing.rules import PEERS
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.baselines import BASELINES, THRESHOLDS, Baseline, always, cascade
from router.simulate.bound import least_possible
from router.simulate.chance import Chance
from router.simulate.driver import run
from router.simulate.intervals import Figure, between, drawn_again
from router.simulate.measures import MEASURES, measured
from router.simulate.spread import Spread, Watch, in_turn
from router.simulate.tally import Block
from router.types import DEVICE, Kind

__all__ = ["COLUMNS", "Day", "Row", "contenders", "measure", "policy_of", "runs"]

COLUMNS: Final = ("cost", "accuracy_loss", "misses", "failures", "latency_p95", "energy", "money", "bytes")

# What a wrong answer is worth in other things: ten seconds of waiting, a cent, a hundred megabytes, a hundred joules,
# which are two thousandths of what a phone's battery holds.
_WORTH: Final = "worth = { second = 0.1, dollar = 100.0, megabyte = 0.01, joule = 0.01 }\n"
_OURS: Final[Mapping[str, str]] = {
    "nearfar": "",
    "nearfar-one-answer": 'escalation = { below = "never" }\n',
    "nearfar-everything": "radio = { wake = true }\nexploration = { share = 0.01 }\n",
}
_BOUND, _ORACLE_BOUND = "bound", "bound that knows who is right"


@dataclass(frozen=True, slots=True)
class Row:
    """One rule on one day. `figures` are for one request; of a bound there is only its cost. `kind` is whose it is."""

    name: str
    kind: str
    score: float | None
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Day:
    """What all came to on one day: those of `seeds` together."""

    name: str
    requests: int
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]


def policy_of(name: str, body: str, kinds: Mapping[str, Kind], prices: Mapping[str, float]) -> Policy:
    """Return a policy with the benchmark's worth of things, and the prices that the day has."""
    tables = "".join(
        f'[targets.{target}]\nkind = "{kind}"\nusd_per_request = {prices[target]!r}\n'
        for target, kind in kinds.items()
        if kind is not Kind.DEVICE
    )
    text = f'schema = 1\nname = "{name}"\nversion = 1\n{_WORTH}{body}{tables}'
    return compile_policy(text.encode(), targets=kinds)


def contenders(day_name: str, policies: Sequence[Path] = ()) -> dict[str, str]:
    """Return the names of all that run on a day, and whose each is."""
    setting = day(day_name).setting
    remotes = [server.name for server in setting.servers]
    return {
        **dict.fromkeys(_OURS, "nearfar"),
        **dict.fromkeys(map(str, policies), "given"),
        **{peer(_policy(day_name)).name: "peer" for peer in PEERS},
        **{baseline.name: "baseline" for baseline in (*map(always, remotes), *BASELINES)},
        **{cascade(below).name: "threshold" for below in THRESHOLDS if below not in (0.5, 0.7)},
        "oracle": "oracle",
    }


def runs(days: Sequence[str], seeds: int, policies: Sequence[Path] = ()) -> int:
    """Return how many runs it takes."""
    return sum(seeds * (len(contenders(name, policies)) + 2) for name in days)


def measure(
    names: Sequence[str], seeds: Sequence[int], policies: Sequence[Path], watch: Watch, spread: Spread = in_turn
) -> Iterator[Day]:
    """Yield what comes of each day. `watch` is told the name of each run before it is waited for."""
    for name in names:
        whose = contenders(name, policies)
        blocks: dict[str, list[Block]] = {}
        least: dict[str, float] = {}
        tasks: list[Callable[[], list[Block] | float]] = []
        for each in whose:
            tasks += [partial(_run, name, each, whose[each], seed) for seed in seeds]
        for knows in (False, True):
            tasks += [partial(_least, name, seed, knows) for seed in seeds]
        results = spread(tasks)
        for each in (*whose, _BOUND, _ORACLE_BOUND):
            for _ in seeds:
                watch(f"{name}: {each}")
                found = next(results)
                if isinstance(found, float):
                    least[each] = least.get(each, 0.0) + found
                else:
                    blocks.setdefault(each, []).extend(found)
        yield _day(name, seeds, whose, blocks, least)


def _day(
    name: str,
    seeds: Sequence[int],
    whose: Mapping[str, str],
    blocks: Mapping[str, list[Block]],
    least: Mapping[str, float],
) -> Day:
    requests = sum(block.requests for block in blocks["nearfar"])
    figures = {each: _figures(found) for each, found in blocks.items()}
    fixed = [each for each in whose if each.startswith(("always-", "cascade-"))]
    static = min(figures[each]["cost"].value for each in fixed)
    bound = least[_BOUND] / max(1, requests)

    def score(cost: float) -> float | None:
        return (static - cost) / (static - bound) if static > bound else None

    best = min((each for each in fixed if each.startswith("cascade-")), key=lambda each: figures[each]["cost"].value)
    rows = [
        Row(each, kind, score(figures[each]["cost"].value), figures[each])
        for each, kind in whose.items()
        if kind != "threshold"
    ]
    rows.append(Row(f"best {best}", "baseline", score(figures[best]["cost"].value), figures[best]))
    for each, total in least.items():
        cost = total / max(1, requests)
        rows.append(Row(each, "bound", score(cost), {"cost": Figure(cost, cost, cost)}))
    return Day(name, requests, tuple(seeds), tuple(rows))


def _figures(blocks: Sequence[Block]) -> dict[str, Figure]:
    draws = drawn_again(len(blocks), Chance(1, "intervals"))
    return {name: between(measured(blocks, MEASURES[name], draws)) for name in COLUMNS}


# -- runs, each of which may be made in another process: only names travel ---------------------------------------------


def _run(day_name: str, name: str, kind: str, seed: int) -> list[Block]:
    setting, policy = day(day_name).setting, _policy(day_name)
    if kind == "nearfar":
        return run(setting, _policy(day_name, name, _OURS[name]), seed, worth=policy.worth).blocks
    if kind == "given":
        kinds = {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in setting.servers}}
        given = compile_policy(Path(name).read_bytes(), source=name, targets=kinds)
        return run(setting, given, seed, worth=policy.worth).blocks
    if kind == "oracle":
        known = revealed(setting)
        return run(known, policy, seed, baseline=oracle(known, seed)).blocks
    return run(setting, policy, seed, baseline=_rule(day_name, name)).blocks


def _rule(day_name: str, name: str) -> Baseline:
    setting = day(day_name).setting
    rules = [
        *(peer(_policy(day_name)) for peer in PEERS),
        *(always(server.name) for server in setting.servers),
        *BASELINES,
        *map(cascade, THRESHOLDS),
    ]
    return next(rule for rule in rules if rule.name == name)


def _least(day_name: str, seed: int, knows: bool) -> float:
    setting, policy = day(day_name).setting, _policy(day_name)
    return least_possible(revealed(setting) if knows else setting, policy, seed)


def _policy(day_name: str, name: str = "worth", body: str = "") -> Policy:
    servers = day(day_name).setting.servers
    kinds = {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in servers}}
    return policy_of(name, body, kinds, {server.name: server.usd_per_request for server in servers})
