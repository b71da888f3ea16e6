"""Which stretches of which scenarios a search looks at, and which decide: read from the files that a command names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from router.cli.scenario_files import find_scenario
from router.errors import TuneError
from router.simulate.scenario import Scenario
from router.simulate.sources import Described, Sources
from router.simulate.split import apart, first, repeats, rest
from router.simulate.tally import BLOCK_REQUESTS
from router.simulate.world import World
from router.tune.trial import Part

__all__ = ["LEAST_REQUESTS", "Stretches", "read_stretches"]

_TRAINING: Final = 0.6
"""Of a scenario that is cut in two, what the search looks at; the rest decides."""
_HELD_OUT: Final = "held out"
LEAST_REQUESTS: Final = 5 * BLOCK_REQUESTS
"""An interval drawn from fewer says little of what might have been."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """`about` says in words what is held out, and `digests` what all of it is made of, down to the traces."""

    scenarios: tuple[Scenario, ...]
    training: tuple[Part, ...]
    held: tuple[Part, ...]
    seed: int
    about: tuple[str, ...]
    digests: tuple[str, ...]


def read_stretches(
    names: Sequence[str], held_out: Sequence[str], seed: int | None, *, read: list[Path] | None = None
) -> Stretches:
    """Read the scenarios `names` and, where there are any, those that are held out whole; otherwise each is cut in two
    by time. `read` is added each file that was opened. Raises ScenarioError, TuneError, OSError."""
    told: dict[str, str] = {}
    looked_at = [_read(name, told, read) for name in names]
    apart_from = [_read(name, told, read) for name in held_out]
    _refuse_twice([*looked_at, *apart_from])
    seed = looked_at[0].seed if seed is None else seed
    if apart_from:
        training = [Part(scenario.name, scenario.setting, seed) for scenario in looked_at]
        held = [_held(scenario, apart(seed, _HELD_OUT), 0.0) for scenario in apart_from]
        about = [f"looked at: {_listed(looked_at)}; held out: {_listed(apart_from)}; seed {seed}"]
    else:
        cuts = [scenario.setting.duration_s * _TRAINING for scenario in looked_at]
        pairs = list(zip(looked_at, cuts, strict=True))
        share = f"first {_TRAINING:.0%}"
        training = [Part(f"{one.name}, {share}", first(one.setting, cut), seed) for one, cut in pairs]
        held = [_held(one, apart(seed, _HELD_OUT), cut) for one, cut in pairs]
        about = [f"looked at: {share} of {_listed(looked_at)}; held out: the rest; seed {seed}"]
        again = [one for one, cut in pairs if repeats(one.setting, cut)]
        if again:
            about += [
                f"weak: the rest of {_listed(again)} is the same again but for chance; --held-out FILE is stronger"
            ]
    for part in (*training, *held):
        _refuse_few(part)
    return Stretches(
        (*looked_at, *apart_from), tuple(training), tuple(held), seed, tuple(about), tuple(sorted(told.values()))
    )


def _held(scenario: Scenario, seed: int, from_s: float) -> Part:
    setting = rest(scenario.setting, from_s) if from_s else scenario.setting
    return Part(f"{scenario.name}, {_HELD_OUT}", setting, seed)


def _read(name: str, told: dict[str, str], read: list[Path] | None) -> Scenario:
    digest = hashlib.sha256()
    scenario = find_scenario(name, lambda sources: _Digesting(sources, digest), read=read)
    digest.update(scenario.digest.encode())
    told[name] = digest.hexdigest()
    if scenario.devices > 1:
        raise TuneError(f"{name}: has {scenario.devices} devices; tune looks at one, whose scenario it takes")
    return scenario


class _Digesting:
    """Hands on what a scenario names, and takes its digest. See router.simulate.sources.Sources."""

    def __init__(self, sources: Sources, digest: hashlib._Hash) -> None:
        self._sources = sources
        self._digest = digest

    def lines(self, name: str) -> Iterable[bytes] | None:
        """See Sources."""
        lines = self._sources.lines(name)
        return None if lines is None else self._seen(name, lines)

    def document(self, kind: Described, name: str) -> bytes | None:
        """See Sources."""
        content = self._sources.document(kind, name)
        self._digest.update(f"{kind}/{name}\n".encode() + (content or b""))
        return content

    def known(self, kind: Described) -> Iterable[str]:
        """See Sources."""
        return self._sources.known(kind)

    def _seen(self, name: str, lines: Iterable[bytes]) -> Iterable[bytes]:
        self._digest.update(f"{name}\n".encode())
        for line in lines:
            self._digest.update(line)
            yield line


def _refuse_twice(scenarios: Sequence[Scenario]) -> None:
    names = [scenario.name for scenario in scenarios]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TuneError(f'two of the scenarios are called "{twice}"; what is held out has to be another one')


def _refuse_few(part: Part) -> None:
    come = sum(1 for _ in islice(World(part.setting, part.seed).arrivals(), LEAST_REQUESTS))
    if come < LEAST_REQUESTS:
        raise TuneError(
            f"{part.name}: {come} requests come in its {part.setting.duration_s:g} s; with fewer than {LEAST_REQUESTS}"
            " no two policies can be told apart"
        )


def _listed(scenarios: Sequence[Scenario]) -> str:
    return ", ".join(scenario.name for scenario in scenarios)
